// Tables of constants are looked up by texts of strangers: `constructor` in a URL, `__proto__` as a Secret's type. `table`
// (src/apimachinery/table.ts) makes them know no keys but their own.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const src = resolve(import.meta.dirname, '../src');
/** Where texts of strangers come to. */
const folders = ['apimachinery', 'api', 'apiserver', 'cel', 'controllers', 'scheduler', 'kubelet', 'proxy'];

test('tables of constants know no keys but their own', () => {
  const files = folders.flatMap((folder) =>
    readdirSync(join(src, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => join(folder, file)),
  );
  const wrong = files.flatMap((file) =>
    [
      ...readFileSync(join(src, file), 'utf8').matchAll(
        /const (\w+): Readonly<Record<string, .*> = \{\s*(?:\n\s*\/\/.*)*[^\s}.]/g,
      ),
    ].map(([, name]) => `${file}: ${name} is an object literal`),
  );
  expect(wrong).toEqual([]);
});
