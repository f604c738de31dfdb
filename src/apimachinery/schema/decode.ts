// Decoding: from the JSON value that a client sent to an object of its type, as kube-apiserver's decoder into Go structs
// (and back to JSON) does. Unknown fields are dropped and named, wrong types are errors, and what Go leaves out or puts
// in when it encodes the struct is left out or put in here.
import { canonicalBase64 } from '../base64.ts';
import { errorMessage } from '../error-message.ts';
import { lastOf, Repeated, valuesOf } from '../json/repeated.ts';
import { isEmptyObject, isObject, setKey } from '../json/value.ts';
import { canonicalQuantity, canonicalResource, QuantityError } from '../quantity.ts';
import { formatMicroTime, formatTime, readTime, type TimeLayout } from '../time.ts';
import { joinRepeated } from './join-repeated.ts';
import { notConverted } from './not-converted.ts';
import {
  type Field,
  type Forms,
  goTypeOf,
  type ListSchema,
  type MapSchema,
  type ObjectSchema,
  type Schema,
} from './schema.ts';

/** The value does not fit the type; the message is that of Go's decoder: `json: cannot unmarshal …`. */
export class DecodeError extends Error {}

export interface Decoded {
  readonly object: Record<string, unknown>;
  /** Paths of fields that the type does not have: `spec.ports[0].colour`, in the order met. */
  readonly unknownFields: readonly string[];
  /** Paths of values whose types read their JSON themselves: what is unknown or repeated below is not complained of. */
  readonly unread?: readonly string[];
}

/**
 * Makes a fresh object; the value is not changed. Throws DecodeError. `decimals` are numbers of a JSON text that are written
 * with a fraction or an exponent, by path: no whole numbers to Go, whatever their value. With them, keys may be {@link Repeated}.
 */
export function decodeObject(value: unknown, schema: ObjectSchema, decimals?: ReadonlyMap<string, string>): Decoded {
  if (schema.decode) return schema.decode(value);
  return decoded(value, schema, { unknownFields: [], unread: [], decimals });
}

/** The same of what was never text: other words are said of what does not fit, and unknown fields come sorted. */
export function convertObject(value: unknown, schema: ObjectSchema): Decoded {
  if (schema.decode) return schema.decode(value);
  const context: Context = { unknownFields: [], unread: [], decimals: undefined, isConverted: true };
  const { object, unknownFields } = decoded(value, schema, context);
  return { object, unknownFields: unknownFields.toSorted() };
}

function decoded(value: unknown, schema: ObjectSchema, context: Context): Decoded {
  const object = decodeStruct(value, schema, { parent: undefined, segment: '', struct: '', context });
  keepReset(value, object);
  const { unknownFields, unread } = context;
  return unread.length > 0 ? { object, unknownFields, unread } : { object, unknownFields };
}

/** `metadata.managedFields: []` says that nobody owns anything any more, which is more than to say nothing of it. */
function keepReset(value: unknown, { metadata }: Record<string, unknown>): void {
  if (!isObject(value) || !isObject(value.metadata) || !isObject(metadata)) return;
  const { managedFields } = value.metadata;
  if (Array.isArray(managedFields) && managedFields.length === 0) setKey(metadata, 'managedFields', []);
}

/** Of a whole object. */
interface Context {
  readonly unknownFields: string[];
  readonly unread: string[];
  /** The struct that is named in errors, whatever lies below: inside of a type that reads itself. */
  readonly struct?: string;
  readonly decimals: ReadonlyMap<string, string> | undefined;
  /** Made of maps and lists, not of text. */
  readonly isConverted?: boolean;
}

/** Where in the object the decoder is. Paths are put together only when they are wanted. */
interface Place {
  readonly parent: Place | undefined;
  /** A field name, a key of a map, or an index in brackets. */
  readonly segment: string;
  readonly isKey?: true;
  readonly embedded?: string | undefined;
  /** The Go struct whose field this is. */
  readonly struct: string;
  readonly context: Context;
}

function pathOf(place: Place | undefined, withIndexes: boolean): string {
  if (!place?.parent) return '';
  const before = pathOf(place.parent, withIndexes);
  if (place.isKey && !withIndexes) return before;
  if (place.segment.startsWith('[')) return withIndexes ? before + place.segment : before;
  const { embedded } = place;
  const segment = embedded !== undefined && !withIndexes ? `${embedded}.${place.segment}` : place.segment;
  return before === '' ? segment : `${before}.${segment}`;
}

/** How a number was written, where that is not how it is printed. */
function decimalAt(place: Place): string | undefined {
  return place.context.decimals?.get(pathOf(place, true));
}

function mismatch(value: unknown, schema: Schema, place: Place): DecodeError {
  if (place.context.isConverted) return new DecodeError(notConverted(value, schema));
  return notA(value, goTypeOf(schema), place, /^int/.test(schema.kind));
}

/** The error names the number where it is a whole one that is wanted. */
function notA(value: unknown, goType: string, place: Place, showsNumber = goType.startsWith('int')): DecodeError {
  const what =
    value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : jsonType(value);
  const number = what === 'number' && showsNumber ? ` ${decimalAt(place) ?? value}` : '';
  const field = place.context.isConverted ? '' : pathOf(place, false);
  const struct = place.context.struct ?? place.struct;
  const into = field === '' ? 'Go value' : `Go struct field ${struct.slice(struct.lastIndexOf('.') + 1)}.${field}`;
  return new DecodeError(`json: cannot unmarshal ${what}${number} into ${into} of type ${goType}`);
}

function jsonType(value: unknown): string {
  return typeof value === 'bigint' ? 'number' : typeof value;
}

function decodeStruct(value: unknown, schema: ObjectSchema, place: Place): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mismatch(value, schema, place);
  const source = value as Record<string, unknown>;
  const target: Record<string, unknown> = {};
  const { context } = place;
  const struct = schema.name;
  for (const key in source) {
    const field = schema.fields.get(key);
    if (field === undefined) {
      context.unknownFields.push(pathOf({ parent: place, segment: key, struct, context }, true));
      continue;
    }
    const given = source[key];
    if (given === null || given === undefined) continue;
    const { embedded, schema: type } = field;
    const decoded =
      typeof given === 'string' && type.kind === 'string'
        ? given
        : decodeGiven(given, type, { parent: place, segment: key, struct, embedded, context }, isPointer(field));
    if (!isLeftOut(decoded, field)) target[key] = decoded;
  }
  for (const field of schema.filled) {
    if (target[field.name] === undefined) target[field.name] = absentValue(field);
  }
  return target;
}

/** Where a repeated key may stand. Null: what it says in the end is nothing. */
function decodeGiven(given: unknown, schema: Schema, place: Place, isPointer: boolean): unknown {
  if (!(given instanceof Repeated)) return decodeValue(given, schema, place);
  const { value, dropped } = joinRepeated(given.values, schema, isPointer);
  for (const one of dropped) decodeValue(one, schema, place);
  return value === undefined ? null : decodeValue(value, schema, place);
}

/** Whether Go's type tells nothing from zero. */
function isPointer({ schema, absent, keepsZero }: Field): boolean {
  return schema.kind === 'object' ? absent !== 'object' : keepsZero && absent === 'nothing';
}

/**
 * Go's omitempty: empty lists and maps are left out, and the zero of a scalar that is no pointer. Where Go would keep an empty list
 * its storage forgets it: protocol buffers tell none from an empty one.
 */
function isLeftOut(value: unknown, field: Field): boolean {
  if (typeof value === 'object') {
    if (value === null) return true;
    // JSON of any sort (a default in a schema) is kept as it came.
    if (Array.isArray(value)) return value.length === 0 && field.schema.kind === 'list';
    return field.schema.kind === 'map' && isEmptyObject(value);
  }
  return !field.keepsZero && (value === '' || value === 0 || value === false);
}

function absentValue({ absent, schema }: Field): unknown {
  switch (absent) {
    case 'object':
      return schema.kind === 'object' ? zeroObject(schema) : {};
    case 'list':
      return [];
    case 'null':
      return null;
    default:
      return zeroValue(schema);
  }
}

/** What Go makes of a struct that nothing was decoded into. */
export function zeroObject(schema: ObjectSchema): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const field of schema.filled) object[field.name] = absentValue(field);
  return object;
}

function zeroValue(schema: Schema): unknown {
  switch (schema.kind) {
    case 'object':
      return zeroObject(schema);
    case 'map':
    case 'raw':
      return {};
    case 'list':
      return [];
    case 'boolean':
      return false;
    case 'int32':
    case 'int64':
    case 'double':
    case 'int-or-string':
      return 0;
    case 'quantity':
      return '0';
    case 'time':
    case 'micro-time':
    case 'any':
    case 'deduced':
      return null;
    default:
      return '';
  }
}

function decodeValue(value: unknown, schema: Schema, place: Place): unknown {
  switch (schema.kind) {
    case 'object':
      return decodeStruct(value, schema, place);
    case 'map':
      return decodeMap(value, schema, place);
    case 'list':
      return decodeList(value, schema, place);
    case 'string':
      if (typeof value !== 'string') throw mismatch(value, schema, place);
      return value;
    case 'boolean':
      if (typeof value !== 'boolean') throw mismatch(value, schema, place);
      return value;
    case 'int32':
      if (place.context.isConverted) return convertWhole(value, schema, 32);
      if (!isInteger(value, schema.kind) || decimalAt(place)) throw mismatch(value, schema, place);
      return value;
    case 'int64':
      if (place.context.isConverted) return exactNumber(convertWhole(value, schema, 64));
      if (typeof value === 'bigint') return exactNumber(Number(value));
      if (!isInteger(value, schema.kind) || decimalAt(place)) throw mismatch(value, schema, place);
      return exactNumber(value);
    case 'double':
      if (typeof value === 'bigint') return Number(value);
      if (typeof value !== 'number') throw mismatch(value, schema, place);
      return value;
    case 'int-or-string':
      if (typeof value === 'string') return value;
      if (!isInteger(value, 'int32') || decimalAt(place)) throw notA(value, 'int32', place);
      return value;
    case 'bytes':
      return decodeBytes(value, schema, place);
    case 'quantity':
      return decodeQuantity(value, typeof value === 'number' ? decimalAt(place) : undefined);
    case 'time':
    case 'micro-time':
      return decodeTime(value, schema.kind, place);
    // Kept as it came: who has a use for it says whether it is an object.
    case 'raw':
      return plain(value, place);
    case 'any':
    case 'deduced':
      return schema.forms ? decodeForms(value, schema.forms, place) : plain(value, place);
  }
}

/** Where there is no type, repeated keys have their last value, and nobody minds them. */
function plain(value: unknown, place: Place): unknown {
  if (!place.context.decimals) return value;
  place.context.unread.push(pathOf(place, true));
  return lastOf(value);
}

/** Unknown fields below are dropped and not named. */
function decodeForms(value: unknown, forms: Forms, place: Place): unknown {
  const { context, struct } = place;
  if (context.decimals) context.unread.push(pathOf(place, true));
  const inside: Place = { ...place, context: { ...context, unknownFields: [], struct: context.struct ?? struct } };
  if (Array.isArray(value)) {
    if (forms.list) return decodeValue(value, forms.list(), inside);
  } else if (typeof value === 'object') return decodeValue(value, forms.object(), inside);
  if (typeof value === 'boolean' && forms.allowsBoolean) return value;
  if (forms.refusal !== undefined) throw new DecodeError(forms.refusal);
  return null;
}

/**
 * Nothing that has a type counts as far as numbers are exact, and all that reads it calculates with numbers: what is beyond is as
 * much as can be. Rounded, it would be read again as a bigint, and the largest int64 would be none any more.
 */
function exactNumber(value: number): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(value, Number.MAX_SAFE_INTEGER));
}

/**
 * As runtime.UnstructuredConverter has it, which looks at no range: what is too large for its type loses its upper bits. A float64
 * is an int64 first, and beyond those the smallest of them (as on amd64).
 */
function convertWhole(value: unknown, schema: Schema, bits: number): number {
  if (typeof value !== 'bigint' && !Number.isInteger(value)) throw new DecodeError(notConverted(value, schema));
  const whole = BigInt(value as bigint | number);
  const held = BigInt.asIntN(64, whole) === whole ? whole : -(2n ** 63n);
  return Number(BigInt.asIntN(bits, held));
}

function isInteger(value: unknown, kind: 'int32' | 'int64'): value is number {
  if (typeof value !== 'number' || !Number.isInteger(value)) return false;
  return kind === 'int64' ? value >= -(2 ** 63) && value < 2 ** 63 : value >= -(2 ** 31) && value < 2 ** 31;
}

function decodeMap(value: unknown, schema: MapSchema, place: Place): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mismatch(value, schema, place);
  const source = value as Record<string, unknown>;
  const target: Record<string, unknown> = {};
  for (const key in source) {
    const given = source[key];
    if (typeof given === 'string' && schema.values.kind === 'string') setKey(target, key, given);
    // What stood under a key before is forgotten, but must fit.
    else for (const one of valuesOf(given)) setKey(target, key, decodeMapValue(one, schema, { place, key }));
  }
  return target;
}

function decodeMapValue(given: unknown, schema: MapSchema, at: { readonly place: Place; readonly key: string }) {
  const { place, key } = at;
  const { values } = schema;
  if (given === null || given === undefined) return zeroValue(values);
  // Go names the field that holds the map, not the key; unknown fields below it are named with the key.
  const decoded =
    typeof given === 'object' || (values.kind === 'quantity' && place.context.decimals)
      ? decodeValue(given, values, { ...place, parent: place, segment: key, isKey: true })
      : decodeValue(given, values, place);
  return schema.goType === 'v1.ResourceList' ? canonicalResource(decoded as string) : decoded;
}

function decodeList(value: unknown, schema: ListSchema, place: Place): unknown[] {
  if (!Array.isArray(value)) throw mismatch(value, schema, place);
  const target: unknown[] = new Array(value.length);
  for (let i = 0; i < value.length; i++) {
    const given: unknown = value[i];
    const inList: Place = { parent: place, segment: `[${i}]`, struct: place.struct, context: place.context };
    target[i] = (given === null ? null : decodeGiven(given, schema.items, inList, false)) ?? zeroValue(schema.items);
  }
  return target;
}

function decodeBytes(value: unknown, schema: Schema, place: Place): string {
  if (typeof value !== 'string') throw mismatch(value, schema, place);
  try {
    return canonicalBase64(value);
  } catch (error) {
    const prefix = place.context.isConverted ? 'error decoding from json: ' : '';
    throw new DecodeError(prefix + errorMessage(error), { cause: error });
  }
}

function decodeQuantity(value: unknown, written = String(value)): string {
  // What is neither a text nor a number has the wrong form: Quantity reads its JSON itself.
  const text = ['string', 'number', 'bigint'].includes(typeof value) ? written.replace(/^ +| +$/g, '') : '!';
  try {
    return canonicalQuantity(text);
  } catch (error) {
    if (error instanceof QuantityError) throw new DecodeError(error.message, { cause: error });
    throw error;
  }
}

const canonicalTime = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;

/** The time zero of Go, which is as good as none. */
const zeroTime = '0001-01-01T00:00:00Z';

function decodeTime(value: unknown, kind: TimeLayout, place: Place): string | null {
  if (typeof value !== 'string') throw notA(value, 'string', place);
  if (kind === 'time' && canonicalTime.test(value)) return value === zeroTime ? null : value;
  const milliseconds = readTime(value, kind);
  if (typeof milliseconds === 'string') throw new DecodeError(milliseconds);
  if (milliseconds === Date.parse(zeroTime)) return null;
  return kind === 'time' ? formatTime(milliseconds) : formatMicroTime(milliseconds);
}
