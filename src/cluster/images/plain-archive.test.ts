import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { withPlainArchive } from './plain-archive.ts';

const folder = mkdtempSync(join(tmpdir(), 'portico-plain-archive-'));
afterAll(() => rmSync(folder, { recursive: true }));

const content = Buffer.from('an archive, '.repeat(10_000));
const write = (name: string, bytes: Uint8Array) => {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
};

test('a plain archive is read where it lies', async () => {
  const file = write('a.tar', content);
  expect(await withPlainArchive(file, async (plain) => plain)).toBe(file);
  expect(await withPlainArchive(write('empty.tar', Buffer.alloc(0)), async (plain) => readFileSync(plain).length)).toBe(
    0,
  );
});

test.each([
  ['a.tar.gz', gzipSync(content)],
  ['a.tar.zst', zstdCompressSync(content)],
])('%s is unpacked, and nothing stays of that', async (name, bytes) => {
  let place = '';
  const read = await withPlainArchive(write(name, bytes), async (plain) => {
    place = plain;
    return readFileSync(plain);
  });
  expect(read.equals(content)).toBe(true);
  expect(existsSync(place)).toBe(false);
});

test('one that is cut off says so', async () => {
  const file = write('cut.tar.gz', gzipSync(content).subarray(0, 50));
  await expect(withPlainArchive(file, async () => 'read')).rejects.toThrow(
    `${file} could not be unpacked: unexpected end of file`,
  );
});
