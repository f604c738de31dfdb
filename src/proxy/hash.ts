// Names of chains that are hashes, as kube-proxy makes them.
import { createHash } from 'node:crypto';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The first `length` letters of the base32 form (RFC 4648) of the text's SHA-256. */
export function shortHash(text: string, length: number): string {
  const digest = createHash('sha256').update(text).digest();
  let name = '';
  let bits = 0;
  let value = 0;
  for (const byte of digest) {
    value = ((value << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      name += alphabet[(value >> bits) & 31];
      if (name.length === length) return name;
    }
  }
  return name;
}
