import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';

/** The text of a file in a volume; undefined when it is not there, or when its path leads out of the volume. */
export async function readInside(volume: string, path: string): Promise<string | undefined> {
  const root = await realpath(volume).catch(() => undefined);
  const file = root && (await realpath(join(root, path)).catch(() => undefined));
  if (!file?.startsWith(`${root}/`)) return undefined;
  return readFile(file, 'utf8').catch(() => undefined);
}
