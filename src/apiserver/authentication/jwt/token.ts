// ID tokens as values: what stands in a compact JWS (RFC 7515), whether a key (RFC 7517) signed it, and whether it is good now
// and here (OpenID Connect Core, section 3.1.3.7).

import { constants, createPublicKey, verify, type webcrypto } from 'node:crypto';
import { table } from '../../../apimachinery/table.ts';

export type Claims = Readonly<Record<string, unknown>>;

export interface ParsedToken {
  readonly algorithm: string;
  /** Which of the issuer's keys signed it; empty: any may have. */
  readonly keyId: string;
  readonly claims: Claims;
  /** What is signed. */
  readonly input: string;
  readonly signature: Buffer;
}

/** A key as it stands in a JWK set. */
export interface IssuerKey extends webcrypto.JsonWebKey {
  readonly kid?: string;
}

/** Undefined for what is no compact JWS of claims. */
export function parseToken(token: string): ParsedToken | undefined {
  const parts = token.split('.');
  const [header = '', payload = '', signature = ''] = parts;
  if (parts.length !== 3 || !parts.every((part) => /^[\w-]+$/.test(part))) return undefined;
  const head = jsonObject(header);
  const claims = jsonObject(payload);
  if (!head || !claims || typeof head.alg !== 'string') return undefined;
  // Extensions that a token calls critical are none that are known here.
  if (head.crit !== undefined) return undefined;
  return {
    algorithm: head.alg,
    keyId: typeof head.kid === 'string' ? head.kid : '',
    claims,
    input: `${header}.${payload}`,
    signature: Buffer.from(signature, 'base64url'),
  };
}

function jsonObject(base64url: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(base64url, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}

const curves = table<string>({ '256': 'P-256', '384': 'P-384', '512': 'P-521' });

/** Whether the key may sign with the token's algorithm, and did. */
export function isSignedBy({ algorithm, input, signature }: ParsedToken, key: IssuerKey): boolean {
  const match = /^(RS|PS|ES)(256|384|512)$/.exec(algorithm);
  if (!match || (key.use !== undefined && key.use !== 'sig')) return false;
  const [, family = '', bits = ''] = match;
  // A key is good for one family: what a public key is must never be a matter of what the token says.
  if (family === 'ES' ? key.kty !== 'EC' || key.crv !== curves[bits] : key.kty !== 'RSA') return false;
  const padding = family === 'PS' ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  const manner =
    family === 'ES'
      ? { dsaEncoding: 'ieee-p1363' as const }
      : { padding, ...(family === 'PS' && { saltLength: constants.RSA_PSS_SALTLEN_DIGEST }) };
  try {
    const publicKey = createPublicKey({ key, format: 'jwk' });
    return verify(`sha${bits}`, Buffer.from(input), { key: publicKey, ...manner }, signature);
  } catch {
    return false;
  }
}

/** Clocks may differ by this much (seconds) for what is not good yet; what is over is over. */
const leeway = 60;

/** Claims of which everybody knows what they are (RFC 7519, OpenID Connect Core). */
const textClaims = ['iss', 'sub', 'nonce', 'at_hash'];

/** Why a token whose signature is good is not good at this time (milliseconds) and for these audiences; undefined: it is. */
export function whyNotNow(claims: Claims, audiences: readonly string[], now: number): string | undefined {
  const { exp, nbf, aud } = claims;
  const seconds = now / 1000;
  const noText = textClaims.find((name) => claims[name] !== undefined && typeof claims[name] !== 'string');
  if (noText !== undefined) return `failed to unmarshal claims: ${noText} is no text`;
  if (typeof exp !== 'number' || exp < seconds) return `token is expired (Token Expiry: ${String(exp)})`;
  if (nbf !== undefined && (typeof nbf !== 'number' || nbf > seconds + leeway)) {
    return `current time is before the nbf (not before) time: ${String(nbf)}`;
  }
  const given = Array.isArray(aud) ? aud : [aud];
  if (given.some((one) => audiences.includes(one))) return undefined;
  return `expected audience in ${JSON.stringify(audiences)} got ${JSON.stringify(given)}`;
}
