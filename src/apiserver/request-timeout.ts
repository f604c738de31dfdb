// `?timeout=32s`, as clients send it with requests that are to end: what is no duration is refused, and who is not answered
// in time hears so (upstream's WithRequestDeadline and WithTimeoutForNonLongRunningRequests).
import { goDurationError, parseGoDuration } from '../apimachinery/duration.ts';
import { badRequest } from '../apimachinery/status.ts';
import type { Clock } from '../system/clock.ts';
import type { ApiResponse } from './request.ts';
import { isLongRunning, type RequestInfo } from './request-info.ts';

/** What nobody can ask for more than, unless --request-timeout says otherwise; in milliseconds. */
const longestMs = 60_000;

/**
 * Milliseconds that the request may take; undefined: there is no end. `limit` (--request-timeout) is for those too that say nothing of
 * it. Throws a 400 StatusError.
 */
export function timeoutOf(query: URLSearchParams, info: RequestInfo, limit?: number): number | undefined {
  if (isLongRunning(info)) return undefined;
  const text = query.get('timeout');
  if (!text) return limit;
  const longest = limit ?? longestMs;
  const asked = parseGoDuration(text);
  if (asked === undefined) throw badRequest(`invalid timeout specified in the request URL - ${goDurationError(text)}`);
  return asked > 0 && asked < longest ? asked : longest;
}

/**
 * What `work` answers, or 504 where it takes longer than `ms`. Its signal aborts then: it begins no write any more (one that is on
 * its way to storage is made), and that it fails is nobody's business.
 */
export async function answerWithin(
  { ms, clock }: { readonly ms: number; readonly clock: Clock },
  work: (deadline: AbortSignal) => Promise<ApiResponse>,
): Promise<ApiResponse> {
  const deadline = new AbortController();
  const late = Promise.withResolvers<ApiResponse>();
  const timer = clock.after(ms, () => {
    deadline.abort();
    late.resolve(timedOut());
  });
  try {
    return await Promise.race([work(deadline.signal), late.promise]);
  } finally {
    timer.cancel();
  }
}

/** As upstream: the Status bare, under the content type that Go makes of it. */
function timedOut(): ApiResponse {
  const message = 'Timeout: request did not complete within the allotted timeout';
  const status = { metadata: {}, status: 'Failure', message, reason: 'Timeout', details: {}, code: 504 };
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  return { status: 504, headers, body: `${JSON.stringify(status)}\n` };
}
