// What the API server refuses in a CertificateSigningRequest, and in what becomes of one.
import { X509Certificate } from 'node:crypto';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { pemBlocks } from '../../../validation/pem.ts';
import { signerName } from '../../../validation/signers.ts';
import { oneOf, repetitions } from '../../../validation/values.ts';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../types.generated.ts';
import { requestError } from './pkcs10.ts';

const { required, forbidden, invalid, duplicate, notSupported } = fieldError;
/** What is true of a request once it is said. */
const final = ['Approved', 'Denied', 'Failed'];
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
  const wrong = requestErrorOf(request ?? '');
  if (wrong !== undefined) errors.push(invalid('spec.request', request, wrong));
  if (asked.length === 0) errors.push(required('spec.usages'));
  for (const [i, usage] of asked.entries()) {
    if (!usages.includes(usage)) errors.push(notSupported(`spec.usages[${i}]`, usage, usages));
  }
  for (const i of repetitions(asked)) errors.push(duplicate(`spec.usages[${i}]`, asked[i]));
  if (signer === 'kubernetes.io/legacy-unknown') {
    errors.push(invalid('spec.signerName', signer, 'the legacy signerName is not allowed via this API version'));
  } else if (!signer) errors.push(required('spec.signerName'));
  else errors.push(...nameErrors(signerName, 'spec.signerName', signer));
  if (expirationSeconds !== undefined && expirationSeconds < minSeconds) {
    const why = 'may not specify a duration less than 600 seconds (10 minutes)';
    errors.push(invalid('spec.expirationSeconds', expirationSeconds, why));
  }
  return [...errors, ...validateConditionsOf(object)];
}

function requestErrorOf(base64: string): string | undefined {
  const [block] = pemBlocks(Buffer.from(base64, 'base64').toString('latin1'));
  if (block?.type !== 'CERTIFICATE REQUEST') return 'PEM block type must be CERTIFICATE REQUEST';
  return requestError(block.bytes);
}

const decisions = ['Approved', 'Denied'];

/** A request is approved or denied, and not both; what is said of it is true. */
export function validateConditionsOf({ status }: CertificateSigningRequest): FieldError[] {
  const conditions = status?.conditions ?? [];
  const types = conditions.map(({ type }) => type);
  return conditions.flatMap(({ type, status: value }, i) => {
    const at = `status.conditions[${i}]`;
    const errors = type ? [] : [required(`${at}.type`)];
    errors.push(...oneOf(`${at}.status`, value, final.includes(type) ? ['True'] : ['False', 'True', 'Unknown']));
    const before = types.slice(0, i);
    if (decisions.includes(type) && before.some((other) => other !== type && decisions.includes(other))) {
      errors.push(invalid('status.conditions', type, 'Approved and Denied conditions are mutually exclusive'));
    }
    if (before.includes(type)) errors.push(duplicate(`${at}.type`, type));
    return errors;
  });
}

/** What is said is not taken back: signers act upon it. */
function validateNothingRemoved(object: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  return final.flatMap((type) => {
    if (conditionsOf(object, type).length >= conditionsOf(old, type).length) return [];
    return [forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`)];
  });
}

export function validateApproval(object: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  return [...validateConditionsOf(object), ...validateNothingRemoved(object, old)];
}

/** Only /approval decides. */
function validateNothingDecided(object: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  return decisions.flatMap((type) => {
    if (conditionsOf(object, type).length <= conditionsOf(old, type).length) return [];
    return [forbidden('status.conditions', `updates may not add a condition of type ${JSON.stringify(type)}`)];
  });
}

export function validateStatusUpdate(object: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  const [now, before] = [object.status?.certificate ?? '', old.status?.certificate ?? ''];
  const wrong = now === before ? undefined : certificateError(now);
  const errors = [
    ...validateConditionsOf(object),
    ...(wrong === undefined ? [] : [invalid('status.certificate', '<certificate data>', wrong)]),
    ...validateNothingRemoved(object, old),
    ...validateNothingDecided(object, old),
  ];
  if (before !== '' && now !== before) {
    errors.push(forbidden('status.certificate', 'updates may not modify existing certificate content'));
  }
  return errors;
}

/** What is wrong with certificates in PEM, in base64; none at all is right. */
function certificateError(base64: string): string | undefined {
  if (base64 === '') return undefined;
  const blocks = pemBlocks(Buffer.from(base64, 'base64').toString('latin1'));
  if (blocks.length === 0) return 'must contain at least one CERTIFICATE PEM block';
  for (const { type, hasHeaders, bytes } of blocks) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    if (hasHeaders) return 'no PEM block headers are permitted';
    if (bytes.length === 0) return 'found CERTIFICATE PEM block containing 0 certificates';
    if (!isCertificate(bytes)) return 'x509: malformed certificate';
  }
  return undefined;
}

function isCertificate(der: Buffer): boolean {
  try {
    return new X509Certificate(der).serialNumber !== '';
  } catch {
    // OpenSSL's words say nothing to who wrote it.
    return false;
  }
}

/** At /approval nothing changes but conditions. */
export function keepCertificate(object: CertificateSigningRequest, old: CertificateSigningRequest): void {
  const { certificate } = old.status ?? {};
  const { certificate: _given, ...status } = object.status ?? {};
  object.status = { ...status, ...(certificate !== undefined && { certificate }) };
}

/** Decisions stay as they are, with their times and words; more or fewer of them are refused. */
export function keepDecision(object: CertificateSigningRequest, old: CertificateSigningRequest): void {
  const conditions = object.status?.conditions ?? [];
  for (const type of decisions) {
    const before = conditionsOf(old, type);
    if (before.length !== conditionsOf(object, type).length) continue;
    for (const [i, condition] of conditions.entries()) {
      if (condition.type === type) conditions[i] = before.shift()!;
    }
  }
}

function conditionsOf({ status }: CertificateSigningRequest, type: string): CertificateSigningRequestCondition[] {
  return (status?.conditions ?? []).filter((condition) => condition.type === type);
}
