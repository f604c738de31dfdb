// int(), string(), timestamp() and the like, size(), and the parts of times.
import { quoted } from '../../apimachinery/json/go-text.ts';
import { table } from '../../apimachinery/table.ts';
import { CelError } from '../errors.ts';
import { global, member, type Overload, typeName } from '../overload.ts';
import {
  type Duration,
  ListValue,
  MapValue,
  ObjectValue,
  parseDuration,
  parseTimestamp,
  printDuration,
  printTimestamp,
  type Timestamp,
  TypeValue,
  timestampOfSeconds,
  Uint,
  type Value,
} from '../values.ts';

const maxInt = 2n ** 63n;

function intOf(value: number): bigint {
  if (Number.isNaN(value) || value >= 2 ** 63 || value <= -(2 ** 63)) {
    throw new CelError('integer overflow');
  }
  return BigInt(Math.trunc(value));
}

function intOfText(text: string): bigint {
  const value = /^[+-]?\d+$/.test(text) ? BigInt(text) : maxInt;
  if (value >= maxInt || value < -maxInt) throw notConvertible('int');
  return value;
}

function notConvertible(to: string): CelError {
  return new CelError(`type conversion error from 'string' to '${to}'`);
}

function uintOf(value: bigint): Uint {
  if (BigInt.asUintN(64, value) !== value) throw new CelError('unsigned integer overflow');
  return new Uint(value);
}

function doubleOfText(text: string): number {
  const isNumber = /^[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf(inity)?|nan)$/i.test(text);
  if (!isNumber) throw notConvertible('double');
  const special = /inf|nan/i.exec(text);
  if (!special) return Number(text);
  if (/nan/i.test(text)) return Number.NaN;
  return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

function boolOfText(text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  throw notConvertible('bool');
}

/** As Go prints floats in the shortest form: with an exponent of two digits from `largest` on. */
export function printDouble(value: number, largest = 6): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  // JavaScript writes these without an exponent, too.
  if (Number(exponent) >= -4 && Number(exponent) < largest) return String(value);
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new CelError('invalid UTF-8 in bytes, cannot convert to string');
  }
}

function conversions(): Overload[] {
  const second = 1_000_000_000n;
  return [
    global('int(int): int', (a) => a),
    global('int(uint): int', ({ value }: Uint) => {
      if (value >= maxInt) throw new CelError('integer overflow');
      return value;
    }),
    global('int(double): int', intOf),
    global('int(string): int', intOfText),
    global('int(timestamp): int', (a: Timestamp) => a.nanos / second),
    global('int(duration): int', (a: Duration) => a.nanos),
    global('uint(uint): uint', (a) => a),
    global('uint(int): uint', uintOf),
    global('uint(double): uint', (a: number) => uintOf(BigInt(Math.trunc(Number.isFinite(a) && a >= 0 ? a : -1)))),
    global('uint(string): uint', (a: string) => {
      if (!/^\d+$/.test(a) || BigInt(a) >= 1n << 64n) throw notConvertible('uint');
      return new Uint(BigInt(a));
    }),
    global('double(double): double', (a) => a),
    global('double(int): double', (a: bigint) => Number(a)),
    global('double(uint): double', (a: Uint) => Number(a.value)),
    global('double(string): double', doubleOfText),
    global('bool(bool): bool', (a) => a),
    global('bool(string): bool', boolOfText),
    global('string(string): string', (a) => a),
    global('string(bool): string', String),
    global('string(int): string', String),
    global('string(uint): string', (a: Uint) => String(a.value)),
    global('string(double): string', printDouble),
    global('string(bytes): string', decodeText),
    global('string(timestamp): string', printTimestamp),
    global('string(duration): string', printDuration),
    global('bytes(bytes): bytes', (a) => a),
    global('bytes(string): bytes', (a: string) => new Uint8Array(Buffer.from(a))),
    global('timestamp(timestamp): timestamp', (a) => a),
    global('timestamp(string): timestamp', parseTimestamp),
    global('timestamp(int): timestamp', timestampOfSeconds),
    global('duration(duration): duration', (a) => a),
    global('duration(string): duration', parseDuration),
    global('dyn(A): dyn', (a) => a),
    global('type(A): type<A>', (a: Value) => new TypeValue(typeName(a))),
  ];
}

/** CEL's `size`: characters, bytes, elements, fields. Throws CelError for what has none. */
function sizeOf(value: Value): number {
  if (typeof value === 'string') return [...value].length;
  if (value instanceof Uint8Array) return value.length;
  if (value instanceof ListValue) return value.items.length;
  if (value instanceof MapValue) return value.entries.size;
  if (value instanceof ObjectValue) return value.names().length;
  throw new CelError('no such overload');
}

function sizes(): Overload[] {
  const size = (value: Value) => BigInt(sizeOf(value));
  return ['string', 'bytes', 'list<A>', 'map<A, B>'].flatMap((type) => [
    global(`size(${type}): int`, size),
    member(`${type}.size(): int`, size),
  ]);
}

type TimePart = (date: Date) => number;

function dayOfYear(date: Date): number {
  // Date.UTC takes the years 0 to 99 for those of the twentieth century.
  const newYear = new Date(date).setUTCMonth(0, 1);
  return Math.floor((date.getTime() - newYear) / 86_400_000);
}

const timeParts = table<TimePart>({
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: dayOfYear,
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
});

/** Making one takes several times as long as using it. Expressions name their zones, so that there are few, or many for once. */
const clocks = new Map<string, Intl.DateTimeFormat>();
const mostClocks = 100;

/** Throws a CelError where there is no such zone. */
function clockOf(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone);
  if (known) return known;
  if (clocks.size >= mostClocks) clocks.clear();
  const numeric = 'numeric';
  try {
    const clock = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      ...{ year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric },
    });
    clocks.set(zone, clock);
    return clock;
  } catch {
    // Go looks for a file of that name.
    const isName = !zone.includes('..') && !/^[/\\]|\\/.test(zone);
    throw new CelError(isName ? `unknown time zone ${zone}` : 'time: invalid location name');
  }
}

/** Minutes east of UTC of `-2:30`, in as many digits as one likes. Throws a CelError in Go's words. */
function offsetOf(zone: string): number {
  const colon = zone.indexOf(':');
  const [hours, minutes] = [zone.slice(0, colon), zone.slice(colon + 1)].map(wholeNumber) as [number, number];
  return hours * 60 + (zone.startsWith('-') ? -minutes : minutes);
}

function wholeNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new CelError(`strconv.Atoi: parsing ${quoted(text)}: invalid syntax`);
  return Number(text);
}

/** The moment as if its clock in the zone were in UTC. */
function inZone({ nanos }: Timestamp, zone = 'UTC'): Date {
  // Rounded down, also before 1970.
  const ms = Number(nanos / 1_000_000n) - (nanos % 1_000_000n < 0n ? 1 : 0);
  if (zone.includes(':')) return new Date(ms + offsetOf(zone) * 60_000);
  if (zone === 'UTC' || zone === '') return new Date(ms);
  const parts = clockOf(zone).formatToParts(ms);
  const part = (type: string) => Number(parts.find((one) => one.type === type)?.value ?? 0);
  const date = new Date(0);
  date.setUTCFullYear(part('year'), part('month') - 1, part('day'));
  date.setUTCHours(part('hour'), part('minute'), part('second'), ((ms % 1000) + 1000) % 1000);
  return date;
}

function partsOfTimes(): Overload[] {
  const ofTimestamps = Object.entries(timeParts).flatMap(([name, part]) => [
    member(`timestamp.${name}(): int`, (a: Timestamp) => BigInt(part(inZone(a)))),
    member(`timestamp.${name}(string): int`, (a: Timestamp, zone: string) => BigInt(part(inZone(a, zone)))),
  ]);
  const units = {
    getHours: 3600n * 10n ** 9n,
    getMinutes: 60n * 10n ** 9n,
    getSeconds: 10n ** 9n,
    getMilliseconds: 10n ** 6n,
  };
  const ofDurations = Object.entries(units).map(([name, unit]) =>
    member(`duration.${name}(): int`, ({ nanos }: Duration) => nanos / unit),
  );
  return [...ofTimestamps, ...ofDurations];
}

export function standardFunctions(): Overload[] {
  return [...conversions(), ...sizes(), ...partsOfTimes()];
}
