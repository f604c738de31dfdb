// Patterns are Go's regular expressions (RE2), and whoever may write objects chooses the texts: matching must never take
// longer than linear time. JavaScript's engine is fast and takes what cannot be slow; RE2, loaded when it is first
// needed, takes the rest, and says which patterns are none.
import { createRequire } from 'node:module';
import type { RE2JS } from '@bufbuild/re2';
import { errorMessage } from '../../../apimachinery/error-message.ts';

interface Matcher {
  test(text: string): boolean;
}

const require = createRequire(import.meta.url);

function re2(pattern: string): RE2JS {
  const library = require('@bufbuild/re2') as { readonly RE2JS: new (pattern: string) => RE2JS };
  return new library.RE2JS(pattern);
}

interface Matchers {
  readonly quick: Matcher | undefined;
  /** RE2's, once it was needed. */
  thorough: Matcher | undefined;
}

const mostKept = 1000;
const kept = new Map<string, Matchers>();

/** Longer texts are RE2's: what is quadratic is quick as long as it is short. */
const longestQuick = 256;

function matchersOf(pattern: string): Matchers {
  let matchers = kept.get(pattern);
  if (!matchers) {
    if (kept.size >= mostKept) kept.clear();
    matchers = { quick: quickMatcher(pattern), thorough: undefined };
    kept.set(pattern, matchers);
  }
  return matchers;
}

/** What is wrong with a pattern, in Go's words; undefined: nothing. */
export function patternProblem(pattern: string): string | undefined {
  const matchers = matchersOf(pattern);
  // What both engines mean the same by is none that RE2 refuses, but for a thousand repetitions and a class of nothing.
  if (matchers.quick && !/\{\d*,?\d{4}|\[\^?\]/.test(pattern)) return undefined;
  try {
    matchers.thorough ??= re2(pattern);
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

function thoroughMatcher(matchers: Matchers, pattern: string): Matcher | undefined {
  try {
    matchers.thorough ??= re2(pattern);
  } catch {
    // Refused when it came.
  }
  return matchers.thorough;
}

/** True, too, for a pattern that is none: it was refused when it came. */
export function matchesPattern(pattern: string, text: string): boolean {
  const matchers = matchersOf(pattern);
  if (matchers.quick && text.length <= longestQuick) return matchers.quick.test(text);
  return thoroughMatcher(matchers, pattern)?.test(text) ?? true;
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
