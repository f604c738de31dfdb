// Reads the body of a request by the events of its stream: a stream's iterator costs several times as much.
import type { Readable } from 'node:stream';
import { StatusError } from '../apimachinery/status.ts';
import type { Clock } from '../system/clock.ts';
import { bodyTooLarge, maxBodyBytes, WentAwayError } from './request.ts';

/**
 * How long a body may be in coming: as long as upstream's requests last (--request-timeout). Who reads one holds a place among the
 * requests that are served at once.
 */
const patienceMs = 60_000;

interface ReadOptions {
  /** Asked when the stream has ended. */
  readonly isWhole: () => boolean;
  readonly clock: Clock;
}

/**
 * Rejects with a StatusError, 413 past {@link maxBodyBytes} and 504 where it does not come to its end in time, and with a
 * {@link WentAwayError}.
 */
export function readWhole(stream: Readable, { isWhole, clock }: ReadOptions): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const fail = (error: Error) => {
    late.cancel();
    reject(error);
  };
  const leave = () => fail(new WentAwayError());
  const late = clock.after(patienceMs, () => reject(tooSlow()));
  // Its end was told before anybody listened.
  if (stream.destroyed) leave();
  const chunks: Uint8Array[] = [];
  let size = 0;
  stream.on('data', (chunk: Uint8Array) => {
    size += chunk.length;
    if (size <= maxBodyBytes) chunks.push(chunk);
    // The rest is read and dropped, so that the refusal reaches a client that is still sending.
    else if (size - chunk.length <= maxBodyBytes) {
      chunks.length = 0;
      fail(bodyTooLarge());
    }
  });
  stream.on('end', () => {
    late.cancel();
    if (isWhole()) resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    else leave();
  });
  stream.on('error', leave);
  // After its end this changes nothing.
  stream.on('close', leave);
  return promise;
}

function tooSlow(): StatusError {
  const message = 'Timeout: request did not complete within the allotted timeout';
  return new StatusError({ code: 504, reason: 'Timeout', message });
}
