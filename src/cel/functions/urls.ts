// URLs as Go's net/url reads them: absolute, or a path. Messages are Go's.
import { CelError } from '../errors.ts';
import { global, member, type Overload } from '../overload.ts';
import { ListValue, MapValue, Opaque, type Value } from '../values.ts';
import { addressError } from './address-errors.ts';

interface Url {
  readonly text: string;
  readonly scheme: string;
  /** With its port; without escapes. */
  readonly host: string;
  /** As written, without the fragment. */
  readonly path: string;
  readonly query: string;
}

class UrlError extends Error {}

/** Throws CelError. */
export function parseUrl(text: string): Url {
  try {
    const whole = split(text);
    // What is no path is read once more, now with a fragment.
    const hash = text.indexOf('#');
    return hash < 0 ? whole : split(text.slice(0, hash));
  } catch (error) {
    if (!(error instanceof UrlError)) throw error;
    throw new CelError(`parse ${JSON.stringify(text)}: ${error.message}`);
  }
}

function split(text: string): Url {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) throw new UrlError('net/url: invalid control character in URL');
  if (text === '') throw new UrlError('empty url');
  if (text.startsWith(':')) throw new UrlError('missing protocol scheme');
  const [prefix = '', scheme = ''] = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text) ?? [];
  const [rest = '', ...queries] = text.slice(prefix.length).split('?');
  const found = { text, scheme: scheme.toLowerCase(), query: queries.join('?') };
  if (!rest.startsWith('/') && text !== '*') {
    if (scheme === '') throw new UrlError('invalid URI for request');
    return { ...found, host: '', path: '' };
  }
  const [, authority, after] = (scheme !== '' && /^\/\/([^/]*)([\s\S]*)$/.exec(rest)) || [];
  const host = authority === undefined ? '' : hostOf(authority, found.scheme);
  const path = after ?? rest;
  unescaped(path);
  return { ...found, host, path };
}

function hostOf(authority: string, scheme: string): string {
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  const checked = checkHost(host, scheme);
  if (at >= 0 && !/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(authority.slice(0, at))) {
    throw new UrlError('net/url: invalid userinfo');
  }
  return checked;
}

function checkHost(host: string, scheme: string): string {
  const open = host.lastIndexOf('[');
  if (open > 0) throw new UrlError('invalid IP-literal');
  if (open === 0) {
    const close = host.lastIndexOf(']');
    if (close < 0) throw new UrlError("missing ']' in host");
    checkPort(host.slice(close + 1));
    const address = unescapeHost(host.slice(1, close));
    if (!address.includes(':')) throw new UrlError(`invalid host: ${addressError(address)}`);
    return `[${address}]${host.slice(close + 1)}`;
  }
  // Databases list several hosts, each with its port; the web does not.
  const isStrict = scheme === 'http' || scheme === 'https';
  const colon = isStrict ? host.indexOf(':') : host.lastIndexOf(':');
  if (colon >= 0) checkPort(host.slice(colon));
  return unescapeHost(host);
}

function checkPort(port: string): void {
  if (!/^(:\d*)?$/.test(port)) throw new UrlError(`invalid port ${JSON.stringify(port)} after host`);
}

function unescapeHost(host: string): string {
  const wrong = /[^A-Za-z0-9\-._~!$&'()*+,;=:[\]<>"%\u0080-\uffff]/.exec(host)?.[0];
  if (wrong !== undefined) throw new UrlError(`invalid character ${JSON.stringify(wrong)} in host name`);
  return unescaped(host);
}

function unescaped(text: string): string {
  const wrong = /%(?![0-9a-fA-F]{2})[\s\S]{0,2}/.exec(text)?.[0];
  if (wrong !== undefined) throw new UrlError(`invalid URL escape ${JSON.stringify(wrong)}`);
  const bytes = text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return text.includes('%') ? Buffer.from(bytes, 'latin1').toString('utf8') : text;
}

/** The path as written where that is well escaped, else escaped. */
function escapedPath({ path }: Url): string {
  if (/^[A-Za-z0-9\-._~!$&'()*+,;=:@[\]%/]*$/.test(path)) return path;
  return encodeURI(unescaped(path)).replace(/[[\]?#]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function hostname({ host }: Url): string {
  if (host.startsWith('[')) return host.slice(1, host.lastIndexOf(']'));
  const colon = host.lastIndexOf(':');
  return colon < 0 ? host : host.slice(0, colon);
}

function queryOf({ query }: Url): MapValue {
  const found = new Map<string, Value[]>();
  for (const part of query.split('&')) {
    if (part === '' || part.includes(';')) continue;
    const [key = '', ...values] = part.split('=');
    const [name, value] = [key, values.join('=')].map((one) => decode(one));
    if (name === undefined || value === undefined) continue;
    const same = found.get(name);
    if (same) same.push(value);
    else found.set(name, [value]);
  }
  return new MapValue(new Map([...found].map(([key, values]) => [key, new ListValue(values)])));
}

/** Undefined for what is badly escaped. */
function decode(text: string): string | undefined {
  try {
    return unescaped(text.replaceAll('+', ' '));
  } catch (error) {
    if (error instanceof UrlError) return undefined;
    throw error;
  }
}

function toUrl(text: string): Opaque<Url> {
  try {
    return new Opaque('kubernetes.URL', parseUrl(text), (a, b) => a.text === b.text);
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    throw new CelError(`URL parse error during conversion from string: ${error.message}`);
  }
}

function isUrl(text: string): boolean {
  try {
    parseUrl(text);
    return true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}

export function urlFunctions(): Overload[] {
  type U = Opaque<Url>;
  return [
    global('url(string): URL', toUrl),
    global('isURL(string): bool', isUrl),
    member('URL.getScheme(): string', ({ content }: U) => content.scheme),
    member('URL.getHost(): string', ({ content }: U) => content.host),
    member('URL.getHostname(): string', ({ content }: U) => hostname(content)),
    member('URL.getPort(): string', ({ content }: U) => /:(\d*)$/.exec(content.host)?.[1] ?? ''),
    member('URL.getEscapedPath(): string', ({ content }: U) => escapedPath(content)),
    member('URL.getQuery(): map<string, list<string>>', ({ content }: U) => queryOf(content)),
  ];
}
