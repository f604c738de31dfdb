// Service accounts as users: checks a token against the living objects it is bound to, and issues tokens (TokenRequest).

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { TokenRequest } from '../../api/authentication/v1/types.generated.ts';
import type { Pod, ServiceAccount } from '../../api/core/v1/types.generated.ts';
import { dropOldest } from '../../apimachinery/drop-oldest.ts';
import { type KubeObject, parseApiVersion } from '../../apimachinery/object.ts';
import { badRequest, conflict, invalid, notFound, type StatusError } from '../../apimachinery/status.ts';
import { table } from '../../apimachinery/table.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { fieldError } from '../../apimachinery/validation/field-error.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import type { VirtualHandler } from '../extensions.ts';
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
const minimumSeconds = 600;
const maximumSeconds = 2 ** 32;
/** What the admission of pods asks for; such a token stays good while its pod does, for clients that read it only once. */
const warnOnlySeconds = 3607;
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

  /** `serviceaccounts/token`: answers a TokenRequest for the account that the path names. */
  readonly tokenRequest: VirtualHandler = async (object, { info }) => {
    const request = object as unknown as TokenRequest;
    await this.#view.caughtUp();
    const account = this.#view.get<ServiceAccount & KubeObject>(core('serviceaccounts'), info.namespace, info.name);
    if (request.metadata?.name && request.metadata.name !== info.name)
      throw wrongName(request.metadata.name, info.name);
    if (!account) throw notFound(core('serviceaccounts'), info.name);
    checkUID(request.metadata?.uid, account);
    const seconds = request.spec?.expirationSeconds ?? 3600;
    checkExpiration(seconds);
    const audiences = request.spec?.audiences?.length ? request.spec.audiences : [serviceAccountIssuer];
    const bound = this.#boundObjects(request, account);
    const isUsual = seconds === warnOnlySeconds && audiences.every((one) => one === serviceAccountIssuer);
    const { token, expiresAt } = this.issue({
      namespace: info.namespace,
      serviceAccount: referenceTo(account),
      audiences,
      expirationSeconds: seconds,
      isExtended: isUsual && bound.pod !== undefined,
      ...bound,
    });
    const { name, namespace, uid } = account.metadata;
    return {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: {
        ...request.metadata,
        name,
        ...(namespace && { namespace }),
        ...(uid && { uid }),
        creationTimestamp: formatTime(this.#clock.now()),
      },
      spec: {
        ...request.spec,
        audiences,
        expirationSeconds: seconds,
        boundObjectRef: request.spec?.boundObjectRef ?? null,
      },
      status: { token, expirationTimestamp: new Date(expiresAt).toISOString().replace('.000Z', 'Z') },
    } as KubeObject;
  };

  #boundObjects(
    { spec }: TokenRequest,
    account: Readonly<ServiceAccount & KubeObject>,
  ): Pick<IssueRequest, 'pod' | 'node' | 'secret'> {
    const bound = spec?.boundObjectRef;
    if (!bound) return {};
    const kinds = table<string>({ Pod: 'pods', Secret: 'secrets', Node: 'nodes' });
    const resource = bound.apiVersion === 'v1' ? kinds[bound.kind ?? ''] : undefined;
    if (!resource) {
      const { group, version } = parseApiVersion(bound.apiVersion ?? '');
      throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${bound.kind ?? ''}`);
    }
    const name = bound.name ?? '';
    const namespace = resource === 'nodes' ? '' : (account.metadata.namespace ?? '');
    const object = this.#view.get(core(resource), namespace, name);
    if (!object) throw notFound(core(resource), name);
    if (bound.uid && bound.uid !== object.metadata.uid) {
      const why = `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
      throw conflict({ group: '', resource: bound.kind ?? '' }, name, why);
    }
    if (resource !== 'pods') return { [resource.slice(0, -1)]: referenceTo(object) };
    const { spec: podSpec } = object as Readonly<Pod & KubeObject>;
    if (podSpec?.serviceAccountName !== account.metadata.name) {
      throw badRequest(
        `cannot bind token for serviceaccount "${account.metadata.name}" to pod running with different serviceaccount name.`,
      );
    }
    const node = podSpec.nodeName ? this.#view.get(core('nodes'), '', podSpec.nodeName) : undefined;
    return { pod: referenceTo(object), ...(node && { node: referenceTo(node) }) };
  }
}

function referenceTo({ metadata }: Readonly<KubeObject>): ObjectReference {
  return { name: metadata.name, uid: metadata.uid ?? '' };
}

const kind = { group: 'authentication.k8s.io', kind: 'TokenRequest' };

function wrongName(given: string, name: string): StatusError {
  return invalid(kind, name, [
    fieldError.invalid('metadata.name', given, 'must match the service account name if specified'),
  ]);
}

function checkUID(given: string | undefined, { metadata: { name, uid } }: Readonly<KubeObject>): void {
  if (!given || given === uid) return;
  const why = `the UID in the token request (${given}) does not match the UID of the service account (${uid})`;
  throw conflict({ group: kind.group, resource: kind.kind }, name, why);
}

function checkExpiration(seconds: number): void {
  const why =
    seconds < minimumSeconds
      ? 'may not specify a duration less than 10 minutes'
      : seconds > maximumSeconds
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (why === undefined) return;
  // Upstream names nobody here.
  throw invalid(kind, '', [fieldError.invalid('spec.expirationSeconds', seconds, why)]);
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
