// Bytes to messages (RFC 1035, 4), of whoever sent them: what breaks the format is refused, never guessed at.
import { formatAddress } from './address.ts';
import { uncompressedName } from './encode.ts';
import { type Edns, type Message, type Question, type RecordData, type ResourceRecord, TYPE } from './message.ts';
import { FormatError, readName } from './name.ts';

/** Reads a whole message. Throws FormatError when it breaks the format; trailing bytes are ignored. */
export function decodeMessage(packet: Buffer): Message {
  if (packet.length < 12) throw new FormatError('a message is shorter than its header');
  const flags = packet.readUInt16BE(2);
  const counts = [packet.readUInt16BE(4), packet.readUInt16BE(6), packet.readUInt16BE(8), packet.readUInt16BE(10)];
  if (counts[0]! > 1) throw new FormatError('more than one question');
  const reader = new Reader(packet, 12);
  const question = counts[0] === 1 ? reader.question() : undefined;
  const answers = reader.records(counts[1]!);
  const authority = reader.records(counts[2]!);
  if (reader.edns !== undefined) throw new FormatError('an OPT record outside the additional section');
  const additional = reader.records(counts[3]!);
  const edns = reader.edns as Reader['edns'];
  return {
    id: packet.readUInt16BE(0),
    response: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 0xf,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    ...((flags & 0x0020) !== 0 && { authenticData: true }),
    ...((flags & 0x0010) !== 0 && { checkingDisabled: true }),
    rcode: (flags & 0xf) | (edns ? edns.extendedRcode << 4 : 0),
    question,
    answers,
    authority,
    additional,
    edns: edns && { udpSize: edns.udpSize, version: edns.version, dnssecOk: edns.dnssecOk },
  };
}

/** Types whose data may hold compressed names (RFC 3597, 4): the bytes before them, and how many there are. */
const typesWithNames: ReadonlyMap<number, { readonly fixed: number; readonly names: number }> = new Map(
  [
    { types: [3, 4, 7, 8, 9, 39], fixed: 0, names: 1 }, // MD MF MB MG MR DNAME
    { types: [TYPE.MX, 18, 21, 36], fixed: 2, names: 1 }, // AFSDB RT KX
    { types: [14, 17], fixed: 0, names: 2 }, // MINFO RP
    { types: [26], fixed: 2, names: 2 }, // PX
  ].flatMap(({ types, fixed, names }) => types.map((type) => [type, { fixed, names }])),
);

class Reader {
  readonly #packet: Buffer;
  #offset: number;
  edns: (Edns & { extendedRcode: number }) | undefined;

  constructor(packet: Buffer, offset: number) {
    this.#packet = packet;
    this.#offset = offset;
  }

  question(): Question {
    const name = this.#name();
    return { name, type: this.#u16(), class: this.#u16() };
  }

  records(count: number): ResourceRecord[] {
    const records: ResourceRecord[] = [];
    for (let i = 0; i < count; i++) {
      const record = this.#record();
      if (record) records.push(record);
    }
    return records;
  }

  #record(): ResourceRecord | undefined {
    const name = this.#name();
    const type = this.#u16();
    const cls = this.#u16();
    const ttl = this.#u32();
    const length = this.#u16();
    const start = this.#offset;
    const end = start + length;
    if (end > this.#packet.length) throw new FormatError('a record runs over the end');
    if (type === TYPE.OPT) {
      if (this.edns) throw new FormatError('more than one OPT record');
      if (name !== '.') throw new FormatError('an OPT record below the root');
      this.edns = {
        udpSize: cls,
        extendedRcode: ttl >>> 24,
        version: (ttl >>> 16) & 0xff,
        dnssecOk: (ttl & 0x8000) !== 0,
      };
      this.#offset = end;
      return undefined;
    }
    const data = this.#data(type, end);
    if (this.#offset !== end) throw new FormatError('a record is not as long as it says');
    return { name, ttl, data };
  }

  #data(type: number, end: number): RecordData {
    switch (type) {
      case TYPE.A:
      case TYPE.AAAA: {
        const bytes = this.#bytes(end - this.#offset);
        if (bytes.length !== (type === TYPE.A ? 4 : 16)) throw new FormatError('an address of a wrong length');
        return { type: type === TYPE.A ? 'A' : 'AAAA', address: formatAddress(bytes) };
      }
      case TYPE.CNAME:
        return { type: 'CNAME', target: this.#name() };
      case TYPE.NS:
        return { type: 'NS', target: this.#name() };
      case TYPE.PTR:
        return { type: 'PTR', target: this.#name() };
      case TYPE.SRV:
        return { type: 'SRV', priority: this.#u16(), weight: this.#u16(), port: this.#u16(), target: this.#name() };
      case TYPE.TXT: {
        const texts: string[] = [];
        while (this.#offset < end) texts.push(this.#bytes(this.#u8()).toString('latin1'));
        return { type: 'TXT', texts };
      }
      case TYPE.SOA:
        return {
          type: 'SOA',
          primary: this.#name(),
          mailbox: this.#name(),
          serial: this.#u32(),
          refresh: this.#u32(),
          retry: this.#u32(),
          expire: this.#u32(),
          minimum: this.#u32(),
        };
      default: {
        const names = typesWithNames.get(type);
        if (names) return { type: 'opaque', code: type, bytes: this.#withoutPointers(names) };
        return { type: 'opaque', code: type, bytes: Buffer.from(this.#bytes(end - this.#offset)) };
      }
    }
  }

  /** Data that is `fixed` bytes and names, with the names written out, since their pointers mean this packet only. */
  #withoutPointers({ fixed, names }: { fixed: number; names: number }): Buffer {
    const head = Buffer.from(this.#bytes(fixed));
    return Buffer.concat([head, ...Array.from({ length: names }, () => uncompressedName(this.#name()))]);
  }

  #name(): string {
    const { name, end } = readName(this.#packet, this.#offset);
    this.#offset = end;
    return name;
  }

  #bytes(length: number): Buffer {
    const start = this.#take(length);
    return this.#packet.subarray(start, this.#offset);
  }

  #u8(): number {
    return this.#packet[this.#take(1)]!;
  }

  #u16(): number {
    return this.#packet.readUInt16BE(this.#take(2));
  }

  #u32(): number {
    return this.#packet.readUInt32BE(this.#take(4));
  }

  /** Moves on by so many bytes; returns where they start. */
  #take(length: number): number {
    const start = this.#offset;
    if (start + length > this.#packet.length) throw new FormatError('a field runs over the end');
    this.#offset = start + length;
    return start;
  }
}
