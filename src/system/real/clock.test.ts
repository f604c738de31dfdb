import { afterEach, expect, test, vi } from 'vitest';
import { realClock } from './clock.ts';

afterEach(() => vi.useRealTimers());

const day = 24 * 3_600_000;

test('a timer may be set for months', () => {
  vi.useFakeTimers();
  const called = vi.fn();
  realClock.after(70 * day, called);
  vi.advanceTimersByTime(70 * day - 1);
  expect(called).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(called).toHaveBeenCalledTimes(1);
});

test('a timer of months is cancelled at any time', () => {
  vi.useFakeTimers();
  const called = vi.fn();
  const timer = realClock.after(70 * day, called);
  vi.advanceTimersByTime(40 * day);
  timer.cancel();
  vi.advanceTimersByTime(100 * day);
  expect(called).not.toHaveBeenCalled();
});

test('a timer that is long due goes off', async () => {
  await new Promise<void>((resolve) => realClock.after(-5, resolve));
});

test('a sleep that is broken off rejects with the reason of its signal', async () => {
  const controller = new AbortController();
  const sleep = realClock.sleep(day, controller.signal);
  const reason = new Error('interrupted');
  controller.abort(reason);
  await expect(sleep).rejects.toBe(reason);
  await expect(realClock.sleep(day, controller.signal)).rejects.toBe(reason);
});
