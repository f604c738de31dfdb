// Protocol buffers' wire format (https://protobuf.dev/programming-guides/encoding/) for messages that are described by a
// table of fields. Only what its users' messages need: no groups, no fixed-width numbers.

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
  encode(value: In): Buffer;
  /** Adds the encoded value to what is being written. */
  write(writer: Writer, value: In): void;
  decode(bytes: Uint8Array): Out;
}

export type Input<M> = M extends Message<infer In, infer _Out> ? In : never;
export type Output<M> = M extends Message<infer _In, infer Out> ? Out : never;

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** A signed 64-bit number; beyond 2^53 its low bits are lost. Read in parts of 28 bits, which add up exactly. */
  varint(): number {
    let low = 0;
    let middle = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError('protobuf: truncated varint');
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i < 8) middle |= bits << (7 * (i - 4));
      else high |= bits << (7 * (i - 8));
      if (byte < 0x80) {
        const signed = (high & 0xff) >= 0x80 ? (high & 0xff) - 0x100 : high;
        return signed * 2 ** 56 + middle * 2 ** 28 + low;
      }
    }
    throw new RangeError('protobuf: varint of more than ten bytes');
  }

  /** A part of the input, not a copy. */
  bytes(): Buffer {
    const [start, end] = this.#delimited();
    return this.#bytes.subarray(start, end);
  }

  string(): string {
    const [start, end] = this.#delimited();
    return this.#bytes.toString('utf8', start, end);
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.#at += 8;
    else if (wireType === 2) this.#delimited();
    else if (wireType === 5) this.#at += 4;
    else throw new RangeError(`protobuf: unknown wire type ${wireType}`);
  }

  #delimited(): [start: number, end: number] {
    const length = this.varint();
    const start = this.#at;
    const end = start + length;
    if (length < 0 || end > this.#bytes.length) throw new RangeError('protobuf: truncated field');
    this.#at = end;
    return [start, end];
  }
}

export class Writer {
  #buffer = Buffer.allocUnsafe(256);
  #at: number;

  /** `headroom`: bytes left free at the start, for what a protocol puts before the message. */
  constructor(headroom = 0) {
    this.#at = headroom;
  }

  varint(value: number): void {
    this.#reserve(10);
    if (value < 0 || value > Number.MAX_SAFE_INTEGER) {
      this.#bigVarint(BigInt.asUintN(64, BigInt(value)));
      return;
    }
    let rest = value;
    while (rest > 0x7f) {
      this.#buffer[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#at++] = rest;
  }

  #bigVarint(value: bigint): void {
    let rest = value;
    while (rest > 0x7fn) {
      this.#buffer[this.#at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#at++] = Number(rest);
  }

  tag(number: number, wireType: number): void {
    this.varint(number * 8 + wireType);
  }

  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  string(value: string): void {
    const length = Buffer.byteLength(value);
    this.varint(length);
    this.#reserve(length);
    this.#at += this.#buffer.write(value, this.#at, 'utf8');
  }

  /** What `fill` writes, behind its length: that is known afterwards only, so a long part is moved up to make room. */
  delimited(fill: () => void): void {
    this.#reserve(1);
    const start = this.#at + 1;
    this.#at = start;
    fill();
    const length = this.#at - start;
    const extra = length < 0x80 ? 0 : Math.ceil((32 - Math.clz32(length)) / 7) - 1;
    // Room for the length too: while it is written, the position lies before what must not be lost.
    this.#reserve(extra + 10);
    this.#buffer.copyWithin(start + extra, start, start + length);
    this.#at = start - 1;
    this.varint(length);
    this.#at += length;
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

export function string(number: number): Field<string, string> {
  return {
    number,
    initial: () => '',
    read: (reader) => reader.string(),
    write(writer, n, value) {
      writer.tag(n, 2);
      writer.string(value);
    },
  };
}

/** Bytes as a text of as many characters, each of them one byte. */
export function latin1(number: number): Field<string, string> {
  return {
    number,
    initial: () => '',
    read: (reader) => reader.bytes().toString('latin1'),
    write(writer, n, value) {
      writer.tag(n, 2);
      writer.bytes(Buffer.from(value, 'latin1'));
    },
  };
}

export function bytes(number: number): Field<Uint8Array, Uint8Array> {
  return {
    number,
    initial: () => new Uint8Array(),
    // A copy: the rest of the message need not stay for it.
    read: (reader) => new Uint8Array(reader.bytes()),
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
    read: (reader) => reader.varint() !== 0,
    write(writer, n, value) {
      writer.tag(n, 0);
      writer.varint(value ? 1 : 0);
    },
  };
}

/** int32, int64, uint32, uint64 and enums. Beyond 2^53 the low bits are lost: nanosecond times keep some 256 ns. */
export function int(number: number): Field<number, number> {
  return {
    number,
    initial: () => 0,
    read: (reader) => reader.varint(),
    write(writer, n, value) {
      writer.tag(n, 0);
      writer.varint(Math.trunc(value));
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
      writer.delimited(() => message.write(writer, value));
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
      // Decoding owns the list that it began with.
      const values = previous as NonNullable<Out>[];
      do values.push(field.read(inner, packed ? 0 : wireType, undefined) as NonNullable<Out>);
      while (packed && !inner.done);
      return values;
    },
    write(writer, n, values) {
      for (const value of values) field.write(writer, n, value);
    },
  };
}

/** map<string, V>. */
function mapOf<In, Out>(
  number: number,
  value: Field<In, Out>,
): Field<Readonly<Record<string, In>>, Readonly<Record<string, Out>>> {
  const entry = message({ key: string(1), value });
  return {
    number,
    initial: () => ({}),
    read(reader, _wireType, previous = {}) {
      const { key, value: one } = entry.decode(reader.bytes());
      return { ...previous, [key]: one as Out };
    },
    write(writer, n, values) {
      for (const [key, one] of Object.entries(values)) {
        writer.tag(n, 2);
        writer.delimited(() => entry.write(writer, { key, value: one }));
      }
    },
  };
}

/** map<string, string>. */
export const stringMap = (number: number) => mapOf(number, string(2));

/** map<string, bytes>. */
export const bytesMap = (number: number) => mapOf(number, bytes(2));

/** A message from its table of fields. Absent fields are left out; unknown ones are skipped. */
export function message<F extends Fields>(fields: F): Message<InputOf<F>, OutputOf<F>> {
  const byNumber = new Map(Object.entries(fields).map(([name, field]) => [field.number, { name, field }]));
  const entries = Object.entries(fields);
  const write = (writer: Writer, value: InputOf<F>) => {
    for (const [name, field] of entries) {
      const part = value[name];
      if (part !== undefined) field.write(writer, field.number, part);
    }
  };
  return {
    write,
    encode(value) {
      const writer = new Writer();
      write(writer, value);
      return writer.finish();
    },
    decode(input) {
      const reader = new Reader(input);
      const result: Record<string, unknown> = {};
      for (const [name, field] of entries) result[name] = field.initial();
      while (!reader.done) {
        const tag = reader.varint();
        const known = byNumber.get(tag >>> 3);
        if (known) result[known.name] = known.field.read(reader, tag & 7, result[known.name]);
        else reader.skip(tag & 7);
      }
      return result as OutputOf<F>;
    },
  };
}
