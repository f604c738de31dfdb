import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SortedKeys } from './sorted-keys.ts';

const keyOf = fc.integer({ min: 0, max: 3000 }).map((n) => `/${n % 7}/${n}`);

test('keys are as in a sorted set, whatever comes and goes', () => {
  const steps = fc.array(fc.record({ key: keyOf, wanted: fc.boolean() }), { maxLength: 3000, size: 'max' });
  fc.assert(
    fc.property(fc.array(keyOf), steps, (first, changes) => {
      const keys = new SortedKeys();
      const model = new Set(first);
      keys.reset(model);
      for (const { key, wanted } of changes) {
        if (wanted && !model.has(key)) keys.add(key);
        if (!wanted) keys.delete(key);
        if (wanted) model.add(key);
        else model.delete(key);
      }
      const sorted = [...model].sort();
      expect(keys.size).toBe(sorted.length);
      for (const prefix of ['', '/', '/3', '/3/', '/6/2', '/7', 'z']) {
        expect([...keys.startingWith(prefix)]).toEqual(sorted.filter((key) => key.startsWith(prefix)));
      }
    }),
    { numRuns: 30 },
  );
});

test('many keys in order and in reverse', () => {
  for (const order of [1, -1]) {
    const keys = new SortedKeys();
    const all = Array.from({ length: 5000 }, (_, i) => `/k${String(i).padStart(5, '0')}`);
    for (const key of order === 1 ? all : all.toReversed()) keys.add(key);
    expect([...keys.startingWith('/')]).toEqual(all);
  }
});
