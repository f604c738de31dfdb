// A user in too many groups for one token: the token names where the claim is told (OpenID Connect Core 1.0, section 5.6.2),
// and what is told there is a token itself.
import { isObject } from '../../../apimachinery/json/value.ts';
import { ownValue } from '../../../apimachinery/table.ts';
import type { FetchText } from './key-set.ts';
import { type Claims, type ParsedToken, parseToken } from './token.ts';

export interface DistributedClaimOptions {
  /** The claim that may be told elsewhere: that of groups. */
  readonly claim: string;
  readonly fetchText: FetchText;
  /** Rejects for a token that its issuer did not sign, or that is for others. */
  readonly verify: (token: ParsedToken) => Promise<void>;
}

/** The claims with the one that is told elsewhere. Rejects where that cannot be had: a user without groups is another user. */
export async function withDistributedClaim(
  claims: Claims,
  { claim, fetchText, verify }: DistributedClaimOptions,
): Promise<Claims> {
  const source = sourceOf(claims, claim);
  if (!source) return claims;
  const { endpoint, access_token: accessToken } = source;
  if (typeof endpoint !== 'string') throw new Error(`oidc: the source of the claim ${claim} has no endpoint`);
  const text = await fetchText(
    endpoint,
    typeof accessToken === 'string' && accessToken !== '' ? accessToken : undefined,
  );
  const token = parseToken(text.trim());
  if (!token) throw new Error(`oidc: ${endpoint} answered no token`);
  await verify(token);
  const value = ownValue(token.claims, claim);
  if (value === undefined) {
    throw new Error(`oidc: jwt returned by distributed claim endpoint ${endpoint} did not contain claim: ${claim}`);
  }
  return { ...claims, [claim]: value };
}

/** Undefined where the token tells the claim itself, or nobody does. */
function sourceOf(claims: Claims, claim: string): { readonly [key: string]: unknown } | undefined {
  const { _claim_names: names, _claim_sources: sources } = claims;
  if (Object.hasOwn(claims, claim) || names === undefined || sources === undefined) return undefined;
  if (!isObject(names)) throw new Error('oidc: error parsing distributed claim names');
  if (!isObject(sources)) throw new Error('oidc: could not parse claim sources');
  const name = ownValue(names, claim);
  if (name === undefined) return undefined;
  const source = ownValue(sources, String(name));
  if (!isObject(source)) {
    throw new Error(`oidc: id token _claim_names contained a source ${String(name)} missing in _claims_sources`);
  }
  return source;
}
