// Authentication and authorization put together for one server: what src/cluster hands to ApiServer.
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import { type AuthenticatorOptions, RequestAuthenticator } from './authentication/authenticator.ts';
import { issuerDiscovery } from './authentication/issuer-discovery.ts';
import type { RequestHeaderConfig } from './authentication/request-header.ts';
import { selfSubjectReview, tokenReview } from './authentication/reviews.ts';
import { ServiceAccounts } from './authentication/service-accounts.ts';
import { parseTokenFile } from './authentication/token-file.ts';
import { tokenRequest } from './authentication/token-request.ts';
import { RbacAuthorizer, type RulesAuthorizer } from './authorization/authorizer.ts';
import { accessReviews } from './authorization/reviews.ts';
import type { PathHandler, VirtualHandler } from './extensions.ts';
import { CacheObjectView, type ObjectView } from './object-view.ts';
import { caCertsPath } from './pki/ca-certs-path.ts';
import type { WatchCache } from './watch-cache/watch-cache.ts';

export interface SecurityOptions {
  readonly cache: WatchCache;
  /** PEM. */
  readonly ca: string;
  /** PEM of the private key that signs service account tokens. */
  readonly serviceAccountKeyPem: string;
  /** `--token-auth-file`. */
  readonly tokenFile?: { readonly path: string; readonly text: string } | undefined;
  readonly requestHeader?: RequestHeaderConfig;
  readonly jwt?: AuthenticatorOptions['jwt'];
  readonly anonymous?: AuthenticatorOptions['anonymous'];
  readonly webhook?: AuthenticatorOptions['webhook'];
  /** Default: the node authorizer and RBAC. */
  readonly authorizerOf?: ((rbac: RbacAuthorizer) => RulesAuthorizer) | undefined;
  /** `https://HOST:PORT` at which the server is reached. */
  readonly serverUrl: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of what grants nothing since it cannot be read. */
  readonly onError: (error: Error) => void;
}

export interface Security {
  readonly view: ObjectView;
  readonly authenticator: RequestAuthenticator;
  readonly authorizer: RulesAuthorizer;
  readonly serviceAccounts: ServiceAccounts;
  /** For Extensions: reviews and serviceaccounts/token. */
  readonly virtual: Readonly<Record<string, VirtualHandler>>;
  /** For Extensions: `/cacerts`. */
  readonly paths: readonly PathHandler[];
}

/** Throws an Error that names the line of a token file that cannot be read. */
export function createSecurity({
  cache,
  ca,
  serviceAccountKeyPem,
  tokenFile,
  requestHeader,
  jwt,
  anonymous,
  webhook,
  authorizerOf = (rbac) => rbac,
  serverUrl,
  clock,
  random,
  onError,
}: SecurityOptions): Security {
  const view = new CacheObjectView(cache);
  const authorizer = authorizerOf(new RbacAuthorizer(view, onError));
  const serviceAccounts = new ServiceAccounts({ keyPem: serviceAccountKeyPem, view, clock, random });
  const staticTokens = parseTokenFile(tokenFile?.text ?? '', tokenFile?.path);
  const authenticator = new RequestAuthenticator({
    staticTokens,
    requestHeader,
    jwt,
    anonymous,
    webhook,
    serviceAccounts,
    view,
    clock,
    authorizer,
  });
  return {
    view,
    authenticator,
    authorizer,
    serviceAccounts,
    virtual: {
      ...accessReviews(authorizer),
      'tokenreviews.authentication.k8s.io': tokenReview(authenticator),
      'selfsubjectreviews.authentication.k8s.io': selfSubjectReview(clock),
      'serviceaccounts/token': tokenRequest({ issuer: serviceAccounts, view, clock }),
    },
    paths: [caCertsPath(ca), ...issuerDiscovery({ keyPem: serviceAccountKeyPem, serverUrl })],
  };
}
