// Browsers' requests from other origins (upstream server/filters/cors.go). Pure.
import type { Handler } from '../listener.ts';

const allowed = {
  'access-control-allow-methods': 'POST, GET, OPTIONS, PUT, DELETE, PATCH',
  'access-control-allow-headers':
    'Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since',
  'access-control-expose-headers': 'Date',
  'access-control-allow-credentials': 'true',
};

/** One of the expressions is to match the Origin. A preflight is answered here, without asking who it is from. */
export function withCors(handler: Handler, origins: readonly RegExp[]): Handler {
  return async (request) => {
    const { origin } = request.headers;
    if (!origin || !origins.some((one) => one.test(origin))) return handler(request);
    const headers = { 'access-control-allow-origin': origin, ...allowed };
    if (request.method === 'OPTIONS') {
      return { status: 204, headers: { 'cache-control': 'no-cache, private', ...headers }, body: '' };
    }
    const response = await handler(request);
    return { ...response, headers: { ...response.headers, ...headers } };
  };
}

/** Throws an Error in upstream's words for what could match the Origins of strangers. */
export function originPattern(text: string): RegExp {
  if (text === '') throw new Error('empty value in --cors-allowed-origins');
  try {
    const pattern = new RegExp(text);
    if (/\^|\/\//.test(text) && /\$|:/.test(text)) return pattern;
  } catch (error) {
    throw new Error(`--cors-allowed-origins has an invalid regular expression: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const why = 'regular expression does not pin to start/end of host in the origin header';
  throw new Error(`--cors-allowed-origins has an invalid regular expression: ${why}`);
}
