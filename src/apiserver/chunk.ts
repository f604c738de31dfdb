// Chunks of an HTTP/1.1 body (RFC 9112, section 7.1). Node.js writes each as three pieces: what goes to a thousand watchers is framed
// once here.

/** Frames that several watchers share, as chunks. */
const chunks = new WeakMap<Uint8Array, Buffer>();

export const lastChunk = '0\r\n\r\n';

/** Not of nothing: a chunk of length 0 ends the body. */
export function chunkOf(frame: string | Uint8Array): string | Uint8Array {
  if (typeof frame === 'string') return `${Buffer.byteLength(frame).toString(16)}\r\n${frame}\r\n`;
  const known = chunks.get(frame);
  if (known) return known;
  const chunk = Buffer.concat([Buffer.from(`${frame.length.toString(16)}\r\n`), frame, Buffer.from('\r\n')]);
  chunks.set(frame, chunk);
  return chunk;
}
