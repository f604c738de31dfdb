// Reads manifests as kubectl does: YAML of several documents or JSON, files or standard input, Lists taken apart.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '../apimachinery/object.ts';

/** What is wrong with a file, in one line. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectsIn(value: unknown, file: string): KubeObject[] {
  if (value === null || value === undefined) return [];
  if (!isRecord(value) || typeof value['kind'] !== 'string') {
    throw new ManifestError(`${file}: a document without a kind is no Kubernetes object`);
  }
  if (value['kind'].endsWith('List') && Array.isArray(value['items'])) {
    const kind = value['kind'].slice(0, -'List'.length);
    return value['items'].flatMap((item) => objectsIn(isRecord(item) && kind !== '' ? { kind, ...item } : item, file));
  }
  const { metadata } = value;
  if (!isRecord(metadata) || typeof metadata['name'] !== 'string') {
    throw new ManifestError(`${file}: a ${value['kind']} has no metadata.name`);
  }
  return [value as unknown as KubeObject];
}

async function parse(text: string, file: string): Promise<KubeObject[]> {
  if (/^\s*\{/.test(text)) {
    try {
      return objectsIn(JSON.parse(text), file);
    } catch (error) {
      if (error instanceof ManifestError) throw error;
      // YAML may begin with a brace as well.
    }
  }
  const { parseAllDocuments } = await import('yaml');
  const documents = parseAllDocuments(text);
  return [...documents].flatMap((document) => {
    const [error] = document.errors;
    if (error) throw new ManifestError(`${file}: ${error.message.split('\n')[0]}`);
    return objectsIn(document.toJS(), file);
  });
}

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
      for (const file of filesOf(path))
        objects.push(...(await parse(readFileSync(file === '-' ? 0 : file, 'utf8'), file)));
    } catch (error) {
      if (error instanceof ManifestError) throw error;
      throw new ManifestError(
        `${path}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message}`,
        { cause: error },
      );
    }
  }
  return objects;
}
