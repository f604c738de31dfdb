import { expect, test } from 'vitest';
import type { Node } from '../api/core/v1/types.generated.ts';
import { SchedulerCache } from './cache.ts';

const node = (name: string, ...images: readonly string[]): Node => ({
  metadata: { name },
  spec: {},
  status: { images: images.map((image) => ({ names: [image], sizeBytes: 7 })) },
});

test('images are on the nodes that say so, until they say otherwise', () => {
  const cache = new SchedulerCache();
  cache.setNode(node('a', 'x', 'y'));
  cache.setNode(node('b', 'x'));
  expect(cache.imageNodes('x')).toEqual(
    new Map([
      ['a', 7],
      ['b', 7],
    ]),
  );
  cache.setNode(node('a', 'y'));
  expect(cache.imageNodes('x')).toEqual(new Map([['b', 7]]));
  cache.setNode(node('b'));
  expect(cache.imageNodes('x')).toBeUndefined();
  cache.removeNode('a');
  expect(cache.imageNodes('y')).toBeUndefined();
});
