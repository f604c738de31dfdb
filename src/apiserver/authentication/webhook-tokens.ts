// Bearer tokens that another server knows: it is asked by a TokenReview (apiserver/plugin/pkg/authenticator/token/webhook), and
// its answers are kept for a while.
import { createHash } from 'node:crypto';
import type { Clock } from '../../system/clock.ts';
import { bool, type Decoded, decodeConfiguration, struct, text, texts, textsByName } from '../configuration-decode.ts';
import type { User } from '../request.ts';
import { ExpiringCache } from '../review-webhook/expiring-cache.ts';
import type { Review } from '../review-webhook/review-webhook.ts';
import { serviceAccountIssuer } from './service-account-token.ts';

export interface WebhookTokensOptions {
  readonly webhook: { ask(review: Review): Promise<unknown> };
  /** `v1` or `v1beta1`. */
  readonly version: string;
  /** Milliseconds for which answers are kept; 0: they are not. */
  readonly cacheTTL: number;
  readonly clock: Clock;
  /** Told why the webhook could not be asked. */
  readonly onError: (error: unknown) => void;
}

const user = struct('UserInfo', { username: text, uid: text, groups: texts, extra: textsByName });
const status = struct('TokenReviewStatus', { authenticated: bool, audiences: texts, user });
const answer = struct('TokenReview', { status });

/** As many as kube-apiserver's cache of tokens holds. */
const cacheSize = 4096;

type Answer = { readonly user: User | undefined };

export class WebhookTokens {
  readonly #options: WebhookTokensOptions;
  readonly #answers: ExpiringCache<Answer>;
  /** Questions under way: a token that comes many times at once is asked about once. */
  readonly #asking = new Map<string, Promise<User | undefined>>();

  constructor(options: WebhookTokensOptions) {
    this.#options = options;
    this.#answers = new ExpiringCache(cacheSize, options.clock);
  }

  /** The token's user; undefined for one that the webhook does not know, and where it cannot be asked. */
  authenticate(token: string): Promise<User | undefined> | User | undefined {
    // Tokens are not kept themselves.
    const key = createHash('sha256').update(token).digest('base64');
    const known = this.#answers.get(key);
    if (known) return known.user;
    const asking = this.#asking.get(key) ?? this.#ask(token, key).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  async #ask(token: string, key: string): Promise<User | undefined> {
    const { webhook, version, cacheTTL, onError } = this.#options;
    const apiVersion = `authentication.k8s.io/${version}`;
    try {
      const spec = { token, audiences: [serviceAccountIssuer] };
      const review = { apiVersion, kind: 'TokenReview', metadata: {}, spec, status: { user: {} } };
      const { status = {} } = decodeConfiguration(await webhook.ask(review), answer, { isStrict: false });
      const user = userOf(status);
      if (cacheTTL > 0) this.#answers.set(key, { user }, cacheTTL);
      return user;
    } catch (error) {
      // As upstream: a failure is not kept.
      onError(error);
      return undefined;
    }
  }
}

/** A webhook that knows of no audiences vouches for this server's. */
function userOf({ authenticated, audiences = [], user = {} }: Decoded<typeof status>): User | undefined {
  if (!authenticated || (audiences.length > 0 && !audiences.includes(serviceAccountIssuer))) return undefined;
  const { username = '', uid, groups = [], extra } = user;
  return { name: username, ...(uid && { uid }), groups, ...(extra && { extra }) };
}
