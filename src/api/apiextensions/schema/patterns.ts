// Patterns are written for Go's regexp (RE2); what JavaScript spells otherwise is translated.

const classes: Readonly<Record<string, string>> = {
  alnum: 'a-zA-Z0-9',
  alpha: 'a-zA-Z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  digit: '0-9',
  lower: 'a-z',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** Undefined where the pattern is none. */
export function compilePattern(pattern: string): RegExp | undefined {
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const source = (flags ? pattern.slice(flags[0].length) : pattern)
    .replace(/\[:(\w+):\]/g, (whole, name: string) => classes[name] ?? whole)
    .replaceAll('(?P<', '(?<')
    .replaceAll('\\A', '^')
    .replaceAll('\\z', '$')
    .replace(/\\p([A-Z])(?![a-z{])/g, '\\p{$1}');
  for (const mode of ['u', '']) {
    try {
      return new RegExp(source, (flags?.[1] ?? '') + mode);
    } catch {
      // Escapes that mean nothing (`\-`) are errors in unicode mode only.
    }
  }
  return undefined;
}
