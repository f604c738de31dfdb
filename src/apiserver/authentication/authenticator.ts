// Says who asks: a client certificate, else a bearer token (static file, service account, bootstrap), else nobody.
import { createHash } from 'node:crypto';
import type { Secret } from '../../api/core/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { unauthorized } from '../../apimachinery/status.ts';
import type { Clock } from '../../system/clock.ts';
import type { Authenticator, Authorizer } from '../extensions.ts';
import type { ObjectView } from '../object-view.ts';
import type { ApiRequest, ClientCertificate, User } from '../request.ts';
import { bootstrapSecretName, bootstrapUser, parseBootstrapToken } from './bootstrap-token.ts';
import { asksForImpersonation, impersonatedUser } from './impersonation.ts';
import type { ServiceAccounts } from './service-accounts.ts';

export interface AuthenticatorOptions {
  /** Of `--token-auth-file`. */
  readonly staticTokens?: ReadonlyMap<string, User>;
  readonly serviceAccounts: ServiceAccounts;
  readonly view: ObjectView;
  readonly clock: Clock;
  /** Decides who may impersonate whom. */
  readonly authorizer: Authorizer;
}

export const anonymousUser: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** A bearer token's user, with the audiences it is good for where the token names any. */
export interface TokenResult {
  readonly user: User;
  readonly audiences?: readonly string[];
}

export class RequestAuthenticator implements Authenticator {
  readonly #staticTokens: ReadonlyMap<string, User>;
  readonly #options: AuthenticatorOptions;
  /** One certificate value belongs to one connection, so its user is worked out once. */
  readonly #certificateUsers = new WeakMap<ClientCertificate, User>();

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    const known = options.staticTokens ?? new Map<string, User>();
    this.#staticTokens = new Map([...known].map(([token, user]) => [token, withGroup(user)]));
  }

  /** Throws a StatusError 401 for a token that is wrong; without any credentials the user is {@link anonymousUser}. */
  authenticate(request: ApiRequest): Promise<User> | User {
    if (request.trustedUser) return request.trustedUser;
    const certified = this.#certificateUser(request.clientCertificate);
    if (certified) return certified;
    const token = bearerToken(request);
    if (token === undefined) return anonymousUser;
    return this.#staticTokens.get(token) ?? this.#bearer(token);
  }

  impersonate({ headers }: ApiRequest, asking: User): Promise<User> | User {
    return asksForImpersonation(headers) ? impersonatedUser(headers, asking, this.#options.authorizer) : asking;
  }

  #certificateUser(certificate: ClientCertificate | undefined): User | undefined {
    // As upstream, a certificate without a common name is no user.
    if (!certificate?.commonName) return undefined;
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

  /** The user of a bearer token, or undefined when nobody vouches for it. */
  async authenticateToken(token: string, audiences?: readonly string[]): Promise<TokenResult | undefined> {
    const known = this.#staticTokens.get(token);
    if (known) return { user: known };
    const { serviceAccounts, view, clock } = this.#options;
    if (serviceAccounts.recognizes(token)) {
      const result = await serviceAccounts.authenticate(token, audiences);
      return result && { ...result, user: withGroup(result.user) };
    }
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
    return user && { user: withGroup(user) };
  }
}

function bearerToken({ headers }: ApiRequest): string | undefined {
  return /^bearer +(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1];
}

function withGroup(user: User): User {
  const group = 'system:authenticated';
  return user.groups.includes(group) ? user : { ...user, groups: [...user.groups, group] };
}
