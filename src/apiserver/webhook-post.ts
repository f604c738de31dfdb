// One POST of JSON to the server that a kubeconfig names: what webhooks of reviews and of audit events have in common.
import type { RawResponse, Transport } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
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

/** Whether a status says that it was done. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299;
}
