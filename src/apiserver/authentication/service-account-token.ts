// Service account tokens: signed JWTs (RFC 7519) bound to a ServiceAccount and, when asked for, to a Pod, Secret or Node.
// A token is good only as long as what it is bound to exists, under the same uid.
import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';

export const serviceAccountIssuer = 'https://kubernetes.default.svc.cluster.local';

export interface ObjectReference {
  readonly name: string;
  readonly uid: string;
}

/** The claims of upstream's tokens. Times in seconds since the epoch. */
export interface ServiceAccountClaims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly iss: string;
  readonly jti: string;
  readonly nbf: number;
  readonly sub: string;
  readonly 'kubernetes.io': {
    readonly namespace: string;
    readonly node?: ObjectReference;
    readonly pod?: ObjectReference;
    readonly secret?: ObjectReference;
    readonly serviceaccount: ObjectReference;
    /** Of an extended token: from here on its holder should long have fetched another. */
    readonly warnafter?: number;
  };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** As upstream's kid: the SHA-256 of the public key's DER, so that verifiers tell keys apart. */
export function keyId(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return hash('sha256', publicKey.export({ format: 'der', type: 'spki' }), 'base64url');
}

/** A compact JWS. The key is a private one: P-256 (ES256) or RSA (RS256). */
export function signToken(claims: ServiceAccountClaims, key: KeyObject): string {
  return signClaims(claims, key);
}

/** The same for any claims. */
export function signClaims(claims: object, key: KeyObject): string {
  const alg = key.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
  const input = `${encode({ alg, kid: keyId(key) })}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

function isReference(value: unknown): value is ObjectReference {
  const { name, uid } = (value ?? {}) as Partial<ObjectReference>;
  return typeof name === 'string' && typeof uid === 'string';
}

/** What a token says, without any check; undefined for what is no token. */
export function payloadOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const [, payload = ''] = token.split('.');
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** The claims as they stand in a token, without any check; undefined for what is no token of a service account. */
export function readClaims(token: string): ServiceAccountClaims | undefined {
  const [, payload = ''] = token.split('.');
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as ServiceAccountClaims | null;
    const bound = claims?.['kubernetes.io'];
    if (!claims || !bound || !isReference(bound.serviceaccount) || typeof bound.namespace !== 'string')
      return undefined;
    const references = [bound.pod, bound.secret, bound.node].filter((r) => r !== undefined);
    const isWhole = references.every(isReference) && Number.isFinite(claims.exp) && Array.isArray(claims.aud);
    return isWhole ? claims : undefined;
  } catch {
    return undefined;
  }
}

/** The claims of a token that this key signed; says nothing of time, audience or the objects it is bound to. */
export function verifyToken(token: string, publicKey: KeyObject): ServiceAccountClaims | undefined {
  return verifySignature(token, publicKey) ? readClaims(token) : undefined;
}

/** Whether this key signed the token. */
export function verifySignature(token: string, publicKey: KeyObject): boolean {
  const parts = token.split('.');
  if (parts.length !== 3) return false;
  const [header = '', payload = '', signature = ''] = parts;
  const alg = publicKey.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
  try {
    const head = JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg?: string } | null;
    if (head?.alg !== alg) return false;
    const key = { key: publicKey, dsaEncoding: 'ieee-p1363' as const };
    return verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'));
  } catch {
    return false;
  }
}
