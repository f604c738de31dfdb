// Regular expressions in RE2's syntax, matched in time linear to the text.

import { RE2JS } from '@bufbuild/re2';
import { errorMessage } from '../apimachinery/error-message.ts';
import { CelError } from './errors.ts';
import { matchesIn } from './regex-search.ts';

const mostKept = 500;
const kept = new Map<string, RE2JS>();

/** Throws CelError for what is no regular expression, in Go's words as far as RE2 knows them. */
export function compileRegex(pattern: string): RE2JS {
  const known = kept.get(pattern);
  if (known) return known;
  const made = compile(pattern);
  if (kept.size >= mostKept) kept.clear();
  kept.set(pattern, made);
  return made;
}

function compile(pattern: string): RE2JS {
  try {
    return new RE2JS(pattern);
  } catch (error) {
    throw new CelError(errorMessage(error));
  }
}

/** All matches, at most `limit`; negative: all. */
export function findMatches(text: string, pattern: string, limit: number): string[] {
  const regex = compileRegex(pattern);
  // Where there is none its automaton knows it sooner.
  if (limit === 0 || !regex.test(text)) return [];
  const found: string[] = [];
  for (const match of matchesIn(text, regex)) {
    found.push(match);
    if (found.length === limit) break;
  }
  return found;
}
