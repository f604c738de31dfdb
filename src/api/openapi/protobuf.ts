// The v2 document as protocol buffers, the form in which Go clients ask for it: gnostic's openapi.v2.Document
// (OpenAPIv2.proto). What a message is made of is told by tables from the names in the JSON document to numbers and kinds.
import { BackwardWriter } from '../protobuf/writer.ts';

const [varint, bit64, delimited] = [0, 1, 2];

interface Kind {
  readonly wire: number;
  /** Writes a value without its tag, and without its length where it has one. */
  write(writer: BackwardWriter, value: unknown): void;
  /** Set for fields that come as often as a list has items. */
  readonly items?: Kind;
}

type JsonObject = Readonly<Record<string, unknown>>;
type Fields = Readonly<Record<string, readonly [number: number, kind: Kind]>>;

const text: Kind = { wire: delimited, write: (writer, value) => void writer.text(String(value)) };
const bool: Kind = { wire: varint, write: (writer, value) => writer.varint(value ? 1 : 0) };
const whole: Kind = { wire: varint, write: (writer, value) => writer.varint(Number(value)) };
const double: Kind = { wire: bit64, write: (writer, value) => writer.double(Number(value)) };
/** Any: a value of whatever type as YAML, which JSON is. */
const any: Kind = { wire: delimited, write: (writer, value) => writeField(writer, 2, text, JSON.stringify(value)) };
const list = (items: Kind): Kind => ({ ...items, items });

function writeField(writer: BackwardWriter, number: number, kind: Kind, value: unknown): void {
  if (kind.items) {
    const { items: _, ...item } = kind;
    for (const one of (value as readonly unknown[]).toReversed()) writeField(writer, number, item, one);
    return;
  }
  const end = writer.length;
  kind.write(writer, value);
  if (kind.wire === delimited) writer.varint(writer.length - end);
  writer.varint((number << 3) | kind.wire);
}

/** The messages Named<Kind>: name and value, under a number of their own. */
function writeEntries(writer: BackwardWriter, number: number, kind: Kind, entries: readonly [string, unknown][]): void {
  const named = message(() => ({ name: [1, text], value: [2, kind] }));
  for (const [name, value] of entries.toReversed()) writeField(writer, number, named, { name, value });
}

/** A message of named fields, and of extensions (`x-…`) under a number of their own. Messages may hold themselves. */
function message(fieldsOf: () => Fields, extensions?: number): Kind {
  let fields: [string, number, Kind][] | undefined;
  return {
    wire: delimited,
    write(writer, value) {
      fields ??= Object.entries(fieldsOf())
        .map(([name, [number, kind]]): [string, number, Kind] => [name, number, kind])
        .sort(([, a], [, b]) => b - a);
      const object = value as JsonObject;
      const own = Object.entries(object).filter(([name]) => name.startsWith('x-'));
      if (extensions !== undefined) writeEntries(writer, extensions, any, own);
      for (const [name, number, kind] of fields) {
        if (object[name] !== undefined) writeField(writer, number, kind, object[name]);
      }
    },
  };
}

/** A map as a message that holds its entries. */
function map(number: number, kind: Kind): Kind {
  return {
    wire: delimited,
    write: (writer, value) => writeEntries(writer, number, kind, Object.entries(value as JsonObject)),
  };
}

/** A message with one field for the value itself, which one depending on the value. */
function oneOf(choose: (value: unknown) => readonly [number: number, kind: Kind]): Kind {
  return {
    wire: delimited,
    write(writer, value) {
      writeField(writer, ...choose(value), value);
    },
  };
}

/** A value, or a list of such. */
const several = (kind: Kind): Kind => oneOf((value) => [1, Array.isArray(value) ? list(kind) : kind]);

const schema: Kind = message(
  () => ({
    $ref: [1, text],
    format: [2, text],
    title: [3, text],
    description: [4, text],
    default: [5, any],
    multipleOf: [6, double],
    maximum: [7, double],
    exclusiveMaximum: [8, bool],
    minimum: [9, double],
    exclusiveMinimum: [10, bool],
    maxLength: [11, whole],
    minLength: [12, whole],
    pattern: [13, text],
    maxItems: [14, whole],
    minItems: [15, whole],
    uniqueItems: [16, bool],
    maxProperties: [17, whole],
    minProperties: [18, whole],
    required: [19, list(text)],
    enum: [20, list(any)],
    additionalProperties: [21, oneOf((value) => (typeof value === 'boolean' ? [2, bool] : [1, schema]))],
    type: [22, several(text)],
    items: [23, several(schema)],
    allOf: [24, list(schema)],
    properties: [25, map(1, schema)],
    discriminator: [26, text],
    readOnly: [27, bool],
    example: [30, any],
  }),
  31,
);

const reference = message(() => ({ $ref: [1, text], description: [2, text] }));
const isReference = (value: unknown) => (value as JsonObject).$ref !== undefined;

const bodyParameter = message(
  () => ({ description: [1, text], name: [2, text], in: [3, text], required: [4, bool], schema: [5, schema] }),
  6,
);
const pathParameter = message(
  () => ({
    required: [1, bool],
    in: [2, text],
    description: [3, text],
    name: [4, text],
    type: [5, text],
    format: [6, text],
    pattern: [16, text],
    uniqueItems: [19, bool],
  }),
  22,
);
const queryParameter = message(
  () => ({
    required: [1, bool],
    in: [2, text],
    description: [3, text],
    name: [4, text],
    allowEmptyValue: [5, bool],
    type: [6, text],
    format: [7, text],
    pattern: [17, text],
    uniqueItems: [20, bool],
  }),
  23,
);
const placed = oneOf((value) => ((value as JsonObject).in === 'path' ? [4, pathParameter] : [3, queryParameter]));
const parameter = oneOf((value) => ((value as JsonObject).in === 'body' ? [1, bodyParameter] : [2, placed]));
const parameters = list(oneOf((value) => (isReference(value) ? [2, reference] : [1, parameter])));

const response = message(() => ({ description: [1, text], schema: [2, oneOf(() => [1, schema])] }), 5);
const responses = map(
  1,
  oneOf((value) => (isReference(value) ? [2, reference] : [1, response])),
);

const operation = message(
  () => ({
    tags: [1, list(text)],
    summary: [2, text],
    description: [3, text],
    operationId: [5, text],
    produces: [6, list(text)],
    consumes: [7, list(text)],
    parameters: [8, parameters],
    responses: [9, responses],
    schemes: [10, list(text)],
    deprecated: [11, bool],
  }),
  13,
);

const pathItem = message(
  () => ({
    get: [2, operation],
    put: [3, operation],
    post: [4, operation],
    delete: [5, operation],
    options: [6, operation],
    head: [7, operation],
    patch: [8, operation],
    parameters: [9, parameters],
  }),
  10,
);

const document = message(
  () => ({
    swagger: [1, text],
    info: [2, message(() => ({ title: [1, text], version: [2, text], description: [3, text] }), 7)],
    paths: [8, map(2, pathItem)],
    definitions: [9, map(1, schema)],
  }),
  16,
);

/** The bytes of a Swagger 2.0 document. */
export function encodeSwagger(swagger: object): Uint8Array {
  const writer = new BackwardWriter();
  document.write(writer, swagger);
  return writer.take();
}
