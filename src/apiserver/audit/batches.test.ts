import { expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import { Batches, type BatchOptions } from './batches.ts';

function gather(options: Partial<BatchOptions>) {
  const clock = new FakeClock();
  const sent: string[] = [];
  let dropped = 0;
  const batches = new Batches({
    bufferSize: 100,
    maxSize: 3,
    maxWait: 1000,
    ...options,
    clock,
    send: async (lines) => sent.push(lines.join('')),
    onDropped: () => dropped++,
  });
  const add = (lines: string) => {
    for (const line of lines) batches.add(line);
  };
  return { clock, sent, batches, add, dropped: () => dropped };
}

test('a full batch leaves at once, another after its wait', () => {
  const { clock, sent, add } = gather({});
  add('abcd');
  expect(sent).toEqual(['abc']);
  clock.advance(999);
  expect(sent).toEqual(['abc']);
  clock.advance(1);
  expect(sent).toEqual(['abc', 'd']);
  clock.advance(5000);
  expect(sent).toEqual(['abc', 'd']);
});

test('beyond the burst batches wait for their turn, and what finds no room is dropped', () => {
  const { clock, sent, add, dropped } = gather({ bufferSize: 4, throttle: { qps: 2, burst: 1 } });
  add('abcdefghijkl');
  expect(sent).toEqual(['abc']);
  expect(dropped()).toBe(2);
  clock.advance(500);
  expect(sent).toEqual(['abc', 'def']);
  clock.advance(500);
  expect(sent).toEqual(['abc', 'def', 'ghi']);
  clock.advance(1000);
  expect(sent).toEqual(['abc', 'def', 'ghi', 'j']);
});

test('at the end all is sent that was taken, whatever it waits for', async () => {
  const { sent, add, batches } = gather({ throttle: { qps: 1, burst: 1 } });
  add('abcdefgh');
  await batches.close();
  expect(sent.join('')).toBe('abcdefgh');
});
