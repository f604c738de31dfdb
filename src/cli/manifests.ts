// Reads manifests as kubectl does: files, folders or standard input.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '../apimachinery/error-message.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import { ManifestError, parseManifests } from '../explain/manifests.ts';

function filesOf(path: string): string[] {
  if (path === '-' || !statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => /\.(ya?ml|json)$/.test(name))
    .sort()
    .map((name) => join(path, name));
}

/** The objects of all files, in their order; `-` is standard input, a folder all its .yaml, .yml and .json files. */
export async function readManifests(paths: readonly string[]): Promise<KubeObject[]> {
  const objects: KubeObject[] = [];
  for (const path of paths) {
    try {
      for (const file of filesOf(path)) {
        const [text, name] =
          file === '-' ? [readFileSync(0, 'utf8'), 'standard input'] : [readFileSync(file, 'utf8'), file];
        objects.push(...(await parseManifests(text, name)));
      }
    } catch (error) {
      if (error instanceof ManifestError) throw error;
      throw new ManifestError(`${path}: ${whyUnread(path, error)}`, { cause: error });
    }
  }
  return objects;
}

function whyUnread(path: string, error: unknown): string {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return errorMessage(error);
  return /^https?:/.test(path)
    ? 'nothing is fetched: give what it leads to by `curl -L … | portico … -f -`'
    : 'no such file';
}
