// Values that Kubernetes adds: quantities, addresses, URLs, named formats, semantic versions.

import {
  addQuantities,
  compareQuantities,
  parseQuantity,
  type Quantity,
  QuantityError,
  subtractQuantities,
} from '../../apimachinery/quantity.ts';
import { table } from '../../apimachinery/table.ts';
import {
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  labelValueRule,
  qualifiedName,
} from '../../apimachinery/validation/names.ts';
import { CelError } from '../errors.ts';
import { global, member, type Overload } from '../overload.ts';
import { ListValue, MapValue, none, Opaque, Optional, type Value } from '../values.ts';

const giga = 1_000_000_000n;

function quantityValue(quantity: Quantity): Opaque<Quantity> {
  return new Opaque('kubernetes.Quantity', quantity, (a, b) => a.nano === b.nano);
}

function toQuantity(text: string): Opaque<Quantity> {
  try {
    return quantityValue(parseQuantity(text));
  } catch (error) {
    if (error instanceof QuantityError) throw new CelError(error.message);
    throw error;
  }
}

/** Whether a conversion succeeds. */
function succeeds(convert: () => unknown): boolean {
  try {
    convert();
    return true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}

function wholeQuantity(value: bigint): Quantity {
  return { nano: value * giga, format: 'DecimalExponent' };
}

function asInteger({ content }: Opaque<Quantity>): bigint {
  const value = content.nano / giga;
  if (content.nano % giga !== 0n || BigInt.asIntN(64, value) !== value) {
    throw new CelError('cannot convert value to integer');
  }
  return value;
}

function divided({ content }: Opaque<Quantity>, by: bigint, unit: bigint): Opaque<Quantity> {
  if (by === 0n) throw new CelError('division by zero error');
  return quantityValue({ ...content, nano: (content.nano / by / unit) * unit });
}

function quantities(): Overload[] {
  type Q = Opaque<Quantity>;
  const order = (a: Q, b: Q) => compareQuantities(a.content, b.content);
  return [
    global('quantity(string): Quantity', toQuantity),
    global('isQuantity(string): bool', (a: string) => succeeds(() => toQuantity(a))),
    member('Quantity.sign(): int', ({ content }: Q) => (content.nano > 0n ? 1n : content.nano < 0n ? -1n : 0n)),
    member('Quantity.isInteger(): bool', (a: Q) => succeeds(() => asInteger(a))),
    member('Quantity.asInteger(): int', asInteger),
    member('Quantity.asApproximateFloat(): double', ({ content }: Q) => Number(content.nano) / 1e9),
    member('Quantity.isGreaterThan(Quantity): bool', (a: Q, b: Q) => order(a, b) > 0),
    member('Quantity.isLessThan(Quantity): bool', (a: Q, b: Q) => order(a, b) < 0),
    member('Quantity.compareTo(Quantity): int', (a: Q, b: Q) => BigInt(order(a, b))),
    member('Quantity.add(Quantity): Quantity', (a: Q, b: Q) => quantityValue(addQuantities(a.content, b.content))),
    member('Quantity.add(int): Quantity', (a: Q, b: bigint) =>
      quantityValue(addQuantities(a.content, wholeQuantity(b))),
    ),
    member('Quantity.sub(Quantity): Quantity', (a: Q, b: Q) => quantityValue(subtractQuantities(a.content, b.content))),
    member('Quantity.sub(int): Quantity', (a: Q, b: bigint) =>
      quantityValue(subtractQuantities(a.content, wholeQuantity(b))),
    ),
    member('Quantity.mul(int): Quantity', (a: Q, b: bigint) =>
      quantityValue({ ...a.content, nano: a.content.nano * b }),
    ),
    member('Quantity.div(int): Quantity', (a: Q, b: bigint) => divided(a, b, 100_000n)),
    member('Quantity.divInt(int): Quantity', (a: Q, b: bigint) => divided(a, b, giga)),
  ];
}

/** Go's url.ParseRequestURI, as far as Kubernetes' isURL needs it: absolute URIs and absolute paths. */
function toUrl(text: string): Opaque<URL> {
  const refuse = (why: string) =>
    new CelError(`URL parse error during conversion from string: parse ${JSON.stringify(text)}: ${why}`);
  if (text === '') throw refuse('empty url');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) throw refuse('net/url: invalid control character in URL');
  const isPath = text.startsWith('/');
  if (!isPath && !/^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text)) throw refuse('invalid URI for request');
  if (!isPath && !/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\//.test(text)) throw refuse('invalid URI for request');
  try {
    const url = new URL(isPath ? `path://${text}` : text.replace(/^https?:/i, (scheme) => `x${scheme}`));
    return new Opaque('kubernetes.URL', url, (a, b) => a.href === b.href);
  } catch {
    throw refuse('invalid URI for request');
  }
}

function schemeOf({ content }: Opaque<URL>): string {
  if (content.protocol === 'path:') return '';
  // Known schemes were prefixed, so that the default port stays as it was written.
  return content.protocol.slice(0, -1).replace(/^x(https?)$/, '$1');
}

function queryOf({ content }: Opaque<URL>): MapValue {
  const found = new Map<string, Value[]>();
  for (const [key, value] of content.searchParams) found.set(key, [...(found.get(key) ?? []), value]);
  return new MapValue(new Map([...found].map(([key, values]) => [key, new ListValue(values)])));
}

function urls(): Overload[] {
  type U = Opaque<URL>;
  return [
    global('url(string): URL', toUrl),
    global('isURL(string): bool', (a: string) => succeeds(() => toUrl(a))),
    member('URL.getScheme(): string', schemeOf),
    member('URL.getHost(): string', ({ content }: U) => content.host),
    member('URL.getHostname(): string', ({ content }: U) => content.hostname.replace(/^\[(.*)\]$/, '$1')),
    member('URL.getPort(): string', ({ content }: U) => content.port),
    member('URL.getEscapedPath(): string', ({ content }: U) => content.pathname),
    member('URL.getQuery(): map<string, list<string>>', queryOf),
  ];
}

type Rule = (text: string) => readonly string[];

const formats = table<Rule>({
  dns1123Label,
  dns1123Subdomain,
  dns1035Label,
  qualifiedName,
  labelValue: labelValueRule,
  dns1123LabelPrefix: prefixRule(dns1123Label),
  dns1123SubdomainPrefix: prefixRule(dns1123Subdomain),
  dns1035LabelPrefix: prefixRule(dns1035Label),
  uri: (text) => (succeeds(() => toUrl(text)) ? [] : [`parse ${JSON.stringify(text)}: invalid URI for request`]),
  uuid: (text) =>
    /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text)
      ? []
      : ['does not match the UUID format'],
  byte: (text) =>
    /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text) ? [] : ['invalid base64'],
  date: (text) => (/^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) ? [] : ['invalid date']),
  datetime: (text) =>
    /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text) ? [] : ['invalid datetime'],
});

/** Prefixes may end in a dash: a name is made of them by adding characters. */
function prefixRule(rule: Rule): Rule {
  return (text) => rule(text.endsWith('-') ? `${text.slice(0, -1)}a` : text);
}

function namedFormats(): Overload[] {
  const formatOf = (name: string) => new Opaque('kubernetes.NamedFormat', name);
  const validate = ({ content }: Opaque<string>, text: string) => {
    const errors = formats[content]?.(text) ?? [];
    return errors.length === 0 ? none : new Optional(new ListValue(errors));
  };
  return [
    ...Object.keys(formats).map((name) => global(`format.${name}(): Format`, () => formatOf(name))),
    global('format.named(string): optional<Format>', (name: string) =>
      formats[name] ? new Optional(formatOf(name)) : none,
    ),
    member('Format.validate(string): optional<list<string>>', validate),
  ];
}

export function kubernetesFunctions(): Overload[] {
  return [...quantities(), ...urls(), ...namedFormats()];
}
