// Regular expressions in RE2's syntax. Whether a text matches is decided by RE2 itself, in time linear to the text; where a
// match lies only JavaScript's engine can say, with the pattern put into its syntax.

import { RE2JS } from '@bufbuild/re2';
import { table } from '../apimachinery/table.ts';
import { CelError } from './errors.ts';

interface Matcher {
  test(text: string): boolean;
}

const kept = 500;

function cached<T>(make: (pattern: string) => T): (pattern: string) => T {
  const made = new Map<string, T>();
  return (pattern) => {
    let found = made.get(pattern);
    if (found === undefined) {
      found = make(pattern);
      if (made.size >= kept) made.clear();
      made.set(pattern, found);
    }
    return found;
  };
}

/** Throws CelError for what is no regular expression, in Go's words as far as RE2 knows them. */
export const compileRegex: (pattern: string) => Matcher = cached((pattern) => {
  try {
    return new RE2JS(pattern);
  } catch (error) {
    throw new CelError(error instanceof Error ? error.message : String(error));
  }
});

const positional = cached((pattern) => {
  compileRegex(pattern);
  try {
    return new RegExp(translate(pattern), 'gu');
  } catch {
    throw new CelError(`error parsing regexp: unsupported here: \`${pattern}\``);
  }
});

const classes = table<string>({
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: '0-9A-Za-z',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\t\\n\\v\\f\\r ',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
  punct: '!-\\/:-@\\[-`\\{-~',
  blank: '\\t ',
});

/** From RE2's syntax to JavaScript's, for what differs: anchors, named groups, POSIX classes, needless escapes. */
function translate(pattern: string): string {
  return pattern
    .replace(/\[:(\w+):\]/g, (all, name: string) => classes[name] ?? all)
    .replaceAll('(?P<', '(?<')
    .replace(/\\([\s\S])/g, (all, char: string) => {
      if (char === 'A') return '(?<![\\s\\S])';
      if (char === 'z') return '(?![\\s\\S])';
      return /[-!"#%&',:;<=>@_`~ ]/.test(char) ? (char === '-' ? '\\x2d' : char) : all;
    })
    .replace(/^\(\?([ims]+)\)([\s\S]*)$/, '(?$1:$2)');
}

/** The first match; undefined where there is none. */
export function findMatch(text: string, pattern: string): string | undefined {
  if (!compileRegex(pattern).test(text)) return undefined;
  const regex = positional(pattern);
  regex.lastIndex = 0;
  return regex.exec(text)?.[0];
}

/** All matches, at most `limit`; negative: all. */
export function findMatches(text: string, pattern: string, limit: number): string[] {
  if (limit === 0 || !compileRegex(pattern).test(text)) return [];
  const found: string[] = [];
  for (const [match] of text.matchAll(positional(pattern))) {
    found.push(match);
    if (found.length === limit) break;
  }
  return found;
}
