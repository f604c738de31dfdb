import { expect, test } from 'vitest';
import { dropOldest } from './drop-oldest.ts';

test.each([
  [4, ['a', 'b', 'c']],
  [3, ['a', 'b', 'c']],
  [2, ['b', 'c']],
  [0, []],
])('of three, at most %i stay: the last ones', (most, left) => {
  const map = new Map(['a', 'b', 'c'].map((key) => [key, 0]));
  dropOldest(map, most);
  expect([...map.keys()]).toEqual(left);
});
