import fc from 'fast-check';
import { expect, test } from 'vitest';
import { channel, encodeClose, encodeFrame, type Frame, FrameDecoder, maxFrameBytes } from './stream-frames.ts';

test('a frame is channel, length, data', () => {
  const frame = encodeFrame({ channel: channel.stdout, data: Buffer.from('hi') });
  expect(Buffer.from(frame).toString('hex')).toBe('01000000026869');
  expect(Buffer.from(encodeClose(channel.stdin)).toString('hex')).toBe('ff0000000100');
});

test('frames survive any cutting of the stream', () => {
  const frame = fc.record({ channel: fc.integer({ min: 0, max: 255 }), data: fc.uint8Array({ maxLength: 20 }) });
  fc.assert(
    fc.property(fc.array(frame), fc.integer({ min: 1, max: 9 }), (frames, step) => {
      const bytes = Buffer.concat(frames.map(encodeFrame));
      const decoder = new FrameDecoder();
      const out: Frame[] = [];
      for (let at = 0; at < bytes.length; at += step) out.push(...decoder.push(bytes.subarray(at, at + step)));
      expect(out.map((f) => ({ channel: f.channel, data: [...f.data] }))).toEqual(
        frames.map((f) => ({ channel: f.channel, data: [...f.data] })),
      );
    }),
  );
});

test('an absurd length is refused before it is buffered', () => {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(maxFrameBytes + 1, 1);
  expect(() => new FrameDecoder().push(header)).toThrow('longer than');
});
