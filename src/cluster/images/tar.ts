// A tar archive (ustar) from entries in memory: enough for image layers and image archives.

export type TarEntry =
  | { readonly path: string; readonly type: 'folder'; readonly mode?: number }
  | { readonly path: string; readonly type: 'file'; readonly data: Uint8Array; readonly mode?: number }
  | { readonly path: string; readonly type: 'symlink'; readonly target: string };

const typeFlags = { file: '0', symlink: '2', folder: '5' } as const;

function header(entry: TarEntry): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, at: number, length: number): void => {
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  };
  if (Buffer.byteLength(entry.path) > 100) throw new RangeError(`path too long for a tar header: ${entry.path}`);
  block.write(entry.path, 0);
  octal('mode' in entry && entry.mode !== undefined ? entry.mode : entry.type === 'file' ? 0o644 : 0o755, 100, 8);
  octal(0, 108, 8); // owner root
  octal(0, 116, 8);
  octal(entry.type === 'file' ? entry.data.length : 0, 124, 12);
  octal(0, 136, 12); // the epoch, so that equal content gives equal bytes
  block.write('        ', 148, 'latin1');
  block.write(typeFlags[entry.type], 156, 'latin1');
  if (entry.type === 'symlink') block.write(entry.target, 157);
  block.write('ustar\x0000', 257, 'latin1');
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return block;
}

/** The archive's bytes; the same entries always give the same bytes. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const parts: Buffer[] = [];
  for (const entry of entries) {
    parts.push(header(entry));
    if (entry.type === 'file')
      parts.push(Buffer.from(entry.data), Buffer.alloc((512 - (entry.data.length % 512)) % 512));
  }
  parts.push(Buffer.alloc(1024));
  return Buffer.concat(parts);
}
