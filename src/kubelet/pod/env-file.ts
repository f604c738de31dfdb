// Variables from a file in a volume (`valueFrom.fileKeyRef`, KEP-3721).
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The value of a key in the text of such a file: lines of `KEY=value` or `KEY='value'`, where a quoted value is taken as it is,
 * over lines. Blank lines and those that begin with `#` say nothing. Undefined when it has no such key.
 */
export function valueInFile(text: string, key: string): string | undefined {
  const assignment = /^[ \t]*([^#=\s][^=\n]*?)[ \t]*=[ \t]*(?:'([^']*)'[ \t]*|([^'\n]*?)[ \t]*)$/gm;
  for (const [, name, quoted, plain] of text.matchAll(assignment)) if (name === key) return quoted ?? plain;
  return undefined;
}

/** The text of a file in a volume; undefined when it is not there, or when its path leads out of the volume. */
export async function readInside(volume: string, path: string): Promise<string | undefined> {
  const root = await realpath(volume).catch(() => undefined);
  const file = root && (await realpath(join(root, path)).catch(() => undefined));
  if (!file?.startsWith(`${root}/`)) return undefined;
  return readFile(file, 'utf8').catch(() => undefined);
}
