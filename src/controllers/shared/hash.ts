// Hashes for the names of what belongs to a template.

/** Letters that upstream writes for the digits of a hash: no vowels, and nothing that looks like another. */
const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * A short name for a value: FNV-1a of its JSON, and of how often the name was already taken by another. Upstream's hash
 * of the same value is another, since it is of Go's own print of it; only the form is the same.
 */
export function shortHash(value: unknown, collisionCount: number | undefined): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(canonical(value) + (collisionCount ?? ''))) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return [...String(hash)].map((digit) => safeAlphabet[digit.charCodeAt(0) % safeAlphabet.length]).join('');
}

/** JSON with sorted keys: the same for equal values. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
