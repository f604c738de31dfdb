import { expect, test } from 'vitest';
import { settle } from '../client/fake/settle.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { FakeExec } from '../system/fake/exec.ts';
import type { Follow } from '../system/follow.ts';
import { Monitor } from './monitor.ts';

test('a monitor that cannot be started for once is started again', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  let starts = 0;
  let ends = 0;
  const nothing = () => {
    throw new Error('not here');
  };
  const follow: Follow = {
    async *bytes(_, signal) {
      starts += 1;
      if (starts === 1) throw new Error('spawn socat EAGAIN');
      await clock.sleep(100_000, signal).catch(() => {});
    },
    lines: nothing,
    converse: nothing,
  };
  const exec = new FakeExec(() => ({ stdout: 'socat version 1.8' }));
  const ended = () => {
    ends += 1;
  };
  const monitor = new Monitor({ exec, clock, follow, heard: () => {}, listens: () => {}, ended });
  const running = monitor.run(stop.signal);
  await settle();
  expect([starts, ends]).toEqual([1, 1]);
  clock.advance(1000);
  await settle();
  expect([starts, ends]).toEqual([2, 1]);
  stop.abort();
  expect(await running).toBe(true);
});
