// Service accounts as users: checks a token against the living objects it is bound to, and issues tokens.

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { dropOldest } from '../../apimachinery/drop-oldest.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import type { ObjectView } from '../object-view.ts';
import type { User } from '../request.ts';
import { isLegacyToken, legacyUser } from './legacy-token.ts';
import {
  type ObjectReference,
  readClaims,
  type ServiceAccountClaims,
  serviceAccountIssuer,
  signToken,
  verifyToken,
} from './service-account-token.ts';

export interface ServiceAccountsOptions {
  /** PEM of the private key that signs. */
  readonly keyPem: string;
  readonly view: ObjectView;
  readonly clock: Clock;
  readonly random: Random;
}

export interface IssueRequest {
  readonly namespace: string;
  readonly serviceAccount: ObjectReference;
  readonly audiences: readonly string[];
  /** Seconds. */
  readonly expirationSeconds: number;
  readonly pod?: ObjectReference;
  readonly node?: ObjectReference;
  readonly secret?: ObjectReference;
  /** Good for a year, as upstream's --service-account-extend-token-expiration, though it should be fetched anew earlier. */
  readonly isExtended?: boolean;
}

const core = (resource: string) => ({ group: '', resource });
const extendedSeconds = 365 * 24 * 3600;
/** What is being deleted vouches for its tokens this much longer (ms), as upstream's leeway. */
const deletionLeeway = 60_000;
/** Verified tokens that are remembered: a signature costs a hundred times a look-up. */
const cacheSize = 4096;

export class ServiceAccounts {
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #view: ObjectView;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #verified = new Map<string, ServiceAccountClaims>();

  constructor({ keyPem, view, clock, random }: ServiceAccountsOptions) {
    this.#privateKey = createPrivateKey(keyPem);
    this.#publicKey = createPublicKey(this.#privateKey);
    this.#view = view;
    this.#clock = clock;
    this.#random = random;
  }

  /** Whether a bearer token claims to be ours: then nobody else need look at it. */
  recognizes(token: string): boolean {
    if (!token.includes('.', token.indexOf('.') + 1)) return false;
    return readClaims(token)?.iss === serviceAccountIssuer || isLegacyToken(token);
  }

  /** The token's user and those of the audiences that it is good for; undefined when it is good for none. */
  async authenticate(
    token: string,
    audiences: readonly string[] = [serviceAccountIssuer],
  ): Promise<{ readonly user: User; readonly audiences: readonly string[] } | undefined> {
    if (isLegacyToken(token)) return this.#legacy(token, audiences);
    const claims = this.#verify(token);
    if (!claims) return undefined;
    const now = this.#clock.now() / 1000;
    const common = audiences.filter((audience) => claims.aud.includes(audience));
    if (claims.iss !== serviceAccountIssuer || claims.exp <= now || claims.nbf > now + 60) return undefined;
    if (common.length === 0) return undefined;
    if (!this.#isBound(claims)) {
      // The account may be a write that the view has not seen yet.
      await this.#view.caughtUp();
      if (!this.#isBound(claims)) return undefined;
    }
    return { user: userOf(claims), audiences: common };
  }

  /** A legacy token is good for the API server, and for nobody else. */
  async #legacy(token: string, audiences: readonly string[]) {
    const common = audiences.filter((audience) => audience === serviceAccountIssuer);
    if (common.length === 0) return undefined;
    let user = legacyUser(token, this.#publicKey, this.#view);
    if (!user) {
      await this.#view.caughtUp();
      user = legacyUser(token, this.#publicKey, this.#view);
    }
    return user && { user, audiences: common };
  }

  #verify(token: string): ServiceAccountClaims | undefined {
    const known = this.#verified.get(token);
    if (known) return known;
    const claims = verifyToken(token, this.#publicKey);
    if (!claims) return undefined;
    this.#verified.set(token, claims);
    dropOldest(this.#verified, cacheSize);
    return claims;
  }

  #isBound(claims: ServiceAccountClaims): boolean {
    const { namespace, serviceaccount, pod, secret, node } = claims['kubernetes.io'];
    // A node named beside a pod tells where it runs; only alone is it what the token is bound to.
    return (
      this.#exists('serviceaccounts', namespace, serviceaccount) &&
      (!pod || this.#exists('pods', namespace, pod)) &&
      (!secret || this.#exists('secrets', namespace, secret)) &&
      (!node || pod !== undefined || this.#exists('nodes', '', node))
    );
  }

  #exists(resource: string, namespace: string, { name, uid }: ObjectReference): boolean {
    const object = this.#view.get(core(resource), namespace, name);
    if (!object || object.metadata.uid !== uid) return false;
    const deleted = object.metadata.deletionTimestamp;
    return deleted === undefined || Date.parse(String(deleted)) + deletionLeeway > this.#clock.now();
  }

  issue(request: IssueRequest): { readonly token: string; readonly expiresAt: number } {
    const iat = Math.floor(this.#clock.now() / 1000);
    const { namespace, serviceAccount, pod, node, secret, isExtended = false } = request;
    const fresh = iat + request.expirationSeconds;
    const exp = isExtended ? iat + extendedSeconds : fresh;
    const claims: ServiceAccountClaims = {
      aud: request.audiences,
      exp,
      iat,
      iss: serviceAccountIssuer,
      jti: this.#random.uuid(),
      'kubernetes.io': {
        namespace,
        ...(node && { node }),
        ...(pod && { pod }),
        ...(secret && { secret }),
        serviceaccount: serviceAccount,
        ...(isExtended && { warnafter: fresh }),
      },
      nbf: iat,
      sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
    };
    return { token: signToken(claims, this.#privateKey), expiresAt: fresh * 1000 };
  }
}

function userOf(claims: ServiceAccountClaims): User {
  const { namespace, serviceaccount, pod, node } = claims['kubernetes.io'];
  const extra: Record<string, string[]> = { 'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`] };
  for (const [what, reference] of [
    ['pod', pod],
    ['node', node],
  ] as const) {
    if (!reference) continue;
    extra[`authentication.kubernetes.io/${what}-name`] = [reference.name];
    extra[`authentication.kubernetes.io/${what}-uid`] = [reference.uid];
  }
  return {
    name: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    extra,
  };
}
