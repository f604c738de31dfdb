// Reading JSON as the API server does: repeated keys are noticed, errors are worded as Go's.
import { JsonSyntaxError, mostDepth, scanJson } from './go-syntax.ts';

export { JsonSyntaxError };

export interface ParsedJson {
  readonly value: unknown;
  /** Paths of keys that stand twice in one object, where the last value wins: `metadata.name`. */
  readonly duplicates: readonly string[];
}

/** Parses a text. Throws JsonSyntaxError. Costs one JSON.parse and one pass over the text. */
export function parseJson(text: string): ParsedJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    if (cause instanceof RangeError) throw new JsonSyntaxError('exceeded max depth', { cause });
    scanJson(text);
    throw new JsonSyntaxError('invalid JSON', { cause });
  }
  // JSON.parse keeps one of several equal keys: then the text has more colons outside of strings than the value has keys.
  const duplicates = countColons(text) === countKeys(value, 0) ? [] : scanJson(text);
  return { value, duplicates };
}

function countColons(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x3a) count++;
    else if (code === 0x22) {
      for (i++; text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++;
    }
  }
  return count;
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
