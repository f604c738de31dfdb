// URLs: absolute, or a path (k8s.io/apiserver/pkg/cel/library/urls.go). Messages are Go's.
import { type GoUrl, hasGoodEscapes, parseGoUrl, withoutEscapes } from '../../apimachinery/validation/go-url.ts';
import { CelError } from '../errors.ts';
import { global, member, type Overload } from '../overload.ts';
import { ListValue, MapValue, Opaque, type Value } from '../values.ts';

interface Url extends GoUrl {
  readonly text: string;
}

/** The path as written where that is well escaped, else escaped. */
function escapedPath({ path }: GoUrl): string {
  if (/^[A-Za-z0-9\-._~!$&'()*+,;=:@[\]%/]*$/.test(path)) return path;
  return encodeURI(withoutEscapes(path)).replace(/[!'()*[\]?#]/g, escaped);
}

function escaped(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
}

function hostname({ host }: GoUrl): string {
  if (host.startsWith('[')) return host.slice(1, host.lastIndexOf(']'));
  const colon = host.lastIndexOf(':');
  return colon < 0 ? host : host.slice(0, colon);
}

function queryOf({ query }: GoUrl): MapValue {
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
  return hasGoodEscapes(text) ? withoutEscapes(text.replaceAll('+', ' ')) : undefined;
}

/** What can be asked for is read once more, now with a fragment, as upstream does. */
function toUrl(text: string): Opaque<Url> {
  const asked = parseGoUrl(text, { isRequest: true });
  const url = typeof asked === 'string' ? asked : parseGoUrl(text);
  if (typeof url === 'string') throw new CelError(`URL parse error during conversion from string: ${url}`);
  return new Opaque('kubernetes.URL', { ...url, text }, (a, b) => a.text === b.text);
}

function isUrl(text: string): boolean {
  return typeof parseGoUrl(text, { isRequest: true }) !== 'string';
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
