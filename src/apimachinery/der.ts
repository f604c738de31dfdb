// As much of ASN.1's distinguished encoding (ITU-T X.690) as certificates and requests for them are made of.

/** One element: its tag, length and content. */
function element(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(body.length)]), body]);
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => element(0x30, ...parts);
export const set = (...parts: readonly Uint8Array[]): Buffer => element(0x31, ...parts);
export const octets = (content: Uint8Array): Buffer => element(0x04, content);
export const utf8 = (text: string): Buffer => element(0x0c, Buffer.from(text));
export const isTrue: Buffer = element(0x01, Buffer.from([0xff]));
/** A positive integer: the first bit of the bytes must not be set. */
export const integer = (...bytes: readonly number[]): Buffer => element(0x02, Buffer.from(bytes));
/** Whole bytes, or with so many bits at the end that do not count. */
export const bits = (content: Uint8Array, unused = 0): Buffer => element(0x03, Buffer.from([unused]), content);
/** What carries a number of its own in place of a type: `[0]`; `constructed` where it holds elements. */
export const tagged = (number: number, content: Uint8Array, kind: 'constructed' | 'primitive'): Buffer =>
  element((kind === 'constructed' ? 0xa0 : 0x80) | number, content);

/** Of an object identifier as `2.5.4.3`. */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const number of rest) {
    const groups = [number % 128];
    for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift(0x80 | (left % 128));
    bytes.push(...groups);
  }
  return element(0x06, Buffer.from(bytes));
}

/** Of milliseconds since the epoch, to the second: UTCTime until 2049, then GeneralizedTime (RFC 5280 section 4.1.2.5). */
export function time(milliseconds: number): Buffer {
  const text = new Date(milliseconds).toISOString();
  const digits = `${text.slice(0, 19).replace(/[-:T]/g, '')}Z`;
  return text < '2050' ? element(0x17, Buffer.from(digits.slice(2))) : element(0x18, Buffer.from(digits));
}

export interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
}

/** Bytes that are no such elements, in the words of Go's encoding/asn1. */
export class DerError extends RangeError {}

/** The elements that stand one after another; lengths of up to four bytes. Throws a DerError. */
export function elements(der: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < der.length; ) {
    const tag = der[at]!;
    const first = der[at + 1];
    if (first === undefined) throw new DerError('asn1: syntax error: truncated tag or length');
    const extra = first < 0x80 ? 0 : first & 0x7f;
    if (extra > 4 || first === 0x80) throw new DerError('asn1: structure error: length too large');
    const start = at + 2 + extra;
    if (start > der.length) throw new DerError('asn1: syntax error: truncated tag or length');
    const length = extra === 0 ? first : der.readUIntBE(at + 2, extra);
    if (start + length > der.length) throw new DerError('asn1: syntax error: data truncated');
    found.push({ tag, content: der.subarray(start, start + length), whole: der.subarray(at, start + length) });
    at = start + length;
  }
  return found;
}
