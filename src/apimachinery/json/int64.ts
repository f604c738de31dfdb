// Whole numbers that JavaScript's numbers cannot hold: Go reads them as int64, and custom resources may have them. Here they are
// bigints, from the text of a request to that of storage and back. All other numbers stay what they are.

/**
 * Also in texts that JSON.stringify makes, wherever such a number stands in what it is given. The whole process has this, a user's
 * tests that import portico/testing too: JSON is written in hundreds of places, of which no type tells whether a custom resource is
 * in what they are given, and one that was forgotten would throw. Who defines another one writes such numbers otherwise into storage.
 */
Object.defineProperty(BigInt.prototype, 'toJSON', {
  configurable: true,
  writable: true,
  value(this: bigint): unknown {
    return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(this.toString());
  },
});

/** Digits of the smallest number that is not exact, less one for good measure. */
const longest = 15;

/**
 * Whether more than fifteen digits follow each other somewhere in the text, in a number or elsewhere. It looks at one character in
 * sixteen, so that the many texts without any pay next to nothing.
 */
export function mayHoldInt64(text: string): boolean {
  for (let at = longest; at < text.length; at += longest + 1) {
    if (!isDigit(text.charCodeAt(at))) continue;
    let [start, end] = [at, at + 1];
    while (isDigit(text.charCodeAt(start - 1))) start--;
    while (isDigit(text.charCodeAt(end))) end++;
    if (end - start > longest) return true;
  }
  return false;
}

/** Of a UTF-16 unit: 0 to 9. */
export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** JSON.parse, but with bigints for whole numbers from 2^53 to 2^63. Throws as JSON.parse does. `isLong`: who looked already says so. */
export function parseExactly(text: string, isLong = mayHoldInt64(text)): unknown {
  return isLong ? JSON.parse(text, exactly) : JSON.parse(text);
}

/** Written with a fraction or an exponent, or too large for an int64, a number is a float64 to Go as well. */
function exactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' ? exactNumber(value, context?.source ?? '') : value;
}

/** What a number of JSON is, given as JavaScript reads it and as it is written. */
export function exactNumber(value: number, source: string): number | bigint {
  if (Number.isSafeInteger(value) || !/^-?\d+$/.test(source)) return value;
  const whole = BigInt(source);
  return BigInt.asIntN(64, whole) === whole ? whole : value;
}
