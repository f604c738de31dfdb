// `"%s is %d".format([…])` (cel-go ext/formatting, of version 2 of the strings library).
import { table } from '../../apimachinery/table.ts';
import { fieldsOf } from '../compare.ts';
import { CelError } from '../errors.ts';
import { typeName } from '../overload.ts';
import {
  Duration,
  ListValue as List,
  type ListValue,
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

/** One `%…` of a format. */
export interface Clause {
  readonly verb: string;
  readonly precision: number;
}

/**
 * The format with `fill` in each clause's place, asked before the next clause is read. Throws CelError for clauses that there
 * are not, and where there are more of them than arguments.
 */
export function fillFormat(format: string, count: number, fill: (clause: Clause, index: number) => string): string {
  let made = '';
  let index = 0;
  let at = 0;
  while (at < format.length) {
    const percent = format.indexOf('%', at);
    if (percent < 0) break;
    made += format.slice(at, percent);
    at = percent + 1;
    if (format[at] === '%') {
      made += '%';
      at++;
      continue;
    }
    if (at >= format.length) throw new CelError('unexpected end of string');
    if (index >= count) throw new CelError(`index ${index} out of range`);
    const [written = '', digits] = /^\.(\d*)/.exec(format.slice(at)) ?? [];
    at += written.length;
    const verb = format[at++] ?? '';
    checkClause({ verb, digits });
    made += fill({ verb, precision: digits === undefined ? 6 : Number(digits) }, index++);
  }
  return made + format.slice(at);
}

function checkClause({ verb, digits }: { readonly verb: string; readonly digits: string | undefined }): void {
  const refuse = (why: string) => new CelError(`could not parse formatting clause: ${why}`);
  if (verb === '') throw refuse('error while parsing precision: could not find end of precision specifier');
  if (digits === '') {
    const why = 'error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax';
    throw refuse(`error while parsing precision: ${why}`);
  }
  if (!'sdfebxXo'.includes(verb)) throw refuse(`unrecognized formatting clause "${verb}"`);
}

/** What is left over of the arguments does not matter. */
export function formatString(format: string, { items }: ListValue): string {
  return fillFormat(format, items.length, (clause, i) => formatClause(clause, items[i]!));
}

function formatClause({ verb, precision }: Clause, value: Value): string {
  switch (verb) {
    case 's':
      return printValue(value);
    case 'f':
      return printFixed(value, precision);
    case 'e':
      return scientific(value, precision);
    case 'b':
      return typeof value === 'boolean' ? String(Number(value)) : printInteger(value, 2, verb);
    case 'o':
      return printInteger(value, 8, verb);
    case 'x':
      return printHex(value, verb);
    case 'X':
      return printHex(value, verb).toUpperCase();
    default:
      return printInteger(value, 10, verb);
  }
}

const wanted = table<string>({
  s: 'string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps',
  d: 'decimal clause can only be used on integers',
  f: 'fixed-point clause can only be used on doubles',
  e: 'scientific clause can only be used on doubles',
  b: 'only integers and bools can be formatted as binary',
  x: 'only integers, byte buffers, and strings can be formatted as hex',
  X: 'only integers, byte buffers, and strings can be formatted as hex',
  o: 'octal clause can only be used on integers',
});

/** That a clause is not for values of a type. */
export function clauseError(verb: string, given: string): string {
  return `error during formatting: ${wanted[verb]}, was given ${given}`;
}

function refuse(verb: string, value: Value): CelError {
  return new CelError(clauseError(verb, typeName(value)));
}

function printInteger(value: Value, base: number, verb: string): string {
  if (typeof value === 'bigint') return value.toString(base);
  if (value instanceof Uint) return value.value.toString(base);
  throw refuse(verb, value);
}

const special = new Set<Value>(['NaN', 'Infinity', '-Infinity']);

function numberOf(value: Value, verb: string): number {
  if (typeof value === 'number') return value;
  if (special.has(value)) return Number(value);
  throw refuse(verb, value);
}

function printSpecial(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '∞' : '-∞';
}

/** Thousands are set apart, as in American English. */
function printFixed(value: Value, precision: number): string {
  const number = numberOf(value, 'f');
  if (!Number.isFinite(number)) return printSpecial(number);
  const [whole = '', fraction] = number.toFixed(Math.min(precision, 100)).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

function scientific(value: Value, precision: number): string {
  const number = numberOf(value, 'e');
  if (!Number.isFinite(number)) return printSpecial(number);
  const [mantissa = '', exponent = ''] = number.toExponential(Math.min(precision, 100)).split('e');
  const digits = Math.abs(Number(exponent)).toString().padStart(2, '0');
  const raised = [...digits].map((digit) => superscripts[Number(digit)]).join('');
  return `${mantissa}×10${exponent.startsWith('-') ? '⁻' : ''}${raised}`;
}

function printHex(value: Value, verb: string): string {
  if (typeof value === 'string') return Buffer.from(value).toString('hex');
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return printInteger(value, 16, verb);
}

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** What %s makes of a value. */
function printValue(value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return printDouble(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (value instanceof Timestamp) return printTimestamp(value);
  if (value instanceof Duration) return printDuration(value);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof List) return `[${value.items.map(printWithin).join(', ')}]`;
  if (value instanceof MapValue || value instanceof ObjectValue) {
    const entries = [...fieldsOf(value)].map(([key, item]) => `${printWithin(key)}:${printWithin(item)}`);
    return `{${entries.sort().join(', ')}}`;
  }
  throw refuse('s', value);
}

/** Within lists and maps values stand as in a source. */
function printWithin(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value.toFixed(6) : JSON.stringify(printDouble(value));
  if (value instanceof Uint8Array) return `b${JSON.stringify(printValue(value))}`;
  if (value instanceof Timestamp) return `timestamp("${printValue(value)}")`;
  if (value instanceof Duration) return `duration("${printValue(value)}")`;
  const shown = value instanceof Object && 'typeName' in value;
  if (shown) throw new CelError(`error during formatting: no formatting function for ${typeName(value)}`);
  return printValue(value);
}
