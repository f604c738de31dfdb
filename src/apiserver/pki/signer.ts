// Signs certificate requests for the built-in client signers; what a signer accepts is upstream's rule for
// kubernetes.io/kube-apiserver-client-kubelet (CN=system:node:NAME, O=system:nodes, client auth, no other names).
import { apiserverClientSigner, kubeletClientSigner } from '../../api/validation/signers.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import type { ParsedRequest } from './certificate-request.ts';
import { type KeyPair, signKey } from './certificates.ts';

export interface SignRequest {
  /** PEM of the PKCS#10 request (spec.request, decoded). */
  readonly requestPem: string;
  /** spec.signerName. */
  readonly signerName: string;
  /** spec.usages, as `client auth`. */
  readonly usages: readonly string[];
  /** spec.expirationSeconds; at most the signer's duration is given. */
  readonly expirationSeconds?: number;
}

/** Either the certificate (PEM), or why the request cannot be signed: the message of the Failed condition. */
export type SignResult =
  | { readonly ok: true; readonly certificatePem: string }
  | { readonly ok: false; readonly message: string };

export interface SignerOptions {
  readonly ca: KeyPair;
  readonly clock: Clock;
  readonly random: Random;
  /** Seconds for which a certificate is valid where the request says nothing, and at most. Default a year. */
  readonly duration?: number;
}

const year = 365 * 24 * 3600;
const minimumSeconds = 600;
const backdate = 5 * 60 * 1000;
const clientUsages = new Set(['client auth', 'digital signature', 'key encipherment']);

/** Signs an approved request. Approval is not looked at: the controller calls this only for approved ones. */
export async function signClientCertificate(request: SignRequest, options: SignerOptions): Promise<SignResult> {
  const { parseRequest } = await import('./certificate-request.ts');
  let parsed: ParsedRequest;
  try {
    parsed = await parseRequest(request.requestPem);
  } catch (error) {
    return { ok: false, message: `unable to parse csr: ${errorMessage(error)}` };
  }
  const message = refusal(request, parsed);
  if (message !== undefined) return { ok: false, message };
  const now = options.clock.now();
  const { duration = year } = options;
  const { expirationSeconds } = request;
  const seconds =
    expirationSeconds === undefined ? duration : Math.min(Math.max(expirationSeconds, minimumSeconds), duration);
  const profile = {
    subject: parsed.subject,
    usages: ['client auth' as const],
    sans: [],
    // Clocks differ; of a short life that is no more than a tenth.
    notBefore: now - Math.min(backdate, seconds * 100),
    notAfter: now + seconds * 1000,
  };
  const certificatePem = signKey(options.ca, parsed.publicKey, profile, options.random);
  return { ok: true, certificatePem };
}

/** Why a signer refuses a request, or undefined when it takes it. */
export function refusal(request: SignRequest, { subject, sans }: Omit<ParsedRequest, 'publicKey'>): string | undefined {
  if (request.signerName !== kubeletClientSigner && request.signerName !== apiserverClientSigner) {
    return `unknown signer ${request.signerName}`;
  }
  const unexpected = request.usages.find((usage) => !clientUsages.has(usage));
  if (unexpected !== undefined) return `usage "${unexpected}" is not allowed for ${request.signerName}`;
  if (!request.usages.includes('client auth')) return 'usage "client auth" is required';
  if (request.signerName === apiserverClientSigner) return undefined;
  if (subject.organizations.length !== 1 || subject.organizations[0] !== 'system:nodes') {
    return 'subject organization is not system:nodes';
  }
  if (!/^system:node:./.test(subject.commonName)) return 'subject common name does not begin with system:node:';
  return sans.length > 0 ? 'subjectAltNames are not allowed' : undefined;
}
