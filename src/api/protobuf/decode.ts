// Reads built-in kinds from Kubernetes' protocol buffers encoding, into the same values that JSON gives. Go clients write
// with it unless told otherwise, kubectl's typed commands among them; answers may be JSON, which they accept too.

import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { parseJson } from '../../apimachinery/json/parse.ts';
import { parseApiVersion } from '../../apimachinery/object.ts';
import { table } from '../../apimachinery/table.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { prefix } from './envelope.ts';
import { apiextensions, messageOf, meta, typeOfKind } from './messages.ts';

/** The bytes cannot be read; the message says why. */
export class ProtobufError extends Error {}

export interface ProtobufBody {
  readonly apiVersion: string;
  readonly kind: string;
  /** Undefined for kinds of which no message is known. */
  readonly value: Readonly<Record<string, unknown>> | undefined;
}

/** Reads the envelope and what is in it. Throws ProtobufError. */
export function decodeProtobuf(bytes: Uint8Array): ProtobufBody {
  if (!prefix.every((byte, i) => bytes[i] === byte)) {
    throw new ProtobufError(
      `provided data does not appear to be a protobuf message, expected prefix [${prefix.join(' ')}]`,
    );
  }
  try {
    const { apiVersion, kind, raw } = readEnvelope(new BinaryReader(bytes.subarray(prefix.length)));
    const type = typeOfKind({ ...parseApiVersion(apiVersion), kind });
    const reader = new BinaryReader(raw);
    return {
      apiVersion,
      kind,
      value: type === undefined ? undefined : readMessage(reader, { type, message: type }, {}),
    };
  } catch (error) {
    if (error instanceof ProtobufError) throw error;
    throw new ProtobufError(`proto: ${errorMessage(error)}`, { cause: error });
  }
}

function readEnvelope(reader: BinaryReader): { apiVersion: string; kind: string; raw: Uint8Array } {
  const envelope = { apiVersion: '', kind: '', raw: new Uint8Array(0) as Uint8Array };
  forEachField(reader, (number) => {
    if (number === 2) envelope.raw = reader.bytes();
    else if (number === 1) {
      const typeMeta = new BinaryReader(reader.bytes());
      forEachField(typeMeta, (inner) => {
        if (inner !== 1 && inner !== 2) return false;
        envelope[inner === 1 ? 'apiVersion' : 'kind'] = typeMeta.string();
        return true;
      });
    } else return false;
    return true;
  });
  return envelope;
}

/** Calls `read` for each field; one that it does not read (false) is passed over. */
function forEachField(reader: BinaryReader, read: (number: number, wire: WireType) => boolean): void {
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    if (!read(number, wire)) reader.skip(wire, number);
  }
}

/** `type` has the fields' JSON types; `message` their numbers: another one where a message is inlined. */
function readMessage(
  reader: BinaryReader,
  { type, message }: { readonly type: string; readonly message: string },
  target: Record<string, unknown>,
): Record<string, unknown> {
  const fields = messageOf(type, message);
  forEachField(reader, (number, wire) => {
    const field = fields.get(number);
    if (!field) return false;
    if (field.isInlined) {
      readMessage(new BinaryReader(reader.bytes()), { type, message: field.type }, target);
    } else if (field.isBoxed) target[field.name] = readItems(reader, field.type);
    else target[field.name] = readField(reader, { wire, type: field.type }, target[field.name]);
    return true;
  });
  return target;
}

function readField(reader: BinaryReader, { wire, type }: { wire: WireType; type: string }, before: unknown): unknown {
  if (type.startsWith('[]')) {
    const list = (before ?? []) as unknown[];
    const items = type.slice(2);
    if (wire === WireType.LengthDelimited && wireOf(items) !== WireType.LengthDelimited) {
      const packed = new BinaryReader(reader.bytes());
      while (packed.pos < packed.len) list.push(readValue(packed, wireOf(items), items));
    } else list.push(readValue(reader, wire, items));
    return list;
  }
  if (type.startsWith('map[string]')) {
    const map = (before ?? {}) as Record<string, unknown>;
    const [key, value] = readEntry(new BinaryReader(reader.bytes()), type.slice('map[string]'.length));
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
    return map;
  }
  return readValue(reader, wire, type);
}

function readEntry(reader: BinaryReader, type: string): [key: string, value: unknown] {
  let key = '';
  let value: unknown;
  forEachField(reader, (number, wire) => {
    if (number === 1) key = reader.string();
    else if (number === 2) value = type.startsWith('[]') ? readItems(reader, type) : readValue(reader, wire, type);
    else return false;
    return true;
  });
  // A time that is there may be null.
  if (value === undefined) value = wireOf(type) === WireType.LengthDelimited ? '' : 0;
  return [key, value];
}

/** A list where a message cannot have one, as the value of a map, or would not tell none from an empty one. */
function readItems(reader: BinaryReader, type: string): unknown {
  const inner = new BinaryReader(reader.bytes());
  let items: unknown = [];
  forEachField(inner, (number, wire) => {
    if (number !== 1) return false;
    items = readField(inner, { wire, type }, items);
    return true;
  });
  return items;
}

function wireOf(type: string): WireType {
  if (type === 'boolean' || type.startsWith('integer:')) return WireType.Varint;
  return type === 'number:double' ? WireType.Bit64 : WireType.LengthDelimited;
}

type Read = (reader: BinaryReader) => unknown;

const schemaProps = `${apiextensions}.JSONSchemaProps`;

const scalars = table<Read>({
  string: (reader) => reader.string(),
  'string:byte': (reader) => Buffer.from(reader.bytes()).toString('base64'),
  boolean: (reader) => reader.bool(),
  'integer:int32': (reader) => reader.int32(),
  'integer:int64': (reader) => Number(reader.int64()),
  'number:double': (reader) => reader.double(),
  object: readJson,
  any: readJson,
  'string:date-time': (reader) => readTime(reader, false),
  [`${meta}.Time`]: (reader) => readTime(reader, false),
  [`${meta}.MicroTime`]: (reader) => readTime(reader, true),
  [`${meta}.FieldsV1`]: readJson,
  'io.k8s.apimachinery.pkg.runtime.RawExtension': readJson,
  'io.k8s.apimachinery.pkg.api.resource.Quantity': readQuantity,
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': readIntOrString,
  [`${apiextensions}.JSON`]: readJson,
  [`${apiextensions}.CustomResourceSubresourceStatus`]: (reader) => {
    reader.bytes();
    return {};
  },
  [`${apiextensions}.JSONSchemaPropsOrArray`]: (reader) => readSchemaOr(reader, `[]${schemaProps}`),
  [`${apiextensions}.JSONSchemaPropsOrBool`]: readSchemaOrBool,
  [`${apiextensions}.JSONSchemaPropsOrStringArray`]: (reader) => readSchemaOr(reader, '[]string'),
});

function readValue(reader: BinaryReader, wire: WireType, type: string): unknown {
  if (wire !== wireOf(type)) throw new ProtobufError(`proto: wrong wireType = ${wire} for a field of type ${type}`);
  const scalar = scalars[type];
  if (scalar) return scalar(reader);
  return readMessage(new BinaryReader(reader.bytes()), { type, message: type }, {});
}

/** Seconds and nanoseconds; an empty message is the zero time, which is null in JSON. */
function readTime(reader: BinaryReader, isMicro: boolean): string | null {
  const inner = new BinaryReader(reader.bytes());
  if (inner.len === 0) return null;
  let seconds = 0;
  let nanoseconds = 0;
  forEachField(inner, (number) => {
    if (number === 1) seconds = Number(inner.int64());
    else if (number === 2) nanoseconds = inner.int32();
    else return false;
    return true;
  });
  const whole = formatTime(seconds * 1000);
  if (!isMicro) return whole;
  const micros = Math.floor(nanoseconds / 1000);
  return `${whole.slice(0, -1)}.${String(micros).padStart(6, '0')}Z`;
}

function readQuantity(reader: BinaryReader): string {
  const inner = new BinaryReader(reader.bytes());
  let text = '0';
  forEachField(inner, (number) => {
    if (number !== 1) return false;
    text = inner.string();
    return true;
  });
  return text;
}

function readIntOrString(reader: BinaryReader): number | string {
  const inner = new BinaryReader(reader.bytes());
  let isText = false;
  let number = 0;
  let text = '';
  forEachField(inner, (field) => {
    if (field === 1) isText = Number(inner.int64()) === 1;
    else if (field === 2) number = inner.int32();
    else if (field === 3) text = inner.string();
    else return false;
    return true;
  });
  return isText ? text : number;
}

/** JSON text in a message of its own: fields that take any value, which is read as in a body of JSON. */
function readJson(reader: BinaryReader): unknown {
  const inner = new BinaryReader(reader.bytes());
  let value: unknown = null;
  forEachField(inner, (number) => {
    if (number !== 1) return false;
    value = parseJson(Buffer.from(inner.bytes()).toString('utf8')).value;
    return true;
  });
  return value;
}

/** A schema in the first field, or a list in the second. */
function readSchemaOr(reader: BinaryReader, listType: string): unknown {
  const inner = new BinaryReader(reader.bytes());
  let schema: unknown;
  let list: unknown = [];
  forEachField(inner, (number, wire) => {
    if (number === 1) schema = readValue(inner, wire, schemaProps);
    else if (number === 2) list = readField(inner, { wire, type: listType }, list);
    else return false;
    return true;
  });
  return schema ?? list;
}

function readSchemaOrBool(reader: BinaryReader): unknown {
  const inner = new BinaryReader(reader.bytes());
  let allows = false;
  let schema: unknown;
  forEachField(inner, (number, wire) => {
    if (number === 1) allows = inner.bool();
    else if (number === 2) schema = readValue(inner, wire, schemaProps);
    else return false;
    return true;
  });
  return schema ?? allows;
}
