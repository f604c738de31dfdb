import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Heap } from './heap.ts';

test('what goes in comes out in its order, whatever comes, goes and is left out in between', () => {
  const step = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 0, max: 20 }) }, fc.constant('shift' as const), {
    weight: 1,
    arbitrary: fc.constant('retain' as const),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const heap = new Heap<number>((a, b) => a < b);
      let model: number[] = [];
      for (const one of steps) {
        if (one === 'shift') expect(heap.shift()).toBe(model.shift());
        else if (one === 'retain') {
          heap.retain((item) => item % 3 > 0);
          model = model.filter((item) => item % 3 > 0);
        } else {
          heap.push(one);
          model = [...model, one].sort((a, b) => a - b);
        }
        expect([heap.size, heap.first]).toEqual([model.length, model[0]]);
      }
      expect(model.map(() => heap.shift())).toEqual(model);
    }),
  );
});
