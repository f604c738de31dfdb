// Variables from a file in a volume (`valueFrom.fileKeyRef`, KEP-3721): what its text says.

/**
 * The value of a key in the text of such a file: lines of `KEY=value` or `KEY='value'`, where a quoted value is taken as it is,
 * over lines. Blank lines and those that begin with `#` say nothing. Undefined when it has no such key.
 */
export function valueInFile(text: string, key: string): string | undefined {
  for (let at = 0; at < text.length; ) {
    const end = endOfLine(text, at);
    const line = text.slice(at, end);
    const equals = line.indexOf('=');
    const name = withoutBlanks(line.slice(0, Math.max(equals, 0)));
    const isAssignment = name !== '' && !name.startsWith('#');
    const plain = withoutBlanks(line.slice(equals + 1));
    const quoted = isAssignment && plain.startsWith("'") ? quotedAt(text, text.indexOf("'", at + equals)) : undefined;
    if (isAssignment && name === key) {
      if (quoted) return quoted.value;
      if (!plain.includes("'")) return plain;
    }
    at = (quoted?.end ?? end) + 1;
  }
  return undefined;
}

/** The value whose opening quote stands at `open`; undefined where it does not end, or more follows on the line where it does. */
function quotedAt(text: string, open: number): { readonly value: string; readonly end: number } | undefined {
  const close = text.indexOf("'", open + 1);
  if (close < 0) return undefined;
  const end = endOfLine(text, close);
  return withoutBlanks(text.slice(close + 1, end)) === '' ? { value: text.slice(open + 1, close), end } : undefined;
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

/** Without those around it. By hand: an expression for those at the end looks from each blank of a long row to the end of it. */
function withoutBlanks(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text[start]!)) start++;
  while (end > start && isBlank(text[end - 1]!)) end--;
  return text.slice(start, end);
}

const isBlank = (char: string): boolean => char === ' ' || char === '\t' || char === '\r';
