// The keys with which an issuer signs: found through its discovery document (OpenID Connect Discovery 1.0), fetched when the
// first token comes, and again when a token names a key that is not among them.
import { get as httpsGet } from 'node:https';
import type { Clock } from '../../../system/clock.ts';
import type { IssuerKey } from './token.ts';

/** Resolves with the text of a document; rejects where the answer is not 200. The token is sent as a bearer's. */
export type FetchText = (url: string, accessToken?: string) => Promise<string>;

export interface KeySetOptions {
  /** `iss`, which the document must repeat. */
  readonly issuer: string;
  /** Default: `/.well-known/openid-configuration` below the issuer. */
  readonly discoveryURL?: string;
  readonly fetchText: FetchText;
  readonly clock: Clock;
}

/** Keys are not fetched again sooner (ms), however many tokens with unknown keys come. */
const minimumPeriod = 10_000;

export class KeySet {
  readonly #options: KeySetOptions;
  #keysUrl: string | undefined;
  #fetching: Promise<readonly IssuerKey[]> | undefined;
  #keys: readonly IssuerKey[] = [];
  #tried = Number.NEGATIVE_INFINITY;
  #failure: unknown;

  constructor(options: KeySetOptions) {
    this.#options = options;
  }

  /** Keys that may have signed; `isSigner` looks through those at hand first. Rejects while the issuer cannot be asked. */
  async find(isSigner: (key: IssuerKey) => boolean): Promise<IssuerKey | undefined> {
    const known = this.#keys.find(isSigner);
    if (known) return known;
    const isTooSoon = !this.#fetching && this.#options.clock.monotonic() - this.#tried < minimumPeriod;
    if (isTooSoon) {
      if (this.#failure !== undefined) throw this.#failure;
      return undefined;
    }
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return (await this.#fetching).find(isSigner);
  }

  async #fetch(): Promise<readonly IssuerKey[]> {
    this.#tried = this.#options.clock.monotonic();
    try {
      this.#keysUrl ??= await this.#discover();
      const { keys } = JSON.parse(await this.#options.fetchText(this.#keysUrl)) as { readonly keys?: unknown };
      if (!Array.isArray(keys)) throw new Error(`${this.#keysUrl} holds no keys`);
      this.#keys = keys as readonly IssuerKey[];
      this.#failure = undefined;
      return this.#keys;
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  async #discover(): Promise<string> {
    const { issuer, discoveryURL, fetchText } = this.#options;
    const url = discoveryURL ?? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const document = JSON.parse(await fetchText(url)) as { readonly issuer?: unknown; readonly jwks_uri?: unknown };
    if (document.issuer !== issuer) {
      throw new Error(
        `issuer did not match the issuer returned by provider, expected "${issuer}" got "${document.issuer}"`,
      );
    }
    if (typeof document.jwks_uri !== 'string') throw new Error(`${url} names no jwks_uri`);
    return document.jwks_uri;
  }
}

const timeout = 30_000;
const largestDocument = 1024 * 1024;

/** Over HTTPS only; `ca` in PEM, in place of the machine's authorities. */
export function fetcher(ca: string | undefined): FetchText {
  return (url, accessToken) =>
    new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(timeout);
      const headers = accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` };
      const asked = httpsGet(url, { ...(ca !== undefined && { ca }), headers, agent: false, signal }, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > largestDocument) asked.destroy(new Error(`${url} is too large`));
          else chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString());
          else reject(new Error(`${url} answered ${response.statusCode}`));
        });
      });
      asked.on('error', reject);
    });
}
