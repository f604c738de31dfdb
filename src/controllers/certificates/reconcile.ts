// Which certificate requests are approved without asking anyone: those of kubelets for their own client certificates.
import type { CertificateSigningRequest } from '../../api/certificates/v1/types.generated.ts';
import { kubeletClientSigner } from '../../api/validation/signers.ts';
import type { CertificateRequestFacts } from '../config.ts';

const nodeUserPrefix = 'system:node:';
const nodeGroup = 'system:nodes';
const bootstrapGroup = 'system:bootstrappers';
const allowedUsages = ['client auth', 'digital signature', 'key encipherment'];

function conditionOf(request: Readonly<CertificateSigningRequest>, type: string): boolean {
  return (request.status?.conditions ?? []).some((c) => c.type === type && c.status !== 'False');
}

/** Is there nothing decided about it, and would {@link approves} have a say? */
export function awaitsApproval(request: Readonly<CertificateSigningRequest>): boolean {
  const decided = conditionOf(request, 'Approved') || conditionOf(request, 'Denied');
  return !decided && !request.status?.certificate && request.spec.signerName === kubeletClientSigner;
}

/** The message of the approval, or undefined where someone else must decide. */
export function approves(
  request: Readonly<CertificateSigningRequest>,
  { subject, sans }: CertificateRequestFacts,
): string | undefined {
  const { username = '', groups = [], usages = [] } = request.spec;
  const isNodeClient =
    subject.commonName.startsWith(nodeUserPrefix) &&
    subject.commonName.length > nodeUserPrefix.length &&
    subject.organizations.length === 1 &&
    subject.organizations[0] === nodeGroup &&
    sans.length === 0 &&
    usages.includes('client auth') &&
    usages.every((usage) => allowedUsages.includes(usage));
  if (!isNodeClient) return undefined;
  if (username === subject.commonName && groups.includes(nodeGroup)) {
    return 'Auto approving self kubelet client certificate after SubjectAccessReview.';
  }
  return groups.includes(bootstrapGroup)
    ? 'Auto approving kubelet client certificate after SubjectAccessReview.'
    : undefined;
}

export function awaitsSigning(request: Readonly<CertificateSigningRequest>): boolean {
  const refused = conditionOf(request, 'Denied') || conditionOf(request, 'Failed');
  return conditionOf(request, 'Approved') && !refused && !request.status?.certificate;
}

/** PEM of the request; `spec.request` is base64 of it. */
export function requestPemOf(request: Readonly<CertificateSigningRequest>): string {
  return Buffer.from(request.spec.request, 'base64').toString('utf8');
}

const hour = 3_600_000;
/** How long a request is kept after it was decided, or, where nobody decides, after it was made. */
const keptDecided = hour;
const keptPending = 24 * hour;

/**
 * Milliseconds until a request may go: an hour after it was issued, denied or failed, a day after it was made where nothing
 * is decided, and at once when its certificate has ended. `expiry`: when that is. Undefined: it stays.
 */
export function untilForgotten(
  { metadata, status }: Readonly<CertificateSigningRequest>,
  { now, expiry }: { readonly now: number; readonly expiry: number | undefined },
): number | undefined {
  const conditions = status?.conditions ?? [];
  const ends = conditions
    .filter(({ type }) => type === 'Denied' || type === 'Failed' || (type === 'Approved' && status?.certificate))
    .map(({ lastUpdateTime }) => Date.parse(lastUpdateTime ?? '') + keptDecided);
  if (conditions.length === 0) ends.push(Date.parse(metadata.creationTimestamp ?? '') + keptPending);
  if (expiry !== undefined) ends.push(expiry);
  const known = ends.filter((end) => !Number.isNaN(end));
  return known.length === 0 ? undefined : Math.max(0, Math.min(...known) - now);
}
