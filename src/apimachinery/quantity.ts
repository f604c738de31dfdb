// Quantities (`500m`, `1Gi`, `1e3`): exact fixed-point numbers with a suffix, read, compared, added and printed as
// k8s.io/apimachinery/pkg/api/resource does.

import { table } from './table.ts';

/** How a quantity is printed: powers of 1024 (`Ki`), of 1000 (`k`) or an exponent (`e3`). */
export type QuantityFormat = 'BinarySI' | 'DecimalSI' | 'DecimalExponent';

export interface Quantity {
  /** The value in billionths, the finest that a quantity can say. */
  readonly nano: bigint;
  readonly format: QuantityFormat;
  /** As it was read, where upstream prints that again: `3.333`. */
  readonly written?: string;
}

/** Says why a text is no quantity, in upstream's words. */
export class QuantityError extends Error {}

const formatError = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
/**
 * Digits may be missing altogether: upstream takes `.`, `-` and `k` for zero. No two parts that follow each other take the same
 * characters, so that each text is read once: whoever may write objects chooses it.
 */
const shape = /^([+-]?)([0-9]*)(?:\.([0-9]*))?((?:(?:[eEinumkKMGTP]+[-+]?|[-+])[0-9]*)?)$/;

const milli = 1_000_000n;
const giga = 1_000_000_000n;
/** Larger binary values are cut to this one: 2^63 - 1. */
const largest = (2n ** 63n - 1n) * giga;
/** Significant digits of a decimal, and of a binary value before its suffix, that upstream reads without big numbers. */
const fewDecimalDigits = 18;
const fewBinaryDigits = 14;

const binaryPowers = table<bigint>({ Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n });
const decimalPowers = table<number>({
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
});
const decimalSuffixes = new Map(Object.entries(decimalPowers).map(([suffix, power]) => [power, suffix]));
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** Reads a quantity; finer than a billionth is rounded away from zero. Throws QuantityError. */
export function parseQuantity(text: string): Quantity {
  const parts = partsOf(text);
  const { sign, digits, power, bits } = parts;
  const isFewDigits = isReadFast(parts);
  if (!isFewDigits && parts.isEmpty) throw new QuantityError('unable to parse numeric part of quantity');
  // In billionths: nine powers of ten more.
  const exponent = power + 9;
  const scaled = BigInt(digits) << bits;
  let nano = exponent >= 0 ? scaled * 10n ** BigInt(exponent) : divideUp(scaled, 10n ** BigInt(-exponent));
  let { format } = parts;
  if (format === 'BinarySI') {
    if (nano > largest) nano = largest;
    if (nano > 0n && nano < giga) format = 'DecimalSI';
  }
  const value = { nano: sign === '-' ? -nano : nano, format };
  return isKept(parts) ? { ...value, written: text } : value;
}

/** The value is `digits` x 10^power x 2^bits. */
interface Parts {
  readonly sign: string;
  /** Whole and fraction together, at least one. */
  readonly digits: string;
  /** There were no digits at all. */
  readonly isEmpty: boolean;
  readonly fractionDigits: number;
  readonly power: number;
  readonly bits: bigint;
  readonly format: QuantityFormat;
}

function partsOf(text: string): Parts {
  const match = text === '' ? undefined : shape.exec(text);
  if (!match) throw new QuantityError(formatError);
  const [, sign = '', written = '', fraction = '', suffix = ''] = match;
  const whole = written.replace(/^0+/, '');
  const { power, bits, format } = suffixScale(suffix);
  return {
    sign,
    digits: (whole || '0') + fraction,
    isEmpty: !/[0-9]/.test(text.slice(0, text.length - suffix.length)),
    fractionDigits: fraction.length,
    power: power - fraction.length,
    bits,
    format,
  };
}

/** Whether upstream reads it into an integer, and so may remember how it was written. */
function isReadFast({ digits, fractionDigits, power, bits, format }: Parts): boolean {
  if (format !== 'BinarySI') return digits.length <= fewDecimalDigits && power >= -9;
  return fractionDigits === 0 && digits.length + Math.trunc(Number(bits) * 0.3) <= fewBinaryDigits;
}

/** Whether upstream answers the very text that it was given, since that looks canonical to it: `1.234`, `+5`, `1E3`. */
function isKept(parts: Parts): boolean {
  if (!isReadFast(parts)) return false;
  const { digits, power, format } = parts;
  if (format === 'BinarySI') return Number(digits) % 8 !== 0;
  return power % 3 === 0 && !digits.endsWith('000') && !digits.startsWith('0');
}

function suffixScale(suffix: string): { power: number; bits: bigint; format: QuantityFormat } {
  const bits = binaryPowers[suffix];
  if (bits !== undefined) return { power: 0, bits, format: 'BinarySI' };
  const power = decimalPowers[suffix];
  if (power !== undefined) return { power, bits: 0n, format: 'DecimalSI' };
  const exponent = /^[eE]([-+]?[0-9]+)$/.exec(suffix);
  const given = exponent ? BigInt(exponent[1]!.replace(/^\+/, '')) : undefined;
  if (given === undefined || BigInt.asIntN(64, given) !== given) {
    throw new QuantityError("unable to parse quantity's suffix");
  }
  // Upstream counts in 32 bits, and spends minutes on more than a few thousand digits; nothing here is that large.
  const wrapped = Number(BigInt.asIntN(32, given));
  return { power: Math.max(-500, Math.min(500, wrapped)), bits: 0n, format: 'DecimalExponent' };
}

function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}

/**
 * The canonical text: no fraction, the largest suffix that keeps it exact; or as it was written where upstream keeps that. As
 * upstream, whole multiples of 1000E have no suffix at all: there is none beyond `E`, and what is written is read again as another
 * quantity.
 */
export function printQuantity({ nano, format, written }: Quantity): string {
  if (written !== undefined) return written;
  if (nano === 0n) return '0';
  const kibi = 1024n * giga;
  if (format === 'BinarySI' && nano % giga === 0n && (nano >= kibi || nano <= -kibi)) {
    let value = nano / giga;
    let index = 0;
    while (value % 1024n === 0n && index < binarySuffixes.length - 1) {
      value /= 1024n;
      index++;
    }
    return `${value}${binarySuffixes[index]}`;
  }
  let value = nano;
  let power = -9;
  while (value % 1000n === 0n) {
    value /= 1000n;
    power += 3;
  }
  if (format === 'DecimalExponent') return power === 0 ? `${value}` : `${value}e${power}`;
  return `${value}${decimalSuffixes.get(power) ?? ''}`;
}

/** A quantity's text as the API answers it. Throws QuantityError. */
export function canonicalQuantity(text: string): string {
  // Most quantities are canonical already: small whole numbers with or without a suffix that cannot be divided out.
  if (/^[1-9][0-9]{0,2}[kMG]?$/.test(text)) return text;
  return printQuantity(parseQuantity(text));
}

/** A canonical quantity of a resource list, which says no more than thousandths: finer is rounded up (SetDefaults_ResourceList). */
export function canonicalResource(canonical: string): string {
  if (!/[.nueE]/.test(canonical)) return canonical;
  const { nano, format } = parseQuantity(canonical);
  return nano % milli === 0n ? canonical : printQuantity({ nano: roundUp(nano, milli) * milli, format });
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0;
}

/** The sum, in the format of `a` (that of `b` where `a` is zero, as upstream). */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano + b.nano, format: a.nano === 0n ? b.format : a.format };
}

export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return addQuantities(a, { ...b, nano: -b.nano });
}

/** The whole part, rounded up: bytes of memory, counts. */
export function quantityValue(quantity: Quantity): number {
  return Number(roundUp(quantity.nano, giga));
}

/** Thousandths, rounded up: CPU in milli-cores. */
export function quantityMilliValue(quantity: Quantity): number {
  return Number(roundUp(quantity.nano, milli));
}

/** Upstream rounds away from zero. */
function roundUp(value: bigint, unit: bigint): bigint {
  return value < 0n ? -divideUp(-value, unit) : divideUp(value, unit);
}

/** A quantity of so many whole units. */
export function quantityOf(value: number, format: QuantityFormat = 'DecimalSI'): Quantity {
  return { nano: BigInt(Math.ceil(value)) * giga, format };
}

/** A quantity of so many thousandths. */
export function milliQuantityOf(thousandths: number): Quantity {
  return { nano: BigInt(Math.ceil(thousandths)) * milli, format: 'DecimalSI' };
}
