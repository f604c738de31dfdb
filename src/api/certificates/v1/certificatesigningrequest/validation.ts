// What the API server refuses in a CertificateSigningRequest, and in what becomes of one.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { signerName } from '../../../validation/signers.ts';
import { oneOf } from '../../../validation/values.ts';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../types.generated.ts';

const { required, forbidden, invalid, duplicate, notSupported } = fieldError;
/** Ten minutes: shorter certificates would end before they are used. */
const minSeconds = 600;

/** What a certificate may be for (certificates.k8s.io/v1 KeyUsage), sorted. */
const usages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

export function validate(object: CertificateSigningRequest): FieldError[] {
  const { request, usages: asked = [], signerName: signer, expirationSeconds } = object.spec;
  const errors: FieldError[] = [];
  const pem = Buffer.from(request ?? '', 'base64').toString('latin1');
  if (!/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(pem)) {
    errors.push(invalid('spec.request', request, 'PEM block type must be CERTIFICATE REQUEST'));
  }
  if (asked.length === 0) errors.push(required('spec.usages'));
  for (const [i, usage] of asked.entries()) {
    const at = `spec.usages[${i}]`;
    if (!usages.includes(usage)) errors.push(notSupported(at, usage, usages));
    if (asked.indexOf(usage) < i) errors.push(duplicate(at, usage));
  }
  if (signer === 'kubernetes.io/legacy-unknown') {
    const why = 'kubernetes.io/legacy-unknown is not allowed via this API version';
    errors.push(invalid('spec.signerName', signer, why));
  } else if (!signer) errors.push(required('spec.signerName'));
  else errors.push(...nameErrors(signerName, 'spec.signerName', signer));
  if (expirationSeconds !== undefined && expirationSeconds < minSeconds) {
    const why = 'may not specify a duration less than 600 seconds (10 minutes)';
    errors.push(invalid('spec.expirationSeconds', expirationSeconds, why));
  }
  return [...errors, ...validateConditionsOf(object)];
}

/** A request is approved or denied, and not both; what is said of it is true. */
export function validateConditionsOf({ status }: CertificateSigningRequest): FieldError[] {
  const conditions = status?.conditions ?? [];
  const has = (type: string): boolean => conditions.some((condition) => condition.type === type);
  return conditions.flatMap(({ type, status: value }, i) => {
    const at = `status.conditions[${i}]`;
    const errors = type ? [] : [required(`${at}.type`)];
    errors.push(...oneOf(`${at}.status`, value, ['False', 'True', 'Unknown']));
    if (['Approved', 'Denied', 'Failed'].includes(type) && ['False', 'Unknown'].includes(value)) {
      errors.push(notSupported(`${at}.status`, value, ['True']));
    }
    const second = type === 'Denied' ? 'Approved' : type === 'Approved' ? 'Denied' : '';
    const before = conditions.slice(0, i).some((condition) => condition.type === second);
    if (second && has(second) && before) {
      errors.push(invalid(`${at}.type`, type, 'Approved and Denied conditions are mutually exclusive'));
    }
    if (conditions.findIndex((condition) => condition.type === type) < i) errors.push(duplicate(`${at}.type`, type));
    return errors;
  });
}

/** What is said is not taken back: signers act upon it. */
function validateNothingRemoved(object: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  return ['Approved', 'Denied', 'Failed'].flatMap((type) => {
    const count = ({ status }: CertificateSigningRequest): number =>
      (status?.conditions ?? []).filter((condition) => condition.type === type).length;
    if (count(object) >= count(old)) return [];
    return [forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`)];
  });
}

export function validateApproval(object: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  const errors = [...validateConditionsOf(object), ...validateNothingRemoved(object, old)];
  if ((object.status?.certificate ?? '') === (old.status?.certificate ?? '')) return errors;
  const what = old.status?.certificate ? 'modify existing' : 'set';
  return [...errors, forbidden('status.certificate', `updates may not ${what} certificate content`)];
}

export function validateStatusUpdate(object: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  const errors = [...validateConditionsOf(object), ...validateNothingRemoved(object, old)];
  const [now, before] = [object.status?.certificate ?? '', old.status?.certificate ?? ''];
  if (before !== '' && now !== before) {
    errors.push(forbidden('status.certificate', 'updates may not modify existing certificate content'));
  }
  return errors;
}

/** Whether a request is approved is decided at /approval only. */
export function keepDecision(object: CertificateSigningRequest, old: CertificateSigningRequest): void {
  const isDecision = ({ type }: CertificateSigningRequestCondition): boolean =>
    type === 'Approved' || type === 'Denied';
  const others = (object.status?.conditions ?? []).filter((condition) => !isDecision(condition));
  const decisions = (old.status?.conditions ?? []).filter(isDecision);
  const conditions = [...decisions, ...others];
  if (conditions.length > 0) object.status = { ...object.status, conditions };
}
