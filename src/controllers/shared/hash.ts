// Hashes for the names of what belongs to a template.
import { sortedKeys } from '../../apimachinery/json/go-text.ts';

/** Letters that upstream writes for the digits of a hash: no vowels, and nothing that looks like another. */
const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * A short name for a value: FNV-1a of its JSON, and of how often the name was already taken by another. Upstream's hash
 * of the same value is another, since it is of Go's own print of it; only the form is the same.
 */
export function shortHash(value: unknown, collisionCount: number | undefined): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(JSON.stringify(sortedKeys(value)) + (collisionCount ?? ''))) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return [...String(hash)].map((digit) => safeAlphabet[digit.charCodeAt(0) % safeAlphabet.length]).join('');
}
