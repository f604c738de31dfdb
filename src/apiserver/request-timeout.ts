// `?timeout=32s`, as clients send it with every request that is to end: what is no duration is refused (upstream's
// WithRequestDeadline). How long the client waits is its own affair: nothing here lasts longer than it must.
import { parseGoDuration } from '../apimachinery/duration.ts';
import { badRequest } from '../apimachinery/status.ts';
import { isLongRunning, type RequestInfo } from './request-info.ts';

/** Throws a 400 StatusError. */
export function checkTimeout(query: URLSearchParams, info: RequestInfo): void {
  const text = query.get('timeout');
  if (!text || isLongRunning(info) || parseGoDuration(text) !== undefined) return;
  throw badRequest(`invalid timeout specified in the request URL - time: ${whatIsWrong(text)} ${JSON.stringify(text)}`);
}

/** In the words of Go's time.ParseDuration, as far as it names a unit. */
function whatIsWrong(text: string): string {
  const [, unit] = /^[+-]?(?:\d+\.?\d*|\.\d+)([^\d.]*)/.exec(text) ?? [];
  if (unit === undefined) return 'invalid duration';
  return unit === '' ? 'missing unit in duration' : `unknown unit ${JSON.stringify(unit)} in duration`;
}
