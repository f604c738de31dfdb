// Values, as JSON gives them, to the messages of their types. The same value always gives the same bytes.
import { table } from '../../apimachinery/table.ts';
import { parseTime } from '../../apimachinery/time.ts';
import { apiextensions, type MessageField, messageOf, meta } from './messages.ts';
import { BackwardWriter } from './writer.ts';

/** Writes a value without its tag, and without its length where it has one. */
type Write = (writer: BackwardWriter, value: unknown) => void;

const [varint, bit64, delimited] = [0, 1, 2];

interface Encoding {
  readonly wire: number;
  readonly write: Write;
}

const schemaProps = `${apiextensions}.JSONSchemaProps`;

const encodings = table<Encoding>({
  string: { wire: delimited, write: (writer, value) => void writer.text(String(value)) },
  'string:byte': {
    wire: delimited,
    write: (writer, value) => writer.bytes(Buffer.from(String(value), 'base64')),
  },
  boolean: { wire: varint, write: (writer, value) => writer.varint(value ? 1 : 0) },
  'integer:int32': { wire: varint, write: (writer, value) => writer.varint(Number(value)) },
  'integer:int64': { wire: varint, write: (writer, value) => writer.varint(Number(value)) },
  'number:double': { wire: bit64, write: (writer, value) => writer.double(Number(value)) },
  object: { wire: delimited, write: writeJson },
  any: { wire: delimited, write: writeJson },
  'string:date-time': { wire: delimited, write: (writer, value) => writeTime(writer, value, 0) },
  [`${meta}.Time`]: { wire: delimited, write: (writer, value) => writeTime(writer, value, 0) },
  [`${meta}.MicroTime`]: { wire: delimited, write: (writer, value) => writeTime(writer, value, 6) },
  [`${meta}.FieldsV1`]: { wire: delimited, write: writeJson },
  'io.k8s.apimachinery.pkg.runtime.RawExtension': { wire: delimited, write: writeJson },
  'io.k8s.apimachinery.pkg.api.resource.Quantity': {
    wire: delimited,
    write: (writer, value) => writeText(writer, 1, String(value)),
  },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { wire: delimited, write: writeIntOrString },
  [`${apiextensions}.JSON`]: { wire: delimited, write: writeJson },
  [`${apiextensions}.CustomResourceSubresourceStatus`]: { wire: delimited, write: () => {} },
  [`${apiextensions}.JSONSchemaPropsOrArray`]: { wire: delimited, write: writeSchemaOrArray },
  [`${apiextensions}.JSONSchemaPropsOrBool`]: { wire: delimited, write: writeSchemaOrBool },
  [`${apiextensions}.JSONSchemaPropsOrStringArray`]: { wire: delimited, write: writeSchemaOrTexts },
});

const compiled = new Map<string, Encoding>();

function encodingOf(type: string): Encoding {
  const known = encodings[type] ?? compiled.get(type);
  if (known) return known;
  // Types refer to themselves: the entry is there before its fields are looked at.
  let fields: readonly FieldEncoding[] | undefined;
  const encoding = {
    wire: delimited,
    write(writer: BackwardWriter, value: unknown) {
      fields ??= compile(type, type);
      writeFields(writer, fields, value as Record<string, unknown>);
    },
  };
  compiled.set(type, encoding);
  return encoding;
}

interface FieldEncoding {
  readonly name: string;
  /** Writes tag, length and value. */
  readonly write: Write;
  /** Takes its fields from the object itself. */
  readonly isInlined: boolean;
}

/** The fields in the order in which they are written: the last first. */
function compile(type: string, message: string): readonly FieldEncoding[] {
  return [...messageOf(type, message).values()].reverse().map((field) => compileField(type, field));
}

function compileField(
  type: string,
  { number, name, type: fieldType, isInlined, isBoxed }: MessageField,
): FieldEncoding {
  if (isInlined) {
    let fields: readonly FieldEncoding[] | undefined;
    const write: Write = (writer, value) => {
      fields ??= compile(type, fieldType);
      const end = writer.length;
      writeFields(writer, fields, value as Record<string, unknown>);
      if (writer.length > end) writeHead(writer, number, end);
    };
    return { name, write, isInlined };
  }
  if (isBoxed) return { name, write: writeBoxedList(number, fieldType.slice(2)), isInlined };
  if (fieldType.startsWith('[]')) return { name, write: writeList(number, fieldType.slice(2)), isInlined };
  if (fieldType.startsWith('map[string]')) {
    return { name, write: writeMap(number, fieldType.slice('map[string]'.length)), isInlined };
  }
  return { name, write: writeOne(number, fieldType), isInlined };
}

function writeFields(writer: BackwardWriter, fields: readonly FieldEncoding[], value: Record<string, unknown>): void {
  for (const field of fields) {
    const part = field.isInlined ? value : value[field.name];
    if (part !== undefined && part !== null) field.write(writer, part);
  }
}

/** Tag and length of what was written since the writer had `end` bytes. */
function writeHead(writer: BackwardWriter, number: number, end: number): void {
  writer.varint(writer.length - end);
  writer.varint((number << 3) | delimited);
}

function writeOne(number: number, type: string): Write {
  const { wire, write } = encodingOf(type);
  if (wire !== delimited) {
    return (writer, value) => {
      write(writer, value);
      writer.varint((number << 3) | wire);
    };
  }
  return (writer, value) => {
    const end = writer.length;
    write(writer, value);
    writeHead(writer, number, end);
  };
}

function writeList(number: number, type: string): Write {
  const one = writeOne(number, type);
  return (writer, value) => {
    const items = value as readonly unknown[];
    for (let i = items.length - 1; i >= 0; i--) one(writer, items[i]);
  };
}

function writeMap(number: number, type: string): Write {
  // A map's value cannot be a list: there it is a message with the list as its first field.
  const one = type.startsWith('[]') ? writeBoxedList(2, type.slice(2)) : writeOne(2, type);
  return (writer, value) => {
    const map = value as Readonly<Record<string, unknown>>;
    for (const key of Object.keys(map).sort().reverse()) {
      const end = writer.length;
      one(writer, map[key]);
      writeText(writer, 1, key);
      writeHead(writer, number, end);
    }
  };
}

function writeBoxedList(number: number, type: string): Write {
  const list = writeList(1, type);
  return (writer, value) => {
    const end = writer.length;
    list(writer, value);
    writeHead(writer, number, end);
  };
}

function writeText(writer: BackwardWriter, number: number, value: string): void {
  writer.varint(writer.text(value));
  writer.varint((number << 3) | delimited);
}

function writeNumber(writer: BackwardWriter, number: number, value: number): void {
  writer.varint(value);
  writer.varint(number << 3);
}

function writeJson(writer: BackwardWriter, value: unknown): void {
  writeText(writer, 1, JSON.stringify(value));
}

/** Seconds and nanoseconds since the epoch; `digits` of the fraction are kept. */
function writeTime(writer: BackwardWriter, value: unknown, digits: 0 | 6): void {
  const text = String(value);
  const milliseconds = parseTime(text);
  if (milliseconds === undefined) return;
  const fraction = digits > 0 ? (/[.,](\d+)/.exec(text)?.[1] ?? '') : '';
  writeNumber(writer, 2, Number(fraction.slice(0, digits).padEnd(9, '0')));
  writeNumber(writer, 1, Math.floor(milliseconds / 1000));
}

function writeIntOrString(writer: BackwardWriter, value: unknown): void {
  const isText = typeof value === 'string';
  writeText(writer, 3, isText ? value : '');
  writeNumber(writer, 2, isText ? 0 : Number(value));
  writeNumber(writer, 1, isText ? 1 : 0);
}

function writeSchemaOrArray(writer: BackwardWriter, value: unknown): void {
  if (Array.isArray(value)) writeList(2, schemaProps)(writer, value);
  else writeOne(1, schemaProps)(writer, value);
}

function writeSchemaOrBool(writer: BackwardWriter, value: unknown): void {
  const isBoolean = typeof value === 'boolean';
  if (!isBoolean) writeOne(2, schemaProps)(writer, value);
  writeNumber(writer, 1, value === false ? 0 : 1);
}

function writeSchemaOrTexts(writer: BackwardWriter, value: unknown): void {
  if (Array.isArray(value)) writeList(2, 'string')(writer, value);
  else writeOne(1, schemaProps)(writer, value);
}

/** The message of a value of a type, such as `io.k8s.api.core.v1.Pod`. */
export function encodeMessage(type: string, value: object): Uint8Array {
  const writer = new BackwardWriter();
  encodingOf(type).write(writer, value);
  return writer.take();
}
