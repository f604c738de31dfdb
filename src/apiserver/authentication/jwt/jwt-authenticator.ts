// Bearer tokens that configured issuers signed.
import type { Clock } from '../../../system/clock.ts';
import type { User } from '../../request.ts';
import { type UserOfClaims, userOfClaims } from './claims.ts';
import { allowedAlgorithms, type JwtIssuer } from './configuration.ts';
import { type FetchText, fetcher, KeySet } from './key-set.ts';
import { type IssuerKey, isSignedBy, type ParsedToken, parseToken, whyNotNow } from './token.ts';

export interface JwtOptions {
  readonly clock: Clock;
  /** Told why a token of a known issuer is refused; the client learns only that it is. */
  readonly onError: (error: unknown) => void;
  /** Default: HTTPS from this process. */
  readonly fetchText?: FetchText;
}

interface Issuer {
  readonly config: JwtIssuer;
  readonly keys: KeySet;
  readonly userOf: UserOfClaims;
}

export class JwtAuthenticator {
  readonly #issuers: ReadonlyMap<string, Issuer>;
  readonly #options: JwtOptions;

  private constructor(issuers: ReadonlyMap<string, Issuer>, options: JwtOptions) {
    this.#issuers = issuers;
    this.#options = options;
  }

  /** Rejects with an Error that holds the expression that does not compile. */
  static async create(configs: readonly JwtIssuer[], options: JwtOptions): Promise<JwtAuthenticator> {
    const issuers = configs.map(async (config): Promise<[string, Issuer]> => {
      const { url, discoveryURL, certificateAuthority } = config.issuer;
      const { clock, fetchText = fetcher(certificateAuthority) } = options;
      const keys = new KeySet({ issuer: url, fetchText, clock, ...(discoveryURL !== undefined && { discoveryURL }) });
      return [url, { config, keys, userOf: await userOfClaims(config) }];
    });
    return new JwtAuthenticator(new Map(await Promise.all(issuers)), options);
  }

  /** Undefined: the token is of no issuer that is known, or not good. */
  async authenticate(token: string): Promise<User | undefined> {
    const parsed = parseToken(token);
    const issuer = parsed && this.#issuers.get(String(parsed.claims.iss));
    if (!issuer) return undefined;
    try {
      return await this.#userOf(parsed, issuer);
    } catch (error) {
      this.#options.onError(error);
      return undefined;
    }
  }

  async #userOf(parsed: ParsedToken, { config, keys, userOf }: Issuer): Promise<User> {
    const { algorithm, keyId, claims } = parsed;
    const { signingAlgorithms = allowedAlgorithms, issuer } = config;
    if (!signingAlgorithms.includes(algorithm)) throw new Error(`oidc: unexpected signature algorithm "${algorithm}"`);
    const isSigner = (key: IssuerKey) => (keyId === '' || key.kid === keyId) && isSignedBy(parsed, key);
    if (!(await keys.find(isSigner))) throw new Error('oidc: failed to verify signature');
    const why = whyNotNow(claims, issuer.audiences, this.#options.clock.now());
    if (why !== undefined) throw new Error(`oidc: ${why}`);
    return userOf(claims);
  }
}
