// Says who asks: a proxy that names the user, else a client certificate, else a bearer token (static file, service account, bootstrap), else nobody.
import { createHash } from 'node:crypto';
import type { Secret } from '../../api/core/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { unauthorized } from '../../apimachinery/status.ts';
import type { Clock } from '../../system/clock.ts';
import type { Attributes, Authenticator, Authorizer, Impersonated } from '../access-control.ts';
import type { ClientCertificate } from '../client-certificate.ts';
import type { ObjectView } from '../object-view.ts';
import { type ApiRequest, anonymousUser, type User } from '../request.ts';
import { bootstrapSecretName, bootstrapUser, parseBootstrapToken } from './bootstrap-token.ts';
import { asksForImpersonation, Impersonator } from './impersonation.ts';
import type { AnonymousConfig } from './jwt/configuration.ts';
import { type RequestHeaderConfig, requestHeaderUser } from './request-header.ts';
import { serviceAccountIssuer } from './service-account-token.ts';
import type { ServiceAccounts } from './service-accounts.ts';
import type { WebhookTokens } from './webhook-tokens.ts';

export interface AuthenticatorOptions {
  /** Of `--token-auth-file`. */
  readonly staticTokens?: ReadonlyMap<string, User>;
  /** Undefined: no proxy is believed. */
  readonly requestHeader?: RequestHeaderConfig | undefined;
  /** Asked for bearer tokens that nobody else knows: issuers of ID tokens. */
  readonly jwt?: { authenticate(token: string): Promise<User | undefined> } | undefined;
  /** Default: anybody may be anonymous anywhere. */
  readonly anonymous?: AnonymousConfig | undefined;
  /** Asked after all others: `--authentication-token-webhook-config-file`. */
  readonly webhook?: WebhookTokens | undefined;
  readonly serviceAccounts: ServiceAccounts;
  readonly view: ObjectView;
  readonly clock: Clock;
  /** Decides who may impersonate whom. */
  readonly authorizer: Authorizer;
}

/** A bearer token's user, with the audiences it is good for where the token names any. */
export interface TokenResult {
  readonly user: User;
  readonly audiences?: readonly string[];
}

export class RequestAuthenticator implements Authenticator {
  readonly #staticTokens: ReadonlyMap<string, User>;
  readonly #options: AuthenticatorOptions;
  readonly #impersonator: Impersonator;
  /** One certificate value belongs to one connection, so its user is worked out once. */
  readonly #certificateUsers = new WeakMap<ClientCertificate, User>();
  #latest: { readonly authorization: string | undefined; readonly token: string | undefined } | undefined;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#impersonator = new Impersonator(options.authorizer);
    const known = options.staticTokens ?? new Map<string, User>();
    this.#staticTokens = new Map([...known].map(([token, user]) => [token, withGroup(user)]));
  }

  /** Throws a StatusError 401 for a token that is wrong; without any credentials the user is {@link anonymousUser}. */
  authenticate(request: ApiRequest): Promise<User> | User {
    if (request.trustedUser) return request.trustedUser;
    const { clientCertificate } = request;
    const { requestHeader } = this.#options;
    const proxied = clientCertificate && requestHeader && requestHeaderUser(request, requestHeader);
    if (proxied) return withGroup(proxied);
    const certified = this.#certificateUser(clientCertificate);
    if (certified) return certified;
    const token = this.#tokenIn(request.headers.authorization);
    if (token !== undefined) return this.#staticTokens.get(token) ?? this.#bearer(token);
    // As a wrong token: who shows a certificate that says nothing here is not anonymous.
    if (clientCertificate && !clientCertificate.verifiedBy.includes('client')) throw unauthorized();
    const { anonymous } = this.#options;
    if (anonymous && !isAllowed(anonymous, request.path)) throw unauthorized();
    return anonymousUser;
  }

  impersonate(request: ApiRequest, asking: Attributes): Promise<Impersonated | undefined> | undefined {
    return asksForImpersonation(request) ? this.#impersonator.impersonate(request, asking) : undefined;
  }

  /** A client says the same with all that it asks, and a text that was cut out of another takes long to look up. */
  #tokenIn(authorization: string | undefined): string | undefined {
    if (this.#latest?.authorization === authorization) return this.#latest?.token;
    const token = bearerToken(authorization);
    this.#latest = { authorization, token };
    return token;
  }

  #certificateUser(certificate: ClientCertificate | undefined): User | undefined {
    // As upstream, a certificate without a common name is no user.
    if (!certificate?.commonName || !certificate.verifiedBy.includes('client')) return undefined;
    const known = this.#certificateUsers.get(certificate);
    if (known) return known;
    const { commonName: name, organizations: groups, uid, raw } = certificate;
    const credential = `X509SHA256=${createHash('sha256').update(raw).digest('hex')}`;
    const extra = { 'authentication.kubernetes.io/credential-id': [credential] };
    const user = withGroup({ name, ...(uid && { uid }), groups, extra });
    this.#certificateUsers.set(certificate, user);
    return user;
  }

  async #bearer(token: string): Promise<User> {
    const result = await this.authenticateToken(token);
    if (!result) throw unauthorized();
    return result.user;
  }

  /**
   * The user of a bearer token, or undefined when nobody vouches for it. Tokens that name no audience are good for this
   * server, and for no other.
   */
  async authenticateToken(token: string, audiences?: readonly string[]): Promise<TokenResult | undefined> {
    const { serviceAccounts, jwt, webhook } = this.#options;
    if (serviceAccounts.recognizes(token)) {
      const result = await serviceAccounts.authenticate(token, audiences);
      return result && { ...result, user: withGroup(result.user) };
    }
    const common = audiences?.filter((audience) => audience === serviceAccountIssuer);
    if (common?.length === 0) return undefined;
    const user =
      this.#staticTokens.get(token) ??
      (await this.#bootstrap(token)) ??
      (await jwt?.authenticate(token)) ??
      (await webhook?.authenticate(token));
    return user && { user: withGroup(user), ...(common && { audiences: common }) };
  }

  async #bootstrap(token: string): Promise<User | undefined> {
    const { view, clock } = this.#options;
    const bootstrap = parseBootstrapToken(token);
    if (!bootstrap) return undefined;
    const find = () => {
      const name = bootstrapSecretName(bootstrap.id);
      const secret = view.get<Secret & KubeObject>({ group: '', resource: 'secrets' }, 'kube-system', name);
      return bootstrapUser(bootstrap, secret, clock.now());
    };
    let user = find();
    if (!user) {
      await view.caughtUp();
      user = find();
    }
    return user;
  }
}

function isAllowed({ enabled, conditions }: AnonymousConfig, path: string): boolean {
  return enabled && (!conditions || conditions.some((one) => one.path === path));
}

const scheme = 'bearer ';

/** The word after the first space, if any: what follows it is of no account. */
function bearerToken(authorization: string | undefined): string | undefined {
  const given = authorization?.trim() ?? '';
  if (given.slice(0, scheme.length).toLowerCase() !== scheme) return undefined;
  const end = given.indexOf(' ', scheme.length);
  return (end < 0 ? given.slice(scheme.length) : given.slice(scheme.length, end)) || undefined;
}

function withGroup(user: User): User {
  const group = 'system:authenticated';
  const isPlaced = [group, 'system:unauthenticated'].some((one) => user.groups.includes(one));
  return isPlaced || user.name === anonymousUser.name ? user : { ...user, groups: [...user.groups, group] };
}
