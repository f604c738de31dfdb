// The page's own files, as Vite built them.

import { existsSync, readFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { table } from '../../apimachinery/table.ts';

/** Of a checkout, and of the package. */
const folders = [resolve(import.meta.dirname, '../../../dist/ui'), resolve(import.meta.dirname, '../../ui')];

const types = table<string>({
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
});

export interface StaticFile {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** Its name changes with what is in it. */
  readonly isImmutable: boolean;
}

/** Where the built page is; undefined when it was not built. */
export function pageFolder(): string | undefined {
  return folders.find((folder) => existsSync(join(folder, 'assets')) && existsSync(join(folder, 'index.html')));
}

/** `path` as in the URL. Undefined when there is no such file. */
export function staticFile(folder: string, path: string): StaticFile | undefined {
  const name = path === '/' ? '/index.html' : path;
  if (!/^\/(index\.html|favicon\.svg|assets\/[\w.-]+)$/.test(name)) return undefined;
  const file = join(folder, name);
  if (!existsSync(file)) return undefined;
  return {
    type: types[extname(file)] ?? 'application/octet-stream',
    bytes: readFileSync(file),
    isImmutable: name.startsWith('/assets/'),
  };
}
