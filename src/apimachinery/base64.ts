// Base64 (RFC 4648, section 4) as Go's encoding/base64 reads it: line breaks count for nothing, and what is wrong has a place.

const canonical = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/;
const digit = /[A-Za-z0-9+/]/;
const lineBreak = /[\r\n]/;

/** The text as Go writes the bytes that it stands for; throws an Error, in Go's words, where it stands for none. */
export function canonicalBase64(text: string): string {
  if (canonical.test(text)) return text;
  const wrong = firstIllegal(text);
  if (wrong !== undefined) throw new Error(`illegal base64 data at input byte ${wrong}`);
  return Buffer.from(text, 'base64').toString('base64');
}

/** Where Go stops reading: the place in bytes, for all before it is ASCII. Undefined: it reads all. */
function firstIllegal(text: string): number | undefined {
  const afterBreaks = (from: number) => {
    let at = from;
    while (at < text.length && lineBreak.test(text[at]!)) at += 1;
    return at;
  };
  // Digits of the four that are read together.
  let digits = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (lineBreak.test(character)) continue;
    if (digit.test(character)) {
      digits = (digits + 1) % 4;
      continue;
    }
    if (character !== '=' || digits < 2) return at;
    let next = afterBreaks(at + 1);
    if (digits === 2) {
      if (next === text.length) return text.length;
      if (text[next] !== '=') return next - 1;
      next = afterBreaks(next + 1);
    }
    return next < text.length ? next : undefined;
  }
  return digits === 0 ? undefined : text.length - digits;
}
