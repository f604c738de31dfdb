// NaCl's secretbox, XSalsa20 and Poly1305 (https://nacl.cr.yp.to/secretbox.html), laid out as kube-apiserver's transformer
// secretbox. Neither is in Node.js's OpenSSL.
import { timingSafeEqual } from 'node:crypto';
import type { Random } from '../../system/random.ts';
import type { Cipher } from './transformer.ts';

const nonceBytes = 24;
const tagBytes = 16;

/** `secret`: 32 bytes. Nonce, tag, ciphertext; the key in the store is not authenticated. */
export function secretbox(secret: Uint8Array, random: Random): Cipher {
  return {
    seal(value) {
      const nonce = Buffer.from(random.bytes(nonceBytes));
      const { oneTimeKey, apply } = xsalsa20(secret, nonce);
      const sealed = apply(value);
      return Buffer.concat([nonce, poly1305(oneTimeKey, sealed), sealed]);
    },
    open(stored) {
      if (stored.length < nonceBytes + tagBytes) throw new Error('the stored data was shorter than the required size');
      const { oneTimeKey, apply } = xsalsa20(secret, stored.subarray(0, nonceBytes));
      const sealed = stored.subarray(nonceBytes + tagBytes);
      const tag = stored.subarray(nonceBytes, nonceBytes + tagBytes);
      // Upstream's words for a tag that is wrong.
      if (!timingSafeEqual(poly1305(oneTimeKey, sealed), tag)) {
        throw new Error('output array was not large enough for encryption');
      }
      return apply(sealed);
    },
  };
}

/** The stream of a key and a nonce: its first 32 bytes are Poly1305's key, the message begins after them. */
function xsalsa20(secret: Uint8Array, nonce: Buffer) {
  const key = words(Buffer.from(secret));
  const mixed = salsa20Rounds(input(key, words(nonce.subarray(0, 16))));
  // HSalsa20: the words that the input's constants and nonce stood in.
  const subkey = [0, 5, 10, 15, 6, 7, 8, 9].map((at) => mixed[at]!);
  const tail = words(nonce.subarray(16));
  const block = (counter: number): Buffer => {
    const start = input(subkey, [...tail, counter >>> 0, Math.floor(counter / 2 ** 32)]);
    const out = salsa20Rounds(start);
    const bytes = Buffer.allocUnsafe(64);
    for (let at = 0; at < 16; at++) bytes.writeUInt32LE((out[at]! + start[at]!) >>> 0, 4 * at);
    return bytes;
  };
  return {
    oneTimeKey: block(0).subarray(0, 32),
    apply(message: Buffer): Buffer {
      const result = Buffer.allocUnsafe(message.length);
      let stream = block(0);
      for (let at = 0, used = 32, counter = 0; at < message.length; at++, used++) {
        if (used === 64) {
          stream = block(++counter);
          used = 0;
        }
        result[at] = message[at]! ^ stream[used]!;
      }
      return result;
    },
  };
}

function words(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readUInt32LE(4 * at));
}

/** `expand 32-byte k` */
const constants = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;

/** The square that Salsa20 begins with: eight words of the key, four of nonce and counter. */
function input(key: readonly number[], nonce: readonly number[]): Uint32Array {
  const [a, b, c, d] = constants;
  return Uint32Array.of(a, ...key.slice(0, 4), b, ...nonce, c, ...key.slice(4), d);
}

/** Which words a quarter round mixes: first the columns, then the rows. */
const quarterRounds = [
  [0, 4, 8, 12],
  [5, 9, 13, 1],
  [10, 14, 2, 6],
  [15, 3, 7, 11],
  [0, 1, 2, 3],
  [5, 6, 7, 4],
  [10, 11, 8, 9],
  [15, 12, 13, 14],
] as const;

function salsa20Rounds(start: Uint32Array): Uint32Array {
  const x = Uint32Array.from(start);
  for (let round = 0; round < 10; round++) {
    for (const [a, b, c, d] of quarterRounds) {
      x[b]! ^= rotated(x[a]! + x[d]!, 7);
      x[c]! ^= rotated(x[b]! + x[a]!, 9);
      x[d]! ^= rotated(x[c]! + x[b]!, 13);
      x[a]! ^= rotated(x[d]! + x[c]!, 18);
    }
  }
  return x;
}

function rotated(sum: number, by: number): number {
  return (sum << by) | (sum >>> (32 - by));
}

/** Numbers of 130 bits are ten limbs of 13: their products add up exactly in a number. */
const limbs = 10;
const limbBits = 13;
const limbMask = 0x1fff;

/** RFC 8439, section 2.5. */
function poly1305(key: Buffer, message: Buffer): Buffer {
  const clamped = Buffer.from(key.subarray(0, 16));
  for (const at of [3, 7, 11, 15]) clamped[at]! &= 15;
  for (const at of [4, 8, 12]) clamped[at]! &= 252;
  const r = limbsOf(clamped, 0);
  const h = new Float64Array(limbs);
  const product = new Float64Array(limbs);
  const block = Buffer.alloc(16);
  for (let start = 0; start < message.length; start += 16) {
    const length = Math.min(16, message.length - start);
    if (length < 16) block.fill(0);
    message.copy(block, 0, start, start + length);
    if (length < 16) block[length] = 1;
    const added = limbsOf(block, length === 16 ? 1 : 0);
    for (let at = 0; at < limbs; at++) h[at]! += added[at]!;
    for (let at = 0; at < limbs; at++) {
      let sum = 0;
      for (let from = 0; from < limbs; from++) {
        // What is beyond 2^130 comes back five times: 2^130 = 5 modulo the prime.
        sum += from <= at ? h[from]! * r[at - from]! : 5 * h[from]! * r[at + limbs - from]!;
      }
      product[at] = sum;
    }
    h.set(product);
    carry(h);
  }
  return finished(h, key.subarray(16, 32));
}

/** The bytes as limbs, with `top` above their 128 bits. */
function limbsOf(bytes: Buffer, top: number): Float64Array {
  const result = new Float64Array(limbs);
  for (let at = 0; at < limbs; at++) {
    const bit = at * limbBits;
    const first = bit >> 3;
    const three = (bytes[first] ?? 0) | ((bytes[first + 1] ?? 0) << 8) | ((bytes[first + 2] ?? 0) << 16);
    result[at] = (three >> (bit & 7)) & limbMask;
  }
  // Bit 128 is bit 11 of the last limb.
  result[limbs - 1]! += top * 2 ** (128 - limbBits * (limbs - 1));
  return result;
}

function carry(h: Float64Array): void {
  let over = 0;
  for (let at = 0; at < limbs; at++) {
    const sum = h[at]! + over;
    over = Math.floor(sum / (limbMask + 1));
    h[at] = sum - over * (limbMask + 1);
  }
  h[0]! += 5 * over;
}

const prime = (1n << 130n) - 5n;

function finished(h: Float64Array, pad: Buffer): Buffer {
  const number = h.reduceRight((sum, limb) => (sum << BigInt(limbBits)) + BigInt(limb), 0n) % prime;
  const tag = (number + littleEndian(pad)) & ((1n << 128n) - 1n);
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse();
}

function littleEndian(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}
