// What goes wrong on the way to another server (a webhook, an aggregated API), in the words that Go has for it: they stand in the Status that users see.

import { table } from '../apimachinery/table.ts';
import { dialError } from '../net/dial-error.ts';
import { joinHostPort } from '../net/ip.ts';

interface NetworkError extends Error {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  readonly host?: string;
  readonly cert?: { readonly subjectaltname?: string };
}

const unknownAuthority = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
]);

/** Why there was no answer from the URL. */
export function goError(error: unknown, url: URL): string {
  if (!(error instanceof Error)) return String(error);
  const { code = '', address, port = 0 } = error as NetworkError;
  const where = address === undefined ? url.host : joinHostPort(address, port);
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'context deadline exceeded';
  if (unknownAuthority.has(code)) {
    return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid';
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return wrongName(error as NetworkError, url);
  const known = table<string>({
    ETIMEDOUT: `dial tcp ${where}: i/o timeout`,
    ENOTFOUND: `dial tcp: lookup ${url.hostname}: no such host`,
    ECONNRESET: 'EOF',
    EPROTO: 'http: server gave HTTP response to HTTPS client',
  });
  return known[code] ?? dialError(code, where) ?? error.message;
}

function wrongName({ cert, host }: NetworkError, url: URL): string {
  const names = (cert?.subjectaltname ?? '').split(', ').map((name) => name.replace(/^(DNS|IP Address):/, ''));
  const valid = names.filter((name) => name !== '').join(', ');
  const name = host ?? url.hostname;
  if (valid === '')
    return `tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match ${name}`;
  return `tls: failed to verify certificate: x509: certificate is valid for ${valid}, not ${name}`;
}

/** What client-go makes of an answer that is no success. */
export function statusMessage(status: number, text: string): string {
  const body = text.trim().slice(0, 2048) || 'unknown';
  switch (status) {
    case 400:
      return 'the server rejected our request for an unknown reason';
    case 401:
      return 'the server has asked for the client to provide credentials';
    case 403:
    case 406:
    case 415:
      return body;
    case 404:
      return 'the server could not find the requested resource';
    case 405:
      return 'the server does not allow this method on the requested resource';
    case 409:
      return 'the server reported a conflict';
    case 422:
      return 'the server rejected our request due to an error in our request';
    case 413:
      return `Request entity too large: ${body}`;
    case 429:
      return 'the server has received too many requests and has asked us to try again later';
    case 503:
      return 'the server is currently unable to handle the request';
    case 504:
      return `the server was unable to return a response in the time allotted, but may still be processing the request`;
    default:
      if (status >= 500) {
        return `an error on the server (${JSON.stringify(body)}) has prevented the request from succeeding`;
      }
      return `the server responded with the status code ${status} but did not return more information`;
  }
}
