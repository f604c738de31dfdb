// Turns an answer that is no success into a StatusError, also when no API server wrote it (a proxy on the way).

import type { Status } from '../apimachinery/meta/v1.generated.ts';
import { StatusError } from '../apimachinery/status.ts';
import type { RawRequest, RawResponse } from './types.ts';

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** The Status in `text`, or one made from the code. */
export function statusErrorOf(request: RawRequest, response: RawResponse, text: string): StatusError {
  const status = parseStatus(text);
  if (status) return new StatusError({ ...status, code: status.code ?? response.status }, response.headers);
  const reason = reasons[response.status] ?? 'Unknown';
  const detail = text.trim().slice(0, 200);
  const message = `${request.method} ${request.path}: the server answered ${response.status}${detail && `: ${detail}`}`;
  return new StatusError({ code: response.status, reason, message }, response.headers);
}

/** The error that an ERROR event of a watch carries. */
export function statusErrorOfEvent(object: unknown): StatusError {
  const status = isStatus(object) ? object : { message: 'the watch ended with an error' };
  return new StatusError({ ...status, code: status.code ?? 500 });
}

function parseStatus(text: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isStatus(value) ? value : undefined;
  } catch {
    // Not JSON: the caller makes a Status from the code.
    return undefined;
  }
}

function isStatus(value: unknown): value is Status {
  return typeof value === 'object' && value !== null && (value as Status).kind === 'Status';
}
