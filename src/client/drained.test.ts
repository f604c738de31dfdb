import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { write } from './drained.ts';

test('a stream that fills up again and again is listened to no more than before', async () => {
  const stream = new PassThrough({ highWaterMark: 1 });
  const listeners = () => ['drain', 'close', 'error'].map((name) => stream.listenerCount(name));
  const before = listeners();
  for (let i = 0; i < 3; i++) {
    const written = write(stream, Buffer.from('full'));
    stream.read();
    await written;
  }
  expect(listeners()).toEqual(before);
});
