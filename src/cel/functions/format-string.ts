// `"%s is %d".format([…])` (cel-go ext/formatting).
import { fieldsOf } from '../compare.ts';
import { CelError } from '../errors.ts';
import { typeName } from '../overload.ts';
import {
  Duration,
  ListValue,
  MapValue,
  ObjectValue,
  printDuration,
  printTimestamp,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from '../values.ts';
import { printDouble } from './conversions.ts';

export function formatString(format: string, { items }: ListValue): string {
  let next = 0;
  const text = format.replace(/%(?:%|(?:\.(\d+))?([a-zA-Z])?)/g, (clause, precision?: string, verb?: string) => {
    if (clause === '%%') return '%';
    if (verb === undefined) throw new CelError('unexpected end of string');
    const value = items[next];
    if (value === undefined) throw new CelError(`index ${next} out of range`);
    next++;
    return formatClause(verb, value, precision === undefined ? 6 : Number(precision));
  });
  if (next < items.length)
    throw new CelError(`too many arguments supplied to string.format (expected ${next}, got ${items.length})`);
  return text;
}

function formatClause(verb: string, value: Value, precision: number): string {
  switch (verb) {
    case 's':
      return printValue(value);
    case 'd':
      return printInteger(value, 10, 'decimal');
    case 'f':
      return printFixed(value, precision);
    case 'e':
      return scientific(value, precision);
    case 'b':
      return typeof value === 'boolean' ? String(Number(value)) : printInteger(value, 2, 'binary');
    case 'o':
      return printInteger(value, 8, 'octal');
    case 'x':
    case 'X': {
      const text = printHex(value);
      return verb === 'X' ? text.toUpperCase() : text;
    }
    default:
      throw new CelError(`could not parse formatting clause: unrecognized formatting clause "${verb}"`);
  }
}

function refuse(clause: string, allowed: string, value: Value): CelError {
  return new CelError(
    `error during formatting: ${clause} clause can only be used on ${allowed}, was given ${typeName(value)}`,
  );
}

function printInteger(value: Value, base: number, clause: string): string {
  if (typeof value === 'bigint') return value.toString(base);
  if (value instanceof Uint) return value.value.toString(base);
  if (base === 10 && typeof value === 'number' && !Number.isFinite(value)) return printSpecial(value);
  throw refuse(clause, 'integers', value);
}

function printSpecial(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? 'Infinity' : '-Infinity';
}

function numberOf(value: Value, clause: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  throw refuse(clause, 'doubles', value);
}

function printFixed(value: Value, precision: number): string {
  const number = numberOf(value, 'fixed-point');
  return Number.isFinite(number) ? number.toFixed(Math.min(precision, 100)) : printSpecial(number);
}

function scientific(value: Value, precision: number): string {
  const number = numberOf(value, 'scientific');
  if (!Number.isFinite(number)) return printSpecial(number);
  const [mantissa = '', exponent = ''] = number.toExponential(Math.min(precision, 100)).split('e');
  const digits = Math.abs(Number(exponent)).toString().padStart(2, '0');
  const raised = [...digits].map((digit) => superscripts[Number(digit)]).join('');
  return `${mantissa} × 10${exponent.startsWith('-') ? '⁻' : ''}${raised}`;
}

function printHex(value: Value): string {
  if (typeof value === 'string') return Buffer.from(value).toString('hex');
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return printInteger(value, 16, 'hex');
}

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** What %s makes of a value. */
export function printValue(value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? printDouble(value) : printSpecial(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (value instanceof Timestamp) return printTimestamp(value);
  if (value instanceof Duration) return printDuration(value);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof ListValue) return `[${value.items.map(printValue).join(', ')}]`;
  if (value instanceof MapValue || value instanceof ObjectValue) {
    const entries = [...fieldsOf(value)].map(([key, item]) => `${key}: ${printValue(item)}`);
    return `{${entries.sort().join(', ')}}`;
  }
  throw refuse('string', 'strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps', value);
}
