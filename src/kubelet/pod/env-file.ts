// Variables from a file in a volume (`valueFrom.fileKeyRef`, KEP-3721): what its text says.

/**
 * The value of a key in the text of such a file: lines of `KEY=value` or `KEY='value'`, where a quoted value is taken as it is,
 * over lines. Blank lines and those that begin with `#` say nothing. Undefined when it has no such key.
 */
export function valueInFile(text: string, key: string): string | undefined {
  const assignment = /^[ \t]*([^#=\s][^=\n]*?)[ \t]*=[ \t]*(?:'([^']*)'[ \t]*|([^'\n]*?)[ \t]*)$/gm;
  for (const [, name, quoted, plain] of text.matchAll(assignment)) if (name === key) return quoted ?? plain;
  return undefined;
}
