// Bearer tokens that configured issuers signed.
import type { Clock } from '../../../system/clock.ts';
import type { User } from '../../request.ts';
import { type UserOfClaims, userOfClaims } from './claims.ts';
import { allowedAlgorithms, type JwtIssuer } from './configuration.ts';
import { withDistributedClaim } from './distributed-claims.ts';
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
  readonly fetchText: FetchText;
  readonly keys: KeySet;
  /** Of issuers that tokens of this one name for a distributed claim, by `iss`. */
  readonly otherKeys: Map<string, KeySet>;
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
      return [url, { config, fetchText, keys, otherKeys: new Map(), userOf: await userOfClaims(config) }];
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

  async #userOf(parsed: ParsedToken, issuer: Issuer): Promise<User> {
    const { config, fetchText, userOf } = issuer;
    await this.#verify(parsed, config, issuer.keys);
    const { claim } = config.claimMappings.groups ?? {};
    if (claim === undefined || claim === '') return userOf(parsed.claims);
    const verify = (token: ParsedToken) => this.#verify(token, config, this.#keysOf(String(token.claims.iss), issuer));
    return userOf(await withDistributedClaim(parsed.claims, { claim, fetchText, verify }));
  }

  /** Keys of whoever tells a claim in the place of the issuer, which vouches for it by naming the place. */
  #keysOf(iss: string, { config, fetchText, keys, otherKeys }: Issuer): KeySet {
    if (iss === config.issuer.url) return keys;
    const known = otherKeys.get(iss) ?? new KeySet({ issuer: iss, fetchText, clock: this.#options.clock });
    otherKeys.set(iss, known);
    return known;
  }

  async #verify(parsed: ParsedToken, { signingAlgorithms = allowedAlgorithms, issuer }: JwtIssuer, keys: KeySet) {
    const { algorithm, keyId, claims } = parsed;
    if (!signingAlgorithms.includes(algorithm)) throw new Error(`oidc: unexpected signature algorithm "${algorithm}"`);
    const isSigner = (key: IssuerKey) => (keyId === '' || key.kid === keyId) && isSignedBy(parsed, key);
    if (!(await keys.find(isSigner))) throw new Error('oidc: failed to verify signature');
    const why = whyNotNow(claims, issuer.audiences, this.#options.clock.now());
    if (why !== undefined) throw new Error(`oidc: ${why}`);
  }
}
