import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isLong, slices } from './slices.ts';

const byValue = { lengthOf: (length: number) => length };

test('slices are the items in order, none empty, of bounded number and length', async () => {
  const lengths = fc.array(fc.oneof(fc.nat(5000), fc.constant(300_000)), { maxLength: 1000 });
  await fc.assert(
    fc.asyncProperty(lengths, async (items) => {
      const all: (readonly number[])[] = [];
      for await (const slice of slices(items, byValue)) all.push(slice);
      expect(all.flat()).toEqual(items);
      expect(isLong(items, byValue)).toBe(all.length > 1);
      for (const slice of all) {
        expect(slice.length).toBeGreaterThan(0);
        expect(slice.length).toBeLessThanOrEqual(256);
        // The last is what goes past the bound.
        expect(slice.slice(0, -1).reduce((sum, one) => sum + one, 0)).toBeLessThan(512 * 1024);
      }
    }),
    { numRuns: 50 },
  );
});

test('of several lists that are being made one goes on in each turn, one after the other', async () => {
  const items = Array.from({ length: 256 * 3 }, () => 1);
  const steps: string[] = [];
  const make = async (name: string) => {
    for await (const _ of slices(items, byValue)) steps.push(name);
  };
  const lists = ['a', 'b', 'c'].map(make);
  // The first slices need not wait.
  await new Promise((resolve) => process.nextTick(resolve));
  expect(steps).toEqual(['a', 'b', 'c']);
  let turns = 0;
  while (steps.length < 9) {
    await new Promise((resolve) => setImmediate(resolve));
    turns += 1;
    expect(steps.length).toBeLessThanOrEqual(3 + turns);
  }
  await Promise.all(lists);
  expect(steps.slice(3)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
});
