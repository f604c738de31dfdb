// Protocol buffers' wire format (https://protobuf.dev/programming-guides/encoding/) for messages that are described by a
// table of fields. Only what CRI and containerd's events use: no groups, no fixed-width numbers.

/** How one field is written and read. `In` is what a caller gives, `Out` what a decoded message holds. */
export interface Field<In, Out> {
  readonly number: number;
  /** Reads a value; for repeated fields and maps, adds to `previous`. */
  readonly read: (reader: Reader, wireType: number, previous: Out | undefined) => Out;
  readonly write: (writer: Writer, number: number, value: In) => void;
  /** The value of a field that the message does not carry. */
  readonly initial: () => Out;
}

// biome-ignore lint/suspicious/noExplicitAny: a table's fields differ in type; the mapped types below recover each one.
type Fields = Readonly<Record<string, Field<any, any>>>;
export type InputOf<F extends Fields> = { readonly [K in keyof F]?: F[K] extends Field<infer I, infer _O> ? I : never };
export type OutputOf<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer _I, infer O> ? O : never;
};

export interface Message<In, Out> {
  encode(value: In): Uint8Array;
  decode(bytes: Uint8Array): Out;
}

export type Input<M> = M extends Message<infer In, infer _Out> ? In : never;
export type Output<M> = M extends Message<infer _In, infer Out> ? Out : never;

export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError('protobuf: truncated varint');
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
    throw new RangeError('protobuf: varint of more than ten bytes');
  }

  bytes(): Uint8Array {
    const length = Number(this.varint());
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError('protobuf: truncated field');
    const slice = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return slice;
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.#at += 8;
    else if (wireType === 2) this.bytes();
    else if (wireType === 5) this.#at += 4;
    else throw new RangeError(`protobuf: unknown wire type ${wireType}`);
  }
}

export class Writer {
  #chunks: Uint8Array[] = [];
  #small: number[] = [];

  varint(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    while (rest > 0x7fn) {
      this.#small.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#small.push(Number(rest));
  }

  tag(number: number, wireType: number): void {
    this.varint(BigInt(number * 8 + wireType));
  }

  bytes(value: Uint8Array): void {
    this.varint(BigInt(value.length));
    this.#chunks.push(Uint8Array.from(this.#small), value);
    this.#small = [];
  }

  finish(): Uint8Array {
    return Buffer.concat([...this.#chunks, Uint8Array.from(this.#small)]);
  }
}

const utf8 = new TextDecoder();
const toUtf8 = new TextEncoder();

export function string(number: number): Field<string, string> {
  return {
    number,
    initial: () => '',
    read: (reader) => utf8.decode(reader.bytes()),
    write(writer, n, value) {
      writer.tag(n, 2);
      writer.bytes(toUtf8.encode(value));
    },
  };
}

export function bytes(number: number): Field<Uint8Array, Uint8Array> {
  return {
    number,
    initial: () => new Uint8Array(),
    read: (reader) => Uint8Array.from(reader.bytes()),
    write(writer, n, value) {
      writer.tag(n, 2);
      writer.bytes(value);
    },
  };
}

export function bool(number: number): Field<boolean, boolean> {
  return {
    number,
    initial: () => false,
    read: (reader) => reader.varint() !== 0n,
    write(writer, n, value) {
      writer.tag(n, 0);
      writer.varint(value ? 1n : 0n);
    },
  };
}

/** int32, int64, uint32, uint64 and enums. Beyond 2^53 the low bits are lost: nanosecond times keep some 256 ns. */
export function int(number: number): Field<number, number> {
  return {
    number,
    initial: () => 0,
    read: (reader) => Number(BigInt.asIntN(64, reader.varint())),
    write(writer, n, value) {
      writer.tag(n, 0);
      writer.varint(BigInt(Math.trunc(value)));
    },
  };
}

export function sub<In, Out>(number: number, message: Message<In, Out>): Field<In, Out | undefined> {
  return {
    number,
    initial: () => undefined,
    read: (reader) => message.decode(reader.bytes()),
    write(writer, n, value) {
      writer.tag(n, 2);
      writer.bytes(message.encode(value));
    },
  };
}

/** Many of a field. Numbers may come packed. */
export function repeated<In, Out>(field: Field<In, Out>): Field<readonly In[], readonly NonNullable<Out>[]> {
  return {
    number: field.number,
    initial: () => [],
    read(reader, wireType, previous = []) {
      const packed = wireType === 2 && typeof field.initial() === 'number';
      const inner = packed ? new Reader(reader.bytes()) : reader;
      const values = [...previous];
      do values.push(field.read(inner, packed ? 0 : wireType, undefined) as NonNullable<Out>);
      while (packed && !inner.done);
      return values;
    },
    write(writer, n, values) {
      for (const value of values) field.write(writer, n, value);
    },
  };
}

const mapEntry = message({ key: string(1), value: string(2) });

/** map<string, string>. */
export function stringMap(number: number): Field<Readonly<Record<string, string>>, Readonly<Record<string, string>>> {
  return {
    number,
    initial: () => ({}),
    read(reader, _wireType, previous = {}) {
      const { key, value } = mapEntry.decode(reader.bytes());
      return { ...previous, [key]: value };
    },
    write(writer, n, values) {
      for (const [key, value] of Object.entries(values)) {
        writer.tag(n, 2);
        writer.bytes(mapEntry.encode({ key, value }));
      }
    },
  };
}

/** A message from its table of fields. Absent fields are left out; unknown ones are skipped. */
export function message<F extends Fields>(fields: F): Message<InputOf<F>, OutputOf<F>> {
  const byNumber = new Map(Object.entries(fields).map(([name, field]) => [field.number, { name, field }]));
  return {
    encode(value) {
      const writer = new Writer();
      for (const [name, field] of Object.entries(fields)) {
        const part = value[name];
        if (part !== undefined) field.write(writer, field.number, part);
      }
      return writer.finish();
    },
    decode(input) {
      const reader = new Reader(input);
      const result: Record<string, unknown> = {};
      for (const [name, field] of Object.entries(fields)) result[name] = field.initial();
      while (!reader.done) {
        const tag = Number(reader.varint());
        const known = byNumber.get(tag >>> 3);
        if (known) result[known.name] = known.field.read(reader, tag & 7, result[known.name]);
        else reader.skip(tag & 7);
      }
      return result as OutputOf<F>;
    },
  };
}
