import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignSlots } from './slots.ts';

const items = fc.uniqueArray(fc.constantFrom(...'abcdefgh'), { maxLength: 8 });

test('every wanted item has one number, and as many as possible keep theirs', () => {
  fc.assert(
    fc.property(items, items, (previous, wanted) => {
      const slots = assignSlots(previous, wanted);
      expect([...slots].sort()).toEqual([...wanted].sort());
      previous.forEach((item, i) => {
        if (i < wanted.length && wanted.includes(item)) expect(slots[i]).toBe(item);
      });
    }),
  );
});

test('the last takes the number of one that went', () => {
  expect(assignSlots(['a', 'b', 'c', 'd'], ['a', 'c', 'd'])).toEqual(['a', 'd', 'c']);
});
