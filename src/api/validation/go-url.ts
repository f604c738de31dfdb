// URLs as Go reads them (net/url), and what it says of those that are none.

export interface GoUrl {
  readonly scheme: string;
  /** As it was written; undefined: there is none. */
  readonly user: string | undefined;
  readonly host: string;
  readonly query: string;
  readonly fragment: string;
}

class UrlError extends Error {}

/** `isRequest`: url.ParseRequestURI, for which a URL is absolute and has no fragment. A text: why it is no URL. */
export function parseGoUrl(text: string, { isRequest = false }: { readonly isRequest?: boolean } = {}): GoUrl | string {
  const [before, fragment] = isRequest ? [text, ''] : cut(text, '#');
  try {
    const url = parse(before, isRequest);
    checkEscapes(fragment, 'path');
    return { ...url, fragment };
  } catch (error) {
    if (error instanceof UrlError)
      return `parse ${JSON.stringify(error.message.startsWith('invalid URL escape') ? text : before)}: ${error.message}`;
    throw error;
  }
}

function cut(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

function parse(text: string, isRequest: boolean): Omit<GoUrl, 'fragment'> {
  if ([...text].some((char) => char < ' ' || char === '\u007f')) {
    throw new UrlError('net/url: invalid control character in URL');
  }
  if (text === '' && isRequest) throw new UrlError('empty url');
  if (text.startsWith(':')) throw new UrlError('missing protocol scheme');
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text)?.[1] ?? '';
  const [rest, query] = cut(scheme === '' ? text : text.slice(scheme.length + 1), '?');
  const plain = { scheme: scheme.toLowerCase(), user: undefined, host: '', query };
  if (!rest.startsWith('/')) {
    if (scheme !== '') return plain;
    if (isRequest) throw new UrlError('invalid URI for request');
    if (cut(rest, '/')[0].includes(':')) throw new UrlError('first path segment in URL cannot contain colon');
  }
  const hasAuthority = rest.startsWith('//') && (scheme !== '' || (!isRequest && !rest.startsWith('///')));
  if (!hasAuthority) {
    checkEscapes(rest, 'path');
    return plain;
  }
  const authority = cut(rest.slice(2), '/')[0];
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  checkHost(host);
  const user = at < 0 ? undefined : authority.slice(0, at);
  if (user !== undefined) {
    if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) throw new UrlError('net/url: invalid userinfo');
    checkEscapes(user, 'path');
  }
  checkEscapes(rest.slice(2 + authority.length), 'path');
  return { ...plain, user, host };
}

function checkHost(host: string): void {
  const close = host.lastIndexOf(']');
  if (host.startsWith('[') && close < 0) throw new UrlError("missing ']' in host");
  const colon = host.startsWith('[') ? close + 1 : host.lastIndexOf(':');
  const port = colon < 0 ? '' : host.slice(colon);
  if (port !== '' && !/^:\d*$/.test(port)) throw new UrlError(`invalid port ${JSON.stringify(port)} after host`);
  checkEscapes(host, 'host');
}

function checkEscapes(text: string, mode: 'path' | 'host'): void {
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === '%') {
      const written = text.slice(i, i + 3);
      if (!/^%[0-9a-fA-F]{2}$/.test(written)) throw new UrlError(`invalid URL escape ${JSON.stringify(written)}`);
      // Of ASCII, only a zone's percent sign is escaped in hosts.
      if (mode === 'host' && /^%[0-7]/.test(written) && written !== '%25') {
        throw new UrlError(`invalid URL escape ${JSON.stringify(written)}`);
      }
      i += 2;
    } else if (mode === 'host' && char < '\u0080' && !/[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"]/.test(char)) {
      throw new UrlError(`invalid character ${JSON.stringify(char)} in host name`);
    }
  }
}
