import { humanDuration } from '../../../../apimachinery/duration.ts';
import { pathSegment } from '../../../../apimachinery/validation/names.ts';
import { ageCell, ageColumn, column, type Kind, keepAllButStatus, nameColumn } from '../../../define.ts';
import type { CertificateSigningRequest } from '../types.generated.ts';
import {
  keepCertificate,
  keepDecision,
  validate,
  validateApproval,
  validateConditionsOf,
  validateStatusUpdate,
} from './validation.ts';

function condition({ status }: CertificateSigningRequest): string {
  const has = (type: string): boolean => status?.conditions?.some((c) => c.type === type) ?? false;
  const texts = [has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'];
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
    validateUpdate: validateConditionsOf,
    prepareForStatusUpdate(object, old) {
      keepAllButStatus(object, old);
      keepDecision(object, old);
    },
    validateStatusUpdate,
    subresources: {
      approval: {
        prepareForUpdate(object, old) {
          keepAllButStatus(object, old);
          keepCertificate(object, old);
        },
        validateUpdate: validateApproval,
      },
    },
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
