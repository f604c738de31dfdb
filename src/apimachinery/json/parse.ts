// Reading JSON as the API server does: repeated keys are noticed, errors are worded as Go's.
import { JsonSyntaxError, scanJson } from './go-syntax.ts';

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
    scanJson(text);
    throw new JsonSyntaxError('invalid JSON', { cause });
  }
  // JSON.parse keeps one of several equal keys: then the text has more colons outside of strings than the value has keys.
  const duplicates = countColons(text) === countKeys(value) ? [] : scanJson(text);
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

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item);
    return count;
  }
  for (const key in value) count += 1 + countKeys((value as Record<string, unknown>)[key]);
  return count;
}
