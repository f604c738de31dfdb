// HTTP as the kubelet asks containers by it, for probes and lifecycle hooks: certificates are not looked at, redirects are
// followed as long as they stay on the host.
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Container, HTTPGetAction } from '../../api/core/v1/types.generated.ts';
import { quoted } from '../../apimachinery/json/go-text.ts';
import { dialError } from '../../net/dial-error.ts';
import { joinHostPort } from '../../net/ip.ts';
import { http } from '../../system/http.ts';

export interface HttpTarget {
  readonly url: URL;
  /** Values by name, which is written as Go writes it. */
  readonly headers: Headers;
}

type Headers = ReadonlyMap<string, readonly string[]>;

export interface HttpAnswer {
  readonly status: number;
  /** At most 10 KiB of it. */
  readonly body: string;
}

export interface HttpOptions {
  readonly userAgent: string;
  /** Seconds for the whole of it; without it there is no limit. */
  readonly timeout?: number | undefined;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

const maxBody = 10 * 1024;
/** As Go's client. */
const maxRedirects = 10;
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** A port by number or by the name that the container gives it. Throws, in Go's words, when there is none. */
export function portNumber(port: number | string, container: Container): number {
  const named = container.ports?.find((p) => p.name === String(port))?.containerPort;
  if (named === undefined && !/^[+-]?[0-9]+$/.test(String(port)))
    throw new Error(`strconv.Atoi: parsing ${quoted(String(port))}: invalid syntax`);
  const found = named ?? Number(port);
  if (found < 1 || found > 65_535) throw new Error(`invalid port number: ${found}`);
  return found;
}

/** What an action asks for; `podIP` where it names no host. Throws when its port has no number. */
export function httpTarget(
  { scheme, port, host, path = '/', httpHeaders = [] }: HTTPGetAction,
  { container, podIP }: { readonly container: Container; readonly podIP: string },
): HttpTarget {
  const where = joinHostPort(host || podIP, portNumber(port, container));
  const url = new URL(`${scheme === 'HTTPS' ? 'https' : 'http'}://${where}${path.startsWith('/') ? path : `/${path}`}`);
  const headers = new Map<string, string[]>();
  for (const { name, value } of httpHeaders) {
    const key = canonical(name);
    headers.set(key, [...(headers.get(key) ?? []), value]);
  }
  return { url, headers };
}

/** `x-some-name` as Go writes it: `X-Some-Name`. */
const canonical = (name: string): string => name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());

/** With what upstream adds; of the two that it adds, one that is given as empty is left out. */
function sentHeaders(given: Headers, userAgent: string): Record<string, string | string[]> {
  const all = new Map([['User-Agent', [userAgent]], ['Accept', ['*/*']], ...given]);
  for (const name of ['User-Agent', 'Accept']) if (all.get(name)?.[0] === '') all.delete(name);
  const sent = [...all].map(([name, values]) => [name, isOne(name, values) ? (values[0] ?? '') : [...values]] as const);
  return Object.fromEntries(sent);
}

/** There is one host, the first. */
const isOne = (name: string, values: readonly string[]): boolean => name === 'Host' || values.length === 1;

/** Whether OpenSSL was sent a text that is no TLS record. */
export function isPlainAnswer({ code, message }: NodeJS.ErrnoException): boolean {
  if (code === 'EPROTO') return /wrong version number|packet length too long/.test(message);
  return code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG';
}

/** Rejects, in Go's words, when no answer comes. A redirect to another host is the answer. */
export async function httpGet(
  target: HttpTarget,
  { userAgent, timeout, signal: given }: HttpOptions,
): Promise<HttpAnswer> {
  const headers = sentHeaders(target.headers, userAgent);
  const limit = timeout === undefined ? undefined : AbortSignal.timeout(timeout * 1000);
  const signal = limit && given ? AbortSignal.any([limit, given]) : (limit ?? given);
  let { url } = target;
  for (let follows = 0; ; follows++) {
    const { status, location, body } = await getOnce(url, headers, signal);
    if (!redirects.has(status)) return { status, body };
    if (location === undefined) throw new Error(`Get "${target.url}": ${status} response missing Location header`);
    const next = new URL(location, url);
    if (next.hostname !== target.url.hostname) return { status, body };
    if (follows + 1 >= maxRedirects) throw new Error(`Get "${next}": stopped after ${maxRedirects} redirects`);
    url = next;
  }
}

interface OneAnswer extends HttpAnswer {
  readonly location: string | undefined;
}

function getOnce(
  url: URL,
  headers: Readonly<Record<string, string | string[]>>,
  signal?: AbortSignal,
): Promise<OneAnswer> {
  const isSecure = url.protocol === 'https:';
  const { promise, resolve, reject } = Promise.withResolvers<OneAnswer>();
  const failed = (cause: NodeJS.ErrnoException) => {
    const { hostname, port } = url;
    const isLate = signal?.aborted && signal.reason.name === 'TimeoutError';
    const why = isLate
      ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
      : connectionError(cause, `${hostname}:${port || (isSecure ? 443 : 80)}`);
    reject(new Error(`Get "${url}": ${why}`, { cause }));
  };
  const answer = (response: IncomingMessage) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const done = () => {
      const body = Buffer.concat(chunks).subarray(0, maxBody).toString();
      resolve({ status: response.statusCode ?? 0, location: response.headers.location, body });
    };
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length < maxBody) return;
      // There may be no end to it.
      done();
      request.destroy();
    });
    response.on('error', failed);
    response.on('end', done);
  };
  const send = isSecure ? httpsRequest : http.request;
  const request = send(
    url,
    { headers, agent: false, ...(signal && { signal }), ...(isSecure && { rejectUnauthorized: false }) },
    answer,
  );
  request.on('error', failed);
  request.end();
  return promise;
}

/** What went wrong with a connection, in Go's words. */
export function connectionError(error: NodeJS.ErrnoException, where: string): string {
  const { code, message } = error;
  if (isPlainAnswer(error)) return 'http: server gave HTTP response to HTTPS client';
  return dialError(code, where) ?? (code === 'ECONNRESET' ? 'EOF' : message);
}
