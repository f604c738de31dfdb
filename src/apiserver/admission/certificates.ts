// Who may approve and sign requests for certificates of a signer, and what no request may ask for.
import type { CertificateSigningRequest } from '../../api/certificates/v1/types.generated.ts';
import { deepEqual } from '../../api/define.ts';
import { forbidden } from '../../apimachinery/status.ts';
import { ruleAllows } from '../authorization/rules.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from './admission.ts';
import { is } from './matches.ts';
import { rbacIndexOf } from './rbac-escalation.ts';

const group = 'certificates.k8s.io';
const clientSigner = 'kubernetes.io/kube-apiserver-client';

/** Whether RBAC grants the verb on the signer, or on all signers of its domain (`example.com/*`). */
function mayFor(
  verb: 'approve' | 'sign',
  signerName: string,
  { user }: AdmissionRequest,
  view: AdmissionView,
): boolean {
  if (user.groups.includes('system:masters')) return true;
  const rules = [...rbacIndexOf(view).rulesFor(user, '')];
  const domain = `${signerName.split('/')[0]}/*`;
  return [signerName, domain].some((name) => rules.some((rule) => ruleAllows(rule, verb, signer(name))));
}

function signer(name: string) {
  const where = { group, version: '*', resource: 'signers', subresource: '', namespace: '' };
  return { isResource: true, verb: '', path: '', ...where, name, rest: [] };
}

function isRequest({ definition, operation, object }: AdmissionRequest): boolean {
  const { resource } = definition;
  return definition.group === group && resource === 'certificatesigningrequests' && operation === 'UPDATE' && !!object;
}

export const certificateApproval: AdmissionPlugin = {
  name: 'CertificateApproval',
  validate(request, view) {
    if (!isRequest(request) || request.subresource !== 'approval') return;
    const { metadata, spec } = request.old as unknown as CertificateSigningRequest;
    if (mayFor('approve', spec.signerName, request, view)) return;
    const why = `user not permitted to approve requests with signerName "${spec.signerName}"`;
    throw forbidden(request.definition, metadata.name, why);
  },
};

export const certificateSigning: AdmissionPlugin = {
  name: 'CertificateSigning',
  validate(request, view) {
    if (!isRequest(request) || request.subresource !== 'status') return;
    const { metadata, status } = request.object as unknown as CertificateSigningRequest;
    const old = request.old as unknown as CertificateSigningRequest;
    const same = status?.certificate === old.status?.certificate;
    if (same && deepEqual(status?.conditions, old.status?.conditions)) return;
    const { signerName } = old.spec;
    if (mayFor('sign', signerName, request, view)) return;
    const why = `user not permitted to sign requests with signerName "${signerName}"`;
    throw forbidden(request.definition, metadata.name, why);
  },
};

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  async validate(request) {
    if (!is(request, `certificatesigningrequests.${group}`, 'CREATE')) return;
    const { metadata, spec } = request.object as unknown as CertificateSigningRequest;
    if (spec.signerName !== clientSigner) return;
    const { parseRequest } = await import('../pki/certificates.ts');
    const pem = Buffer.from(spec.request, 'base64').toString('latin1');
    const parsed = await parseRequest(pem).catch(() => undefined);
    if (!parsed?.subject.organizations.includes('system:masters')) return;
    const why = `use of ${clientSigner} signer with system:masters group is not allowed`;
    throw forbidden(request.definition, metadata.name, why);
  },
};
