// What expressions work on. Plain JavaScript values where there is one that says it all: null, boolean, string, bigint for
// int, number for double, Uint8Array for bytes; the classes below for the rest.
import { looseDuration } from '../apimachinery/duration.ts';
import { quoted } from '../apimachinery/json/go-text.ts';
import { ownValue, table } from '../apimachinery/table.ts';
import { CelError } from './errors.ts';
import type { CelType, ObjectType } from './types.ts';
import { dyn } from './types.ts';

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | Uint
  | ListValue
  | MapValue
  | ObjectValue
  | Timestamp
  | Duration
  | TypeValue
  | Optional
  | Opaque;

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

export class ListValue {
  readonly items: readonly Value[];
  /** Lists that come from JSON may be sets, or maps by the keys of their elements. */
  readonly listType: 'set' | 'map' | undefined;
  readonly mapKeys: readonly string[];

  constructor(items: readonly Value[], listType?: 'set' | 'map', mapKeys: readonly string[] = []) {
    this.items = items;
    this.listType = listType;
    this.mapKeys = mapKeys;
  }
}

export type MapKey = string | bigint | boolean;

export class MapValue {
  readonly entries: ReadonlyMap<MapKey, Value>;
  constructor(entries: ReadonlyMap<MapKey, Value>) {
    this.entries = entries;
  }
}

/** An object of known fields; those that come from JSON are converted when they are asked for. */
export class ObjectValue {
  readonly type: ObjectType;
  /** Of an object that an expression makes: what is wrong with the names of the types of those that it holds. */
  readonly misnamed: readonly string[];
  /** Of a JSONPatch that an expression makes: why its value is none of JSON. */
  readonly noJson: string | undefined;
  readonly #raw: Readonly<Record<string, unknown>>;
  readonly #made = new Map<string, Value>();

  constructor(
    type: ObjectType,
    raw: Readonly<Record<string, unknown>>,
    { misnamed = [], noJson }: { readonly misnamed?: readonly string[]; readonly noJson?: string | undefined } = {},
  ) {
    this.type = type;
    this.#raw = raw;
    this.misnamed = misnamed;
    this.noJson = noJson;
  }

  has(field: string): boolean {
    const known = this.type.fields.get(field);
    // null is as good as absent.
    return known !== undefined && (ownValue(this.#raw, known.jsonName) ?? undefined) !== undefined;
  }

  /** Undefined where the field is not set. Throws CelError for JSON that does not fit its type. */
  get(field: string): Value | undefined {
    const known = this.type.fields.get(field);
    if (!known) return undefined;
    const raw = ownValue(this.#raw, known.jsonName);
    if (raw === undefined || raw === null) return undefined;
    let value = this.#made.get(field);
    if (value === undefined) {
      value = fromJson(raw, known.type);
      this.#made.set(field, value);
    }
    return value;
  }

  /** The fields that are set. */
  names(): string[] {
    return [...this.type.fields.keys()].filter((field) => this.has(field));
  }

  get raw(): Readonly<Record<string, unknown>> {
    return this.#raw;
  }
}

export class Timestamp {
  /** Nanoseconds since the Unix epoch. */
  readonly nanos: bigint;
  /** Minutes east of UTC in which it was written: its texts and parts are in that, as with Go's times. */
  readonly offset: number;
  constructor(nanos: bigint, offset = 0) {
    this.nanos = nanos;
    this.offset = offset;
  }
}

export class Duration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export class Optional {
  /** Undefined: there is none. */
  readonly value: Value | undefined;
  constructor(value: Value | undefined) {
    this.value = value;
  }
}

export const none = new Optional(undefined);

/** A value that only its own functions look into: a quantity, an address, an authorizer's question. */
export class Opaque<T = unknown> {
  /** `kubernetes.Quantity`. */
  readonly typeName: string;
  readonly content: T;
  readonly #equals: (a: unknown, b: unknown) => boolean;

  constructor(typeName: string, content: T, equals: (a: T, b: T) => boolean = Object.is) {
    this.typeName = typeName;
    this.content = content;
    // Contents of one type name are of one type.
    this.#equals = equals as (a: unknown, b: unknown) => boolean;
  }

  equals(other: Opaque): boolean {
    return this.typeName === other.typeName && this.#equals(this.content, other.content);
  }
}

/** The value that JSON is under a type. Throws CelError where it does not fit. */
export function fromJson(raw: unknown, type: CelType = dyn): Value {
  if (raw === null || raw === undefined) return null;
  switch (type.kind) {
    case 'primitive':
      return scalarFromJson(raw, type.name);
    case 'list':
      if (!Array.isArray(raw)) throw misfit(raw, 'array');
      return new ListValue(
        raw.map((item) => fromJson(item, type.element)),
        type.listType,
        type.mapKeys,
      );
    case 'map':
      return mapFromJson(raw, type.value);
    case 'object':
      if (typeof raw !== 'object' || Array.isArray(raw)) throw misfit(raw, 'object');
      return new ObjectValue(type, raw as Readonly<Record<string, unknown>>);
    default:
      return fromUntyped(raw);
  }
}

function mapFromJson(raw: unknown, value: CelType): MapValue {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw misfit(raw, 'map');
  return new MapValue(new Map(Object.entries(raw).map(([key, item]) => [key, fromJson(item, value)])));
}

function misfit(raw: unknown, wanted: string): CelError {
  return new CelError(`invalid data, expected ${wanted} type to match the provided schema, got ${typeof raw}`);
}

function scalarFromJson(raw: unknown, name: string): Value {
  switch (name) {
    case 'int':
      if (typeof raw === 'bigint') return raw;
      if (typeof raw !== 'number' || !Number.isInteger(raw)) throw misfit(raw, 'int');
      return BigInt(raw);
    case 'double':
      if (typeof raw === 'bigint') return Number(raw);
      if (typeof raw !== 'number') throw misfit(raw, 'double');
      return raw;
    case 'bool':
      if (typeof raw !== 'boolean') throw misfit(raw, 'bool');
      return raw;
    case 'string':
      if (typeof raw !== 'string') throw misfit(raw, 'string');
      return raw;
    case 'bytes':
      if (typeof raw !== 'string') throw misfit(raw, 'string');
      return new Uint8Array(Buffer.from(raw, 'base64'));
    case 'timestamp':
      if (typeof raw !== 'string') throw misfit(raw, 'string');
      return timestampFromJson(raw);
    case 'duration':
      if (typeof raw !== 'string') throw misfit(raw, 'string');
      return durationFromJson(raw);
    default:
      return fromUntyped(raw);
  }
}

/** Texts of the formats date and date-time, which may do without a zone. */
function timestampFromJson(raw: string): Timestamp {
  const [, date, time = 'T00:00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d:\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/.exec(raw) ?? [];
  if (date) return parseTimestamp(`${date}${time}${zone}`);
  const rest = raw.slice('2006-01-02'.length);
  const why = rest.startsWith('T')
    ? `: extra text: ${quoted(rest.slice('T15:04:05'.length))}`
    : ` as "2006-01-02T15:04:05": cannot parse ${quoted(rest)} as "T"`;
  throw new CelError(`Invalid date-time formatted string ${raw}: parsing time ${quoted(raw)}${why}`);
}

/** Texts of the format duration, which are not held to Go's units. */
function durationFromJson(raw: string): Duration {
  const loose = looseDuration(raw);
  return loose === undefined ? parseDuration(raw) : new Duration(loose);
}

/** Whole numbers are ints, others doubles; objects are maps. */
function fromUntyped(raw: unknown): Value {
  if (raw === null || raw === undefined) return null;
  if (typeof raw === 'number') return Number.isSafeInteger(raw) ? BigInt(raw) : raw;
  if (Array.isArray(raw)) return new ListValue(raw.map(fromUntyped));
  if (typeof raw === 'object') return mapFromJson(raw, dyn);
  return raw as Value;
}

const second = 1_000_000_000n;
/** The first moment of the year 1, Go's zero. */
export const oldest = -62_135_596_800n * second;
const latest = 253_402_300_800n * second;

/** RFC 3339. */
export function parseTimestamp(text: string): Timestamp {
  const found = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/.exec(text);
  const ms = found ? Date.parse(`${found[1]}T${found[2]}${found[4]!.toUpperCase()}`) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new CelError("type conversion error from 'string' to 'google.protobuf.Timestamp'");
  }
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)$/.exec(found![4]!) ?? [];
  const offset = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * (sign === '-' ? -1 : 1);
  return timestampOf(BigInt(ms) * 1_000_000n + BigInt((found![3] ?? '').padEnd(9, '0')), offset);
}

/** `offset` in minutes east of UTC. Throws CelError outside of the years 1 to 9999. */
export function timestampOf(nanos: bigint, offset = 0): Timestamp {
  if (nanos < oldest || nanos >= latest) throw new CelError('timestamp overflow');
  return new Timestamp(nanos, offset);
}

/** Of a Unix time. Throws CelError outside of the years 1 to 9999. */
export function timestampOfSeconds(seconds: bigint): Timestamp {
  return timestampOf(seconds * second);
}

const units = table<bigint>({
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: second,
  m: 60n * second,
  h: 3600n * second,
});

/** As Go's time.ParseDuration: `1h30m`, `-1.5s`. */
export function parseDuration(text: string): Duration {
  const found = /^([+-]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$|^[+-]?0$/.exec(text);
  if (!found) throw new CelError("type conversion error from 'string' to 'google.protobuf.Duration'");
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g)) {
    const scale = units[unit]!;
    total += BigInt(whole || '0') * scale;
    if (fraction !== '') total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  return durationOf(text.startsWith('-') ? -total : total);
}

/** Throws CelError beyond 64 bits of nanoseconds. */
export function durationOf(nanos: bigint): Duration {
  if (BigInt.asIntN(64, nanos) !== nanos) throw new CelError('duration overflow');
  return new Duration(nanos);
}

/** As protobuf prints them: seconds with what fraction there is. */
export function printDuration({ nanos }: Duration): string {
  const sign = nanos < 0n ? '-' : '';
  const positive = nanos < 0n ? -nanos : nanos;
  const fraction = (positive % second).toString().padStart(9, '0').replace(/0+$/, '');
  return `${sign}${positive / second}${fraction && `.${fraction}`}s`;
}

export function printTimestamp({ nanos: moment, offset }: Timestamp): string {
  const nanos = moment + BigInt(offset) * 60n * second;
  const two = (n: number) => String(n).padStart(2, '0');
  const east = Math.abs(offset);
  const zone = offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(Math.trunc(east / 60))}:${two(east % 60)}`;
  const whole = nanos >= 0n ? nanos / second : -((-nanos + second - 1n) / second);
  const fraction = (nanos - whole * second).toString().padStart(9, '0').replace(/0+$/, '');
  return new Date(Number(whole) * 1000).toISOString().replace('.000Z', `${fraction && `.${fraction}`}${zone}`);
}

/** Whole numbers beyond are bigints in JSON, too. */
const exact = BigInt(Number.MAX_SAFE_INTEGER);

/** A value that JSON cannot say; the message is cel-go's. */
export class NoJsonError extends CelError {}

/** The JSON of a value: for patches and applied configurations. Throws NoJsonError. */
export function toJson(value: Value): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value;
    throw new NoJsonError(`${numberProblem}: invalid ${printedInfinity(value)} value`);
  }
  if (typeof value === 'bigint') return value >= -exact && value <= exact ? Number(value) : value;
  if (value instanceof Uint) return toJson(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof ListValue) return value.items.map(toJson);
  if (value instanceof MapValue) {
    return Object.fromEntries([...value.entries].map(([key, item]) => [keyToJson(key), toJson(item)]));
  }
  if (value instanceof ObjectValue) return value.raw;
  if (value instanceof Timestamp) return printTimestamp(new Timestamp(value.nanos));
  if (value instanceof Duration) return printDuration(value);
  if (value instanceof TypeValue) throw new NoJsonError("type conversion not supported for 'type'");
  if (value instanceof Optional) {
    if (value.value !== undefined) return toJson(value.value);
    throw new NoJsonError('optional.none() dereference');
  }
  const name = value.typeName.slice(value.typeName.lastIndexOf('.') + 1).replace('NamedFormat', 'Format');
  throw new NoJsonError(`type conversion error from '${name}' to '*structpb.Value'`);
}

const numberProblem =
  'json: error calling MarshalJSON for type *structpb.Value: proto: google.protobuf.Value.number_value';

function printedInfinity(value: number): string {
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

function keyToJson(key: MapKey): string {
  if (typeof key === 'string') return key;
  throw new NoJsonError(
    typeof key === 'bigint'
      ? "unsupported type conversion from 'int' to string"
      : "type conversion error from bool to 'string'",
  );
}
