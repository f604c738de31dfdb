// Patterns are Go's regular expressions (RE2), and whoever may write objects chooses the texts: matching must never take
// longer than linear time. JavaScript's engine is fast and takes what cannot be slow; RE2, loaded when it is first
// needed, takes the rest, and says which patterns are none.
import { createRequire } from 'node:module';
import type { RE2JS } from '@bufbuild/re2';

interface Matcher {
  test(text: string): boolean;
}

const require = createRequire(import.meta.url);

function re2(pattern: string): RE2JS {
  const library = require('@bufbuild/re2') as { readonly RE2JS: new (pattern: string) => RE2JS };
  return new library.RE2JS(pattern);
}

const mostKept = 1000;
const kept = new Map<string, { readonly quick: Matcher | undefined; thorough: Matcher | undefined }>();

/** Longer texts are RE2's: what is quadratic is quick as long as it is short. */
const longestQuick = 256;

/** What is wrong with a pattern, in Go's words; undefined: nothing. */
export function patternProblem(pattern: string): string | undefined {
  try {
    re2(pattern);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** True, too, for a pattern that is none: it was refused when it came. */
export function matchesPattern(pattern: string, text: string): boolean {
  let matcher = kept.get(pattern);
  if (!matcher) {
    if (kept.size >= mostKept) kept.clear();
    matcher = { quick: quickMatcher(pattern), thorough: undefined };
    kept.set(pattern, matcher);
  }
  if (matcher.quick && text.length <= longestQuick) return matcher.quick.test(text);
  try {
    matcher.thorough ??= re2(pattern);
    return matcher.thorough.test(text);
  } catch {
    return true;
  }
}

/** JavaScript's own, for patterns that mean the same there and repeat no group, which could take exponential time. */
function quickMatcher(pattern: string): Matcher | undefined {
  const repeatsGroup = /\)[*+{]/.test(pattern);
  const isForeign = /\(\?(?!:)|\[\[?:|\\[^\w\s]?[AzCQEpP]|\\[^dDsSwWbBnrtfv.\\/^$*+?()[\]{}|-]/.test(pattern);
  if (repeatsGroup || isForeign) return undefined;
  try {
    // Escapes that mean nothing (`\-` outside of a class) are errors in unicode mode: those are RE2's as well.
    return new RegExp(pattern, 'u');
  } catch {
    return undefined;
  }
}
