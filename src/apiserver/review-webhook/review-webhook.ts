// One review sent to the webhook that a kubeconfig names, tried again where that may help (apiserver/pkg/util/webhook).
import { formatGoDuration } from '../../apimachinery/duration.ts';
import type { Transport } from '../../client/types.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { statusMessage } from '../go-errors.ts';
import { isSuccess, postToWebhook, retried } from '../webhook-post.ts';

/** The webhook could not be asked, or its answer could not be read; the message is kube-apiserver's. */
class ReviewWebhookError extends Error {
  override readonly name = 'ReviewWebhookError';
  /** It may be otherwise soon. */
  readonly isTransient: boolean;

  constructor(message: string, { isTransient = false, cause }: { isTransient?: boolean; cause?: unknown } = {}) {
    super(message, { cause });
    this.isTransient = isTransient;
  }
}

export interface ReviewWebhookOptions {
  readonly transport: Transport;
  /** The URL of the kubeconfig, for messages; its path is the transport's to add. */
  readonly server: string;
  /** Milliseconds that one try may take. */
  readonly timeout: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** An object with `apiVersion` and `kind`. */
export interface Review {
  readonly apiVersion: string;
  readonly kind: string;
}

const firstDelay = 500;
const largestAnswer = 16 * 1024 * 1024;
const transientCodes = new Set([429, 500, 504]);

export class ReviewWebhook {
  readonly #options: ReviewWebhookOptions;
  /** As it stands in messages. */
  readonly #url: URL;

  constructor(options: ReviewWebhookOptions) {
    this.#options = options;
    const url = new URL(options.server);
    url.search = `?timeout=${formatGoDuration(options.timeout)}`;
    this.#url = url;
  }

  /** The answer. Rejects with a {@link ReviewWebhookError} once no further try is worth it. */
  async ask(review: Review): Promise<unknown> {
    const { clock, random } = this.#options;
    const body = JSON.stringify(review);
    const mayHelp = (error: unknown) => error instanceof ReviewWebhookError && error.isTransient;
    return retried(async () => readReview(await this.#post(body), review), { firstDelay, mayHelp, clock, random });
  }

  async #post(body: string): Promise<string> {
    const { transport, timeout, clock } = this.#options;
    const post = { transport, url: this.#url, body, timeout, largestAnswer, clock };
    const { status, headers, text } = await postToWebhook(post).catch(({ message, cause }: Error) => {
      const isTransient = (cause as NodeJS.ErrnoException).code === 'ECONNRESET';
      throw new ReviewWebhookError(message, { isTransient, cause });
    });
    if (isSuccess(status)) return text;
    const isTransient = transientCodes.has(status) || headers['retry-after'] !== undefined;
    throw new ReviewWebhookError(refusal(status, text), { isTransient });
  }
}

/** A Status says itself what is wrong. */
function refusal(code: number, text: string): string {
  const status = parsed(text) as { readonly kind?: unknown; readonly message?: unknown } | undefined;
  const isStatus = status?.kind === 'Status' && typeof status.message === 'string' && status.message !== '';
  return isStatus ? String(status.message) : statusMessage(code, text);
}

/** What leaves out its kind is taken for what was asked for. */
function readReview(text: string, asked: Review): unknown {
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ReviewWebhookError(`couldn't get version/kind; json parse error: the answer is no JSON object`);
  }
  const { apiVersion = asked.apiVersion, kind = asked.kind } = value as Partial<Review>;
  if (apiVersion === asked.apiVersion && kind === asked.kind) return value;
  throw new ReviewWebhookError(`expected ${asked.kind} of ${asked.apiVersion}, got ${kind} of ${apiVersion}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No JSON: the caller says so.
    return undefined;
  }
}
