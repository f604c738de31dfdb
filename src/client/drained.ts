// Writing to streams with patience.
import type { Duplex, Writable } from 'node:stream';

/**
 * Writes, and resolves when the stream can take more: at once, after its drain, or when it is closed. A stream that is gone
 * swallows what is written.
 */
export function write(stream: Duplex, chunk: Uint8Array): Promise<void> | void {
  if (!stream.writable || stream.write(chunk)) return;
  return drained(stream);
}

/** Resolves at the next drain, or when the stream is closed. */
export function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}
