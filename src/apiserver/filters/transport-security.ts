// Strict-Transport-Security (RFC 6797; upstream server/filters/hsts.go). Pure.
import type { Handler } from '../listener.ts';

export function withTransportSecurity(handler: Handler, directives: readonly string[]): Handler {
  const header = { 'strict-transport-security': directives.join('; ') };
  return async (request) => {
    const response = await handler(request);
    return { ...response, headers: { ...header, ...response.headers } };
  };
}

/** Throws an Error in upstream's words. */
export function checkDirective(text: string): string {
  if (text.trim() === '') throw new Error('empty value in strict-transport-security-directives');
  if (/^(includeSubDomains|preload|max-age=[^=]*)$/.test(text)) return text;
  throw new Error(
    '--strict-transport-security-directives invalid, allowed values: max-age=expireTime, includeSubDomains, preload. see https://tools.ietf.org/html/rfc6797#section-6.1 for more information',
  );
}
