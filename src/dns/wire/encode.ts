// Messages to bytes (RFC 1035, 4), in one buffer that all of them are written in.
import { addressBytes } from './address.ts';
import { CLASS_IN, type Message, type RecordData, type ResourceRecord, TYPE, typeCode } from './message.ts';
import { checkLabel, endOfLabel, labelBytes, labelsOf } from './name.ts';

/** The largest message over TCP, and so of all. */
export const longestMessage = 65_535;
/** Where the question's name stands. */
const questionAt = 12;

/**
 * Writes a message, compressing owner names. When it would be longer than `limit` bytes, records are left out from the
 * end; the TC flag says so, unless they were only additional (RFC 2181, 9).
 */
export function encodeMessage(message: Message, limit: number = longestMessage): Buffer {
  const optSize = message.edns ? 11 : 0;
  const writer = new Writer();
  writer.header(message);
  if (message.question) writer.question(message.question);
  const counts = [0, 0, 0];
  let truncated = message.truncated;
  for (const [section, records] of [message.answers, message.authority, message.additional].entries()) {
    for (const record of records) {
      const before = writer.length;
      if (!truncated) writer.record(record);
      if (truncated || writer.length + optSize > limit) {
        writer.cut(before);
        // What is only additional may be left out without a word (RFC 2181, 9).
        truncated ||= section < 2;
        break;
      }
      counts[section]! += 1;
    }
  }
  if (message.edns) {
    writer.opt(message);
    counts[2]! += 1;
  }
  return writer.finish(message.question ? 1 : 0, counts, truncated);
}

/** A name written out in full, with the root label. */
export function uncompressedName(name: string): Buffer {
  const parts: Uint8Array[] = [];
  for (const label of labelsOf(name)) {
    const bytes = labelBytes(label);
    parts.push(Uint8Array.of(bytes.length), bytes);
  }
  parts.push(Uint8Array.of(0));
  return Buffer.concat(parts);
}

/** Where messages are written before their length is known; one at a time, since writing never waits. */
const scratch = Buffer.allocUnsafeSlow(4096);

class Writer {
  #buffer = scratch;
  #length = 0;
  /** The question's name, unless it is the root. */
  #questionName: string | undefined;
  /** Where each suffix of a name was first written; made when a name other than the question's comes. */
  #written: Map<string, number> | undefined;

  get length(): number {
    return this.#length;
  }

  header(message: Message): void {
    const flags =
      (message.response ? 0x8000 : 0) |
      (message.opcode << 11) |
      (message.authoritative ? 0x0400 : 0) |
      (message.recursionDesired ? 0x0100 : 0) |
      (message.recursionAvailable ? 0x0080 : 0) |
      (message.authenticData ? 0x0020 : 0) |
      (message.checkingDisabled ? 0x0010 : 0) |
      (message.rcode & 0xf);
    this.#u16(message.id);
    this.#u16(flags);
    for (let i = 0; i < 4; i++) this.#u16(0);
  }

  question({ name, type, class: cls }: { name: string; type: number; class: number }): void {
    for (let at = 0; at < name.length && name !== '.'; ) at = this.#label(name, at);
    this.#u8(0);
    if (name !== '.') this.#questionName = name;
    this.#u16(type);
    this.#u16(cls);
  }

  record({ name, ttl, data }: ResourceRecord): void {
    this.#name(name);
    this.#u16(typeCode(data));
    this.#u16(CLASS_IN);
    this.#u32(ttl);
    const lengthAt = this.#length;
    this.#u16(0);
    this.#data(data);
    this.#buffer.writeUInt16BE(this.#length - lengthAt - 2, lengthAt);
  }

  opt({ edns, rcode }: Message): void {
    this.#u8(0);
    this.#u16(TYPE.OPT);
    this.#u16(edns?.udpSize ?? 0);
    this.#u32(((rcode >> 4) << 24) | (edns?.dnssecOk ? 0x8000 : 0));
    this.#u16(0);
  }

  /** Takes back what was written after `length`. */
  cut(length: number): void {
    this.#length = length;
    for (const [suffix, offset] of this.#written ?? []) if (offset >= length) this.#written?.delete(suffix);
  }

  finish(questions: number, counts: readonly number[], truncated: boolean): Buffer {
    this.#buffer.writeUInt16BE(questions, 4);
    for (const [section, count] of counts.entries()) this.#buffer.writeUInt16BE(count, 6 + 2 * section);
    if (truncated) this.#buffer[2]! |= 0x02;
    const message = Buffer.allocUnsafe(this.#length);
    this.#buffer.copy(message, 0, 0, this.#length);
    return message;
  }

  #data(data: RecordData): void {
    switch (data.type) {
      case 'A':
      case 'AAAA':
        this.#bytes(addressBytes(data.address));
        break;
      case 'CNAME':
      case 'NS':
      case 'PTR':
        this.#name(data.target);
        break;
      case 'SRV':
        this.#u16(data.priority);
        this.#u16(data.weight);
        this.#u16(data.port);
        // RFC 2782: the target is not compressed.
        this.#bytes(uncompressedName(data.target));
        break;
      case 'TXT':
        for (const text of data.texts) {
          const bytes = Buffer.from(text, 'latin1').subarray(0, 255);
          this.#u8(bytes.length);
          this.#bytes(bytes);
        }
        break;
      case 'SOA':
        this.#name(data.primary);
        this.#name(data.mailbox);
        for (const number of [data.serial, data.refresh, data.retry, data.expire, data.minimum]) this.#u32(number);
        break;
      case 'opaque':
        this.#bytes(data.bytes);
        break;
    }
  }

  /** Writes a name, pointing back to the longest suffix that stands already. Cases are kept apart, so that each name reads back as it was given. */
  #name(name: string): void {
    for (let at = 0; at < name.length && name !== '.'; ) {
      const suffix = name.slice(at);
      const offset = this.#offsetOf(suffix);
      if (offset !== undefined) {
        this.#u16(0xc000 | offset);
        return;
      }
      if (this.#length < 0x4000) this.#written?.set(suffix, this.#length);
      at = this.#label(name, at);
    }
    this.#u8(0);
  }

  #offsetOf(suffix: string): number | undefined {
    // Most records have the question's own name, and it is no key: V8 keeps a table of all strings that are.
    if (suffix === this.#questionName) return questionAt;
    this.#written ??= this.#suffixesOfQuestion();
    return this.#written.get(suffix);
  }

  #suffixesOfQuestion(): Map<string, number> {
    const suffixes = new Map<string, number>();
    const name = this.#questionName ?? '';
    let offset = questionAt;
    for (let at = 0; at < name.length; at = endOfLabel(name, at) + 1) {
      if (at > 0) suffixes.set(name.slice(at), offset);
      offset += 1 + this.#buffer[offset]!;
    }
    return suffixes;
  }

  /** Writes the label that starts at `at` of an absolute name; returns where the next one starts. */
  #label(name: string, at: number): number {
    const end = endOfLabel(name, at);
    const label = name.slice(at, end);
    if (label.includes('\\')) {
      const bytes = labelBytes(label);
      this.#u8(bytes.length);
      this.#bytes(bytes);
    } else {
      checkLabel(label);
      this.#u8(label.length);
      this.#reserve(label.length);
      this.#length += this.#buffer.write(label, this.#length, 'latin1');
    }
    return end + 1;
  }

  #bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #u8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  #u16(value: number): void {
    this.#reserve(2);
    this.#length = this.#buffer.writeUInt16BE(value, this.#length);
  }

  #u32(value: number): void {
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32BE(value >>> 0, this.#length);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
