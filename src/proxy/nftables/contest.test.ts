import { expect, test } from 'vitest';
import { Contest } from './contest.ts';

test('whoever edits again and again is answered with a rest, and then again', () => {
  const contest = new Contest();
  const waits = Array.from({ length: 40 }, (_, i) => contest.found(i * 1000) - i * 1000);
  expect(waits.filter((wait) => wait > 0)).toHaveLength(2);
  expect(waits.indexOf(60_000)).toBe(19);
});

test('now and then something to repair is no contest', () => {
  const contest = new Contest();
  for (let i = 1; i < 100; i += 1) expect(contest.found(i * 60_000)).toBe(i * 60_000);
});
