import { humanDuration } from '../../../../apimachinery/duration.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { pathSegment } from '../../../../apimachinery/validation/names.ts';
import { ageCell, ageColumn, column, deepEqual, type Kind, nameColumn } from '../../../define.ts';
import type { CertificateSigningRequest } from '../types.generated.ts';

const { required, invalid } = fieldError;
/** Ten minutes: shorter certificates would end before they are used. */
const minSeconds = 600;

function validate({ spec }: CertificateSigningRequest): FieldError[] {
  const errors: FieldError[] = [];
  const pem = Buffer.from(spec.request ?? '', 'base64').toString('latin1');
  if (!/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(pem)) {
    errors.push(invalid('spec.request', spec.request, 'PEM block type must be CERTIFICATE REQUEST'));
  }
  if (!spec.usages?.length) errors.push(required('spec.usages', 'usages must be set'));
  if (!spec.signerName) errors.push(required('spec.signerName'));
  else if (!/^[a-z0-9.-]+\.[a-z0-9.-]+\/\S+$/.test(spec.signerName)) {
    const why = 'must be a fully qualified domain and path of the form "example.com/signer-name"';
    errors.push(invalid('spec.signerName', spec.signerName, why));
  }
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < minSeconds) {
    errors.push(
      invalid(
        'spec.expirationSeconds',
        spec.expirationSeconds,
        'may not specify a duration less than 600 seconds (10 minutes)',
      ),
    );
  }
  return errors;
}

function condition({ status }: CertificateSigningRequest): string {
  const has = (type: string): boolean => status?.conditions?.some((c) => c.type === type) ?? false;
  const texts = [has('Approved') ? 'Approved' : has('Denied') ? 'Denied' : 'Pending'];
  if (has('Failed')) texts.push('Failed');
  if (status?.certificate) texts.push('Issued');
  return texts.join(',');
}

export const certificateSigningRequest: Kind<CertificateSigningRequest> = {
  nameRule: pathSegment,
  strategy: {
    validate,
    // Who asks, and for what, stays.
    prepareForUpdate(object, old) {
      object.spec = old.spec;
    },
    validateUpdate: (object, old) =>
      deepEqual(object.spec, old.spec) ? [] : [invalid('spec', object.spec, 'field is immutable')],
  },
  selectableFields: { 'spec.signerName': ({ spec }) => spec.signerName },
  columns: [
    nameColumn,
    ageColumn,
    column('SignerName', 'Who is to sign.'),
    column('Requestor', 'Who asked.'),
    column('RequestedDuration', 'For how long the certificate should be valid.'),
    column('Condition', 'Whether it is approved, and signed.'),
  ],
  cells: (object, now) => [
    object.metadata.name,
    ageCell(object, now),
    object.spec.signerName || '<none>',
    object.spec.username ?? '',
    object.spec.expirationSeconds === undefined ? '<none>' : humanDuration(object.spec.expirationSeconds * 1000),
    condition(object),
  ],
};
