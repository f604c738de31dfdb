// Image archives as people keep them: packed, mostly. containerd's client program reads plain tar.
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { Failure } from '../failure.ts';

/** By what such a file begins with, in hex. */
const unpackers: readonly (readonly [start: string, unpack: () => Transform])[] = [
  ['1f8b', createGunzip],
  ['28b52ffd', createZstdDecompress],
];

/** Works with the archive as plain tar: a packed one (gzip, zstd) is unpacked beside it, for as long as that takes. */
export async function withPlainArchive<T>(archive: string, work: (plain: string) => Promise<T>): Promise<T> {
  const start = await startOf(archive);
  const unpack = unpackers.find(([magic]) => start.startsWith(magic))?.[1];
  if (!unpack) return work(archive);
  const folder = await mkdtemp(join(tmpdir(), 'portico-image-'));
  try {
    const plain = join(folder, 'image.tar');
    await pipeline(createReadStream(archive), unpack(), createWriteStream(plain)).catch((error) => {
      throw new Failure(`${archive} could not be unpacked: ${errorMessage(error)}`, { cause: error });
    });
    return await work(plain);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function startOf(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('hex', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
