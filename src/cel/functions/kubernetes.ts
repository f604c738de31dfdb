// Values that Kubernetes adds: quantities and named formats.

import {
  addQuantities,
  compareQuantities,
  parseQuantity,
  type Quantity,
  QuantityError,
  subtractQuantities,
} from '../../apimachinery/quantity.ts';
import { table } from '../../apimachinery/table.ts';
import { parseGoUrl } from '../../apimachinery/validation/go-url.ts';
import {
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  labelValueRule,
  qualifiedName,
} from '../../apimachinery/validation/names.ts';
import { CelError } from '../errors.ts';
import { global, member, type Overload } from '../overload.ts';
import { ListValue, none, Opaque, Optional } from '../values.ts';
import { urlFunctions } from './urls.ts';

const giga = 1_000_000_000n;

/** A quantity, and whether Go's keeps it as a decimal number: such a one is no integer, whatever it says. */
interface Amount {
  readonly quantity: Quantity;
  readonly isDecimal: boolean;
}

function amount(quantity: Quantity, isDecimal = false): Opaque<Amount> {
  return new Opaque('kubernetes.Quantity', { quantity, isDecimal }, (a, b) => a.quantity.nano === b.quantity.nano);
}

function toQuantity(text: string): Opaque<Amount> {
  try {
    return amount(parseQuantity(text), isDecimal(text));
  } catch (error) {
    if (error instanceof QuantityError) throw new CelError(error.message);
    throw error;
  }
}

const binaryExponents = table<number>({ Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 });
const decimalExponents = table<number>({ n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 });

/** Numbers of few digits are kept as 64 bits and a power of ten (apimachinery's ParseQuantity). */
function isDecimal(text: string): boolean {
  const [, whole = '', fraction = '', suffix = ''] = /^[+-]?0*(\d*)\.?(\d*)(.*)$/.exec(text) ?? [];
  const binary = binaryExponents[suffix];
  if (binary !== undefined) return fraction !== '' || 14 - whole.length - Math.trunc(binary * 0.3) < 0;
  const exponent = decimalExponents[suffix] ?? Number(/^[eE](.*)$/.exec(suffix)?.[1] ?? 0);
  return 18 - whole.length - fraction.length < 0 || exponent - fraction.length < -9;
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

function wholeAmount(value: bigint): Opaque<Amount> {
  return amount({ nano: value * giga, format: 'DecimalExponent' });
}

function asInteger({ content: { quantity, isDecimal } }: Opaque<Amount>): bigint {
  const value = quantity.nano / giga;
  if (isDecimal || quantity.nano % giga !== 0n || BigInt.asIntN(64, value) !== value) {
    throw new CelError('cannot convert value to integer');
  }
  return value;
}

type Combine = (a: Quantity, b: Quantity) => Quantity;

function combined(combine: Combine): (a: Opaque<Amount>, b: Opaque<Amount>) => Opaque<Amount> {
  return ({ content: a }, { content: b }) => amount(combine(a.quantity, b.quantity), a.isDecimal || b.isDecimal);
}

function quantities(): Overload[] {
  type Q = Opaque<Amount>;
  const order = ({ content: a }: Q, { content: b }: Q) => compareQuantities(a.quantity, b.quantity);
  const add = combined(addQuantities);
  const subtract = combined(subtractQuantities);
  const sign = ({ content: { quantity } }: Q) => (quantity.nano > 0n ? 1n : quantity.nano < 0n ? -1n : 0n);
  return [
    global('quantity(string): Quantity', toQuantity),
    global('isQuantity(string): bool', (a: string) => succeeds(() => toQuantity(a))),
    // A function, where all others are methods.
    global('sign(Quantity): int', sign),
    member('Quantity.isInteger(): bool', (a: Q) => succeeds(() => asInteger(a))),
    member('Quantity.asInteger(): int', asInteger),
    member('Quantity.asApproximateFloat(): double', ({ content }: Q) => Number(content.quantity.nano) / 1e9),
    member('Quantity.isGreaterThan(Quantity): bool', (a: Q, b: Q) => order(a, b) > 0),
    member('Quantity.isLessThan(Quantity): bool', (a: Q, b: Q) => order(a, b) < 0),
    member('Quantity.compareTo(Quantity): int', (a: Q, b: Q) => BigInt(order(a, b))),
    member('Quantity.add(Quantity): Quantity', add),
    member('Quantity.add(int): Quantity', (a: Q, b: bigint) => add(a, wholeAmount(b))),
    member('Quantity.sub(Quantity): Quantity', subtract),
    member('Quantity.sub(int): Quantity', (a: Q, b: bigint) => subtract(a, wholeAmount(b))),
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
  uri: (text) => {
    const url = parseGoUrl(text, { isRequest: true });
    return typeof url === 'string' ? [url] : [];
  },
  uuid: (text) =>
    /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text)
      ? []
      : ['does not match the UUID format'],
  byte: (text) =>
    /^(?=.)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text) ? [] : ['invalid base64'],
  date: (text) => (/^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) ? [] : ['invalid date']),
  datetime: (text) =>
    /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text) ? [] : ['invalid datetime'],
});

/** Prefixes may end in a dash: a name is made of them by adding characters. Upstream takes the one before it away, too. */
function prefixRule(rule: Rule): Rule {
  return (text) => rule(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text);
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
  return [...quantities(), ...urlFunctions(), ...namedFormats()];
}
