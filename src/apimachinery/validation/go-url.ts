// URLs as Go's net/url (1.26) reads them, and what it says of those that are none: clients match on its words.
import { quoted } from '../json/go-text.ts';
import { addressError } from './address-errors.ts';

export interface GoUrl {
  /** In lower case; empty where there is none. */
  readonly scheme: string;
  /** As it was written; undefined: there is none. */
  readonly user: string | undefined;
  /** With its port; without escapes. */
  readonly host: string;
  /** As it was written; empty in a URL that is no hierarchy (`mailto:a@b`). */
  readonly path: string;
  /** As it was written, and so is the fragment. */
  readonly query: string;
  readonly fragment: string;
}

class UrlError extends Error {}

/** `isRequest`: url.ParseRequestURI, for which a URL is absolute and has no fragment. A text: why it is no URL. */
export function parseGoUrl(text: string, { isRequest = false }: { readonly isRequest?: boolean } = {}): GoUrl | string {
  const [before, fragment] = isRequest ? [text, ''] : cut(text, '#');
  let whole = before;
  try {
    const url = parse(before, isRequest);
    whole = text;
    checkEscapes(fragment);
    return { ...url, fragment };
  } catch (error) {
    if (error instanceof UrlError) return `parse ${quoted(whole)}: ${error.message}`;
    throw error;
  }
}

/** A text whose escapes {@link parseGoUrl} found well formed, without them. */
export function withoutEscapes(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = Buffer.from(text).toString('latin1');
  const plain = bytes.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(plain, 'latin1').toString('utf8');
}

/** Whether each `%` begins an escape. */
export function hasGoodEscapes(text: string): boolean {
  return badEscape(text) === undefined;
}

function cut(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

function parse(text: string, isRequest: boolean): Omit<GoUrl, 'fragment'> {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) throw new UrlError('net/url: invalid control character in URL');
  if (text === '' && isRequest) throw new UrlError('empty url');
  const none = { scheme: '', user: undefined, host: '', path: '', query: '' };
  if (text === '*') return { ...none, path: text };
  if (text.startsWith(':')) throw new UrlError('missing protocol scheme');
  const [prefix = '', scheme = ''] = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text) ?? [];
  const [rest, query] = cut(text.slice(prefix.length), '?');
  const found = { ...none, scheme: scheme.toLowerCase(), query };
  if (!rest.startsWith('/')) {
    if (scheme !== '') return found;
    if (isRequest) throw new UrlError('invalid URI for request');
    if (cut(rest, '/')[0].includes(':')) throw new UrlError('first path segment in URL cannot contain colon');
  }
  const hasAuthority = rest.startsWith('//') && (scheme !== '' || (!isRequest && !rest.startsWith('///')));
  const [, authority = '', path = ''] = hasAuthority ? (/^\/\/([^/]*)(.*)$/su.exec(rest) ?? []) : ['', '', rest];
  const place = hasAuthority ? parseAuthority(authority, found.scheme) : {};
  checkEscapes(path);
  return { ...found, ...place, path };
}

function parseAuthority(authority: string, scheme: string): Pick<GoUrl, 'user' | 'host'> {
  const at = authority.lastIndexOf('@');
  const host = parseHost(authority.slice(at + 1), scheme);
  if (at < 0) return { user: undefined, host };
  const user = authority.slice(0, at);
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) throw new UrlError('net/url: invalid userinfo');
  checkEscapes(user);
  return { user, host };
}

function parseHost(host: string, scheme: string): string {
  const open = host.lastIndexOf('[');
  if (open > 0) throw new UrlError('invalid IP-literal');
  if (open === 0) return parseLiteral(host);
  // Databases list several hosts, each with its port; the web does not.
  const isStrict = scheme === 'http' || scheme === 'https';
  const colon = isStrict ? host.indexOf(':') : host.lastIndexOf(':');
  if (colon >= 0) checkPort(host.slice(colon));
  checkHostText(host);
  return withoutEscapes(host);
}

/** `[fe80::1]:80`, `[fe80::1%25eth0]`: an address of IPv6, with its zone (RFC 6874). */
function parseLiteral(host: string): string {
  const close = host.lastIndexOf(']');
  if (close < 0) throw new UrlError("missing ']' in host");
  const port = host.slice(close + 1);
  checkPort(port);
  const literal = host.slice(1, close);
  const zoneAt = literal.indexOf('%25');
  checkHostText(zoneAt < 0 ? literal : literal.slice(0, zoneAt));
  if (zoneAt >= 0) checkZone(literal.slice(zoneAt));
  const address = withoutEscapes(literal);
  const wrong = addressError(address);
  if (wrong !== undefined) throw new UrlError(`invalid host: ${wrong}`);
  if (!address.includes(':')) throw new UrlError('invalid IP-literal');
  return `[${address}]${port}`;
}

function checkPort(port: string): void {
  if (!/^(:\d*)?$/.test(port)) throw new UrlError(`invalid port ${quoted(port)} after host`);
}

const hostCharacter = /[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"]/;

/** In a host only what is not ASCII is escaped, and a percent sign. */
function checkHostText(text: string): void {
  for (const [part] of text.matchAll(/%.{0,2}|[^%]/gsu)) {
    if (part.startsWith('%')) {
      if (badEscape(part) !== undefined || (/^%[0-7]/.test(part) && part !== '%25')) throw new EscapeError(part);
    } else checkHostCharacter(part);
  }
}

/** In a zone what a host may have need not be escaped, but may be; and so may a space. */
function checkZone(text: string): void {
  for (const [part] of text.matchAll(/%.{0,2}|[^%]/gsu)) {
    if (part.startsWith('%')) {
      const plain = String.fromCharCode(Number.parseInt(part.slice(1), 16));
      const isAllowed = part === '%25' || plain === ' ' || hostCharacter.test(plain);
      if (badEscape(part) !== undefined || !isAllowed) throw new EscapeError(part);
    } else checkHostCharacter(part);
  }
}

function checkHostCharacter(char: string): void {
  if (char < '\u0080' && !hostCharacter.test(char)) {
    throw new UrlError(`invalid character ${quoted(char)} in host name`);
  }
}

function checkEscapes(text: string): void {
  const bad = badEscape(text);
  if (bad !== undefined) throw new EscapeError(bad);
}

function badEscape(text: string): string | undefined {
  return /%(?![0-9a-fA-F]{2}).{0,2}/su.exec(text)?.[0];
}

class EscapeError extends UrlError {
  constructor(written: string) {
    super(`invalid URL escape ${quoted(written)}`);
  }
}
