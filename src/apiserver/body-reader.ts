// Reads the body of a request by the events of its stream: a stream's iterator costs several times as much.
import type { Readable } from 'node:stream';
import { wentAway } from './node-request.ts';
import { bodyTooLarge, maxBodyBytes } from './request.ts';

/** `isWhole` is asked when the stream has ended. Rejects with a StatusError 413 past {@link maxBodyBytes}, and when the client goes away. */
export function readWhole(stream: Readable, isWhole: () => boolean): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    // Its end was told before anybody listened.
    if (stream.destroyed) reject(wentAway());
    const chunks: Uint8Array[] = [];
    let size = 0;
    stream.on('data', (chunk: Uint8Array) => {
      size += chunk.length;
      if (size <= maxBodyBytes) chunks.push(chunk);
      // The rest is read and dropped, so that the refusal reaches a client that is still sending.
      else if (size - chunk.length <= maxBodyBytes) {
        chunks.length = 0;
        reject(bodyTooLarge());
      }
    });
    stream.on('end', () => {
      if (isWhole()) resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
      else reject(wentAway());
    });
    stream.on('error', reject);
    // After its end this changes nothing.
    stream.on('close', () => reject(wentAway()));
  });
}
