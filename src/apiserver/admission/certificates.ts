// Who may approve and sign requests for certificates of a signer, and what no request may ask for.
import type { CertificateSigningRequest } from '../../api/certificates/v1/types.generated.ts';
import { apiserverClientSigner } from '../../api/validation/signers.ts';
import { deepEqual } from '../../apimachinery/json/value.ts';
import { forbidden } from '../../apimachinery/status.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from './admission.ts';
import { is } from './matches.ts';

const group = 'certificates.k8s.io';
const requests = [`certificatesigningrequests.${group}`];

/** Whether the user may use the verb on the signer, or on all signers of its domain (`example.com/*`). */
async function mayFor(
  verb: 'approve' | 'sign',
  signerName: string,
  { request: { user }, view }: { readonly request: AdmissionRequest; readonly view: AdmissionView },
): Promise<boolean> {
  for (const name of [signerName, `${signerName.split('/')[0]}/*`]) {
    const { allowed } = await view.authorizer.authorize({ user, verb, info: { ...signer(name), verb } });
    if (allowed) return true;
  }
  return false;
}

function signer(name: string) {
  const where = { group, version: '*', resource: 'signers', subresource: '', namespace: '' };
  return { isResource: true, verb: '', path: '', ...where, name, rest: [] };
}

function isRequest({ definition, operation, object }: AdmissionRequest): boolean {
  const { resource } = definition;
  return definition.group === group && resource === 'certificatesigningrequests' && operation === 'UPDATE' && !!object;
}

async function checkApproval(request: AdmissionRequest, view: AdmissionView): Promise<void> {
  const { metadata, spec } = request.old as unknown as CertificateSigningRequest;
  if (await mayFor('approve', spec.signerName, { request, view })) return;
  const why = `user not permitted to approve requests with signerName "${spec.signerName}"`;
  throw forbidden(request.definition, metadata.name, why);
}

async function checkSigning(request: AdmissionRequest, view: AdmissionView): Promise<void> {
  const { metadata, status } = request.object as unknown as CertificateSigningRequest;
  const old = request.old as unknown as CertificateSigningRequest;
  const same = status?.certificate === old.status?.certificate;
  if (same && deepEqual(status?.conditions, old.status?.conditions)) return;
  const { signerName } = old.spec;
  if (await mayFor('sign', signerName, { request, view })) return;
  const why = `user not permitted to sign requests with signerName "${signerName}"`;
  throw forbidden(request.definition, metadata.name, why);
}

async function checkSubject(request: AdmissionRequest): Promise<void> {
  const { metadata, spec } = request.object as unknown as CertificateSigningRequest;
  if (spec.signerName !== apiserverClientSigner) return;
  const { parseRequest } = await import('../pki/certificate-request.ts');
  const pem = Buffer.from(spec.request, 'base64').toString('latin1');
  // What cannot be read is no signer's to sign.
  const parsed = await parseRequest(pem).catch(() => undefined);
  if (!parsed?.subject.organizations.includes('system:masters')) return;
  const why = `use of ${apiserverClientSigner} signer with system:masters group is not allowed`;
  throw forbidden(request.definition, metadata.name, why);
}

export const certificateApproval: AdmissionPlugin = {
  name: 'CertificateApproval',
  resources: requests,
  validate: (request, view) =>
    isRequest(request) && request.subresource === 'approval' ? checkApproval(request, view) : undefined,
};

export const certificateSigning: AdmissionPlugin = {
  name: 'CertificateSigning',
  resources: requests,
  validate: (request, view) =>
    isRequest(request) && request.subresource === 'status' ? checkSigning(request, view) : undefined,
};

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  resources: requests,
  validate: (request) =>
    is(request, `certificatesigningrequests.${group}`, 'CREATE') ? checkSubject(request) : undefined,
};
