// Bootstrap tokens that have ended, and the signatures by which those that join trust kube-public/cluster-info: pure, as
// upstream's tokencleaner and bootstrapsigner.
import { createHmac } from 'node:crypto';
import type { ConfigMap, Secret } from '../../api/core/v1/types.generated.ts';

export const tokenType = 'bootstrap.kubernetes.io/token';
export const tokenNamespace = 'kube-system';
export const clusterInfo = { namespace: 'kube-public', name: 'cluster-info' } as const;
const namePrefix = 'bootstrap-token-';
const signaturePrefix = 'jws-kubeconfig-';

function field(secret: Readonly<Secret>, name: string): string {
  return Buffer.from(secret.data?.[name] ?? '', 'base64').toString();
}

/** Milliseconds until the token ends; 0 and less: it has; undefined: never. What is no time has ended. */
export function timeLeft(secret: Readonly<Secret>, now: number): number | undefined {
  const expiration = field(secret, 'expiration');
  if (expiration === '') return undefined;
  const end = Date.parse(expiration);
  return Number.isNaN(end) ? 0 : end - now;
}

/** Id and secret of a token that signs; undefined for one that does not, is not whole or has ended. */
function signer(secret: Readonly<Secret>, now: number): { readonly id: string; readonly key: string } | undefined {
  const id = field(secret, 'token-id');
  const key = field(secret, 'token-secret');
  const isWhole = secret.metadata.name === `${namePrefix}${id}` && id !== '' && key !== '';
  const signs = field(secret, 'usage-bootstrap-signing') === 'true';
  return isWhole && signs && (timeLeft(secret, now) ?? 1) > 0 ? { id, key } : undefined;
}

/** A detached JWS (RFC 7515, appendix F) with HMAC SHA-256. */
export function detachedSignature(content: string, { id, key }: { readonly id: string; readonly key: string }): string {
  const base64url = (text: string) => Buffer.from(text).toString('base64url');
  const header = base64url(JSON.stringify({ alg: 'HS256', kid: id }));
  return `${header}..${createHmac('sha256', key)
    .update(`${header}.${base64url(content)}`)
    .digest('base64url')}`;
}

/** The ConfigMap with the signatures of all tokens that sign, and of no others; undefined when it is right. */
export function signed(
  info: Readonly<ConfigMap>,
  secrets: readonly Readonly<Secret>[],
  now: number,
): ConfigMap | undefined {
  const content = info.data?.kubeconfig;
  const data = Object.fromEntries(Object.entries(info.data ?? {}).filter(([key]) => !key.startsWith(signaturePrefix)));
  if (content !== undefined) {
    for (const secret of secrets) {
      const token = signer(secret, now);
      if (token) data[`${signaturePrefix}${token.id}`] = detachedSignature(content, token);
    }
  }
  const before = info.data ?? {};
  const isRight =
    Object.keys(data).length === Object.keys(before).length &&
    Object.entries(data).every(([key, value]) => before[key] === value);
  return isRight ? undefined : { ...info, data };
}
