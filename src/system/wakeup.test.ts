import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { FakeClock } from './fake/clock.ts';
import { Wakeup } from './wakeup.ts';

const clock = new FakeClock();

async function isOver(wait: Promise<void>): Promise<boolean> {
  let over = false;
  void wait.then(() => {
    over = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return over;
}

test('a wait ends with a wake-up, with its time, or with the signal, and leaves nothing behind', async () => {
  const stop = new AbortController();
  const wakeup = new Wakeup();
  const ends = [() => wakeup.wake(), () => clock.advance(250), () => stop.abort()];
  for (const end of ends) {
    const wait = wakeup.wait(stop.signal, { clock, ms: 250 });
    expect(await isOver(wait)).toBe(false);
    end();
    expect(await isOver(wait)).toBe(true);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  }
  expect(await isOver(wakeup.wait(stop.signal))).toBe(true);
});

test('a wake-up while nobody waits is kept for one wait, unless it is forgotten', async () => {
  const { signal } = new AbortController();
  const wakeup = new Wakeup();
  wakeup.wake();
  expect(await isOver(wakeup.wait(signal))).toBe(true);
  wakeup.wake();
  wakeup.forget();
  const wait = wakeup.wait(signal);
  expect(await isOver(wait)).toBe(false);
  wakeup.wake();
  expect(await isOver(wait)).toBe(true);
});
