import { once } from 'node:events';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import type { OutgoingStream } from './network-response.ts';
import { PushedSink } from './pushed-sink.ts';

/** A connection that takes a piece whenever its other side reads. */
class SlowConnection extends Writable {
  chunkedEncoding: boolean;
  readonly taken: string[] = [];
  #next: (() => void) | undefined;

  constructor(chunkedEncoding: boolean) {
    super({ highWaterMark: 10 });
    this.chunkedEncoding = chunkedEncoding;
  }

  override _write(piece: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(piece.toString());
    this.#next = done;
  }

  /** Resolves once what follows, if anything does, was handed over. */
  async read(): Promise<void> {
    this.#next?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function connected({ chunked = false } = {}) {
  const connection = new SlowConnection(chunked);
  return { connection, sink: new PushedSink(connection as unknown as OutgoingStream) };
}

const frame = (text: string) => Buffer.from(text);

test('what the connection does not take waits, and goes together when it takes more', async () => {
  const { connection, sink } = connected();
  expect(sink.write(frame('12345'))).toBe(true);
  expect(sink.write(frame('67890'))).toBe(false);
  expect(sink.write(frame('abc'))).toBe(false);
  expect(sink.write('ä')).toBe(false);
  expect(sink.write(frame('defghij'))).toBe(false);
  expect(connection.taken).toEqual(['12345']);
  expect(sink.buffered).toBe(21);
  let isDrained = false;
  const drained = sink.drained().then(() => {
    isDrained = true;
  });
  await connection.read();
  await connection.read();
  expect(connection.taken).toEqual(['12345', '67890', 'abcädefghij']);
  expect(isDrained).toBe(false);
  await connection.read();
  await drained;
  expect(sink.buffered).toBe(0);
  expect(sink.write(frame('g'))).toBe(true);
});

test('a long wait ends in portions', async () => {
  const { connection, sink } = connected();
  const text = 'x'.repeat(1000);
  for (let i = 0; i < 1000; i++) sink.write(frame(text));
  let reads = 0;
  while (sink.buffered > 0) {
    await connection.read();
    reads += 1;
  }
  expect(connection.taken.join('')).toBe('x'.repeat(1_000_000));
  expect(connection.taken.length).toBe(5);
  expect(reads).toBe(5);
});

test.each([
  { chunked: false, expected: ['0123456789', 'left'] },
  { chunked: true, expected: ['a\r\n0123456789\r\n', '4\r\nleft\r\n', '0\r\n\r\n'] },
])('the end comes after what waited: chunked $chunked', async ({ chunked, expected }) => {
  const { connection, sink } = connected({ chunked });
  const finished = once(connection, 'finish');
  sink.write(frame('0123456789'));
  sink.write(frame('left'));
  sink.end();
  for (const _ of expected) await connection.read();
  await finished;
  expect(connection.taken).toEqual(expected);
});

test('a client that is gone is waited for by nobody, and gets nothing', async () => {
  const { connection, sink } = connected();
  sink.write(frame('0123456789'));
  sink.write(frame('more'));
  const drained = sink.drained();
  connection.destroy();
  await drained;
  sink.end();
  expect(connection.taken).toEqual(['0123456789']);
  expect(connection.writableEnded).toBe(false);
});
