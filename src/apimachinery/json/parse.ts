// Reading JSON as the API server does: repeated keys and decimal numbers are noticed, errors are worded as Go's.
import { type HiddenJson, JsonSyntaxError, mostDepth, scanJson } from './go-syntax.ts';
import { isDigit, mayHoldInt64, parseExactly } from './int64.ts';

export { type HiddenJson, JsonSyntaxError };

export interface ParsedJson {
  readonly value: unknown;
  /** Of a text with decimal or very long numbers, or with keys that stand twice in one object: of those the last value is taken. */
  readonly hidden?: HiddenJson;
}

/** Parses a text. Throws JsonSyntaxError. Costs one JSON.parse and one pass over the text. */
export function parseJson(given: string): ParsedJson {
  const text = given.includes('\\u') ? withoutLoneSurrogates(given) : given;
  const isLong = mayHoldInt64(text);
  let value: unknown;
  try {
    value = parseExactly(text, isLong);
  } catch (cause) {
    if (cause instanceof RangeError) throw new JsonSyntaxError('exceeded max depth', { cause });
    scanJson(text);
    throw new JsonSyntaxError('invalid JSON', { cause });
  }
  // JSON.parse keeps one of several equal keys: then the text has more colons outside of strings than the value has keys.
  const colons = isLong ? undefined : simpleColons(text);
  if (colons !== undefined && colons === countKeys(value, 0)) return { value };
  return { value, hidden: scanJson(text) };
}

/** Halves of a character without the other half are no characters: Go reads them as `\ufffd`. */
function withoutLoneSurrogates(text: string): string {
  return text.replace(
    /\\(?:u(d[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}|u(d[89a-f][0-9a-f]{2})|[\s\S])/gi,
    (written, pair, lone) => (pair === undefined && lone !== undefined ? '\\ufffd' : written),
  );
}

/** How many colons stand outside of strings in a text that is valid; undefined where decimal numbers stand there, too. */
function simpleColons(text: string): number | undefined {
  let colons = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x3a) colons++;
    else if (code === 0x22) i = endOfString(text, i);
    else if (code === 0x2e || code === 0x45 || (code === 0x65 && isDigit(text.charCodeAt(i - 1)))) return undefined;
  }
  return colons;
}

/** The place of the quote that closes the string whose opening quote stands at `start`. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
}

function countKeys(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth > mostDepth) throw new JsonSyntaxError('exceeded max depth');
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item, depth + 1);
    return count;
  }
  for (const key in value) count += 1 + countKeys((value as Record<string, unknown>)[key], depth + 1);
  return count;
}
