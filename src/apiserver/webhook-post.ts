// POSTs of JSON to the server that a kubeconfig names, and again where that may help: what webhooks of reviews and of audit events
// have in common.
import type { RawResponse, Transport } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import { goError } from './go-errors.ts';
import { readBody } from './request.ts';

export interface WebhookPost {
  readonly transport: Transport;
  /** As it stands in messages; its path is the transport's to add. */
  readonly url: URL;
  readonly body: string;
  /** Milliseconds until the answer is whole. */
  readonly timeout: number;
  /** Bytes of the answer, beyond which it is an error. */
  readonly largestAnswer: number;
  readonly clock: Clock;
}

export interface WebhookAnswer extends Pick<RawResponse, 'status' | 'headers'> {
  readonly text: string;
}

/** Rejects, in kube-apiserver's words and with its cause, where there is no whole answer in time; any status is an answer. */
export async function postToWebhook(post: WebhookPost): Promise<WebhookAnswer> {
  const { transport, url, body, timeout, largestAnswer, clock } = post;
  const late = new AbortController();
  const timer = clock.after(timeout, () => late.abort(new DOMException('too late', 'TimeoutError')));
  try {
    const response = await transport.request({
      method: 'POST',
      path: url.pathname === '/' ? `/${url.search}` : url.search,
      headers: { 'content-type': 'application/json', accept: 'application/json, */*' },
      body,
      signal: late.signal,
    });
    const text = Buffer.from(await readBody(response.body, largestAnswer)).toString('utf8');
    return { status: response.status, headers: response.headers, text };
  } catch (error) {
    throw new Error(`Post ${JSON.stringify(url.href)}: ${goError(error, url)}`, { cause: error });
  } finally {
    timer.cancel();
  }
}

/** Upstream's (apiserver/pkg/util/webhook): how often a webhook is asked, what the wait grows by, and how much longer it may be. */
const tries = 5;
const growth = 1.5;
const jitter = 0.2;

export interface RetryOptions {
  /** Milliseconds before the second try. */
  readonly firstDelay: number;
  /** Whether another try may end otherwise. */
  readonly mayHelp: (error: unknown) => boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** Ends the wait: there is one try more. */
  readonly signal?: AbortSignal;
}

/** What `ask` resolves with, by whichever try; rejects as the last one does. */
export async function retried<T>(ask: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { firstDelay, mayHelp, clock, random, signal } = options;
  let delay = firstDelay;
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (attempt === tries || !mayHelp(error)) throw error;
    }
    await clock.sleep(delay * (1 + (jitter * random.int(1000)) / 1000), signal).catch(() => {});
    delay *= growth;
  }
}

/** Whether a status says that it was done. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299;
}
