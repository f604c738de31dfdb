import { expect, test } from 'vitest';
import { EvictionPace } from './eviction-pace.ts';

test('one node of a zone begins at once, the next after ten seconds at 0.1 a second; other zones do not wait for it', () => {
  const pace = new EvictionPace();
  expect(pace.begins('a', 0.1, 0)).toBe(true);
  expect(pace.begins('a', 0.1, 9_999)).toBe(false);
  expect(pace.begins('b', 0.1, 9_999)).toBe(true);
  expect(pace.begins('a', 0.1, 10_000)).toBe(true);
  expect(pace.begins('a', 0.1, 10_001)).toBe(false);
});

test('nobody begins at a rate of 0, and nobody at once when it is over', () => {
  const pace = new EvictionPace();
  expect(pace.begins('a', 0, 0)).toBe(false);
  expect(pace.begins('a', 0, 1_000_000)).toBe(false);
  expect(pace.begins('a', 0.1, 1_000_000)).toBe(false);
  expect(pace.begins('a', 0.1, 1_010_000)).toBe(true);
});

test('a slower rate begins with a wait where the faster one had been used up', () => {
  const pace = new EvictionPace();
  expect(pace.begins('a', 0.1, 0)).toBe(true);
  expect(pace.begins('a', 0.01, 5_000)).toBe(false);
  expect(pace.begins('a', 0.01, 104_999)).toBe(false);
  expect(pace.begins('a', 0.01, 105_000)).toBe(true);
});

test('a slower rate begins at once where nobody had begun for a while', () => {
  const pace = new EvictionPace();
  expect(pace.begins('a', 0.1, 0)).toBe(true);
  expect(pace.begins('a', 0.01, 20_000)).toBe(true);
});
