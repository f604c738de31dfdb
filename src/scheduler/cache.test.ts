import { expect, test } from 'vitest';
import type { Node, Pod } from '../api/core/v1/types.generated.ts';
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

test('a pod that was to go to a node that is away, and went to another, is not on it when the node is back', () => {
  const cache = new SchedulerCache();
  for (const name of ['a', 'b']) cache.setNode(node(name));
  const web: Pod = { metadata: { name: 'web', namespace: 'default', uid: '1' }, spec: { containers: [] } };
  cache.assume(web, 'a');
  cache.removeNode('a');
  cache.setPod({ ...web, spec: { ...web.spec, nodeName: 'b' } });
  cache.setNode(node('a'));
  expect(cache.nodes().map(({ node, pods }) => [node.metadata.name, pods.size])).toEqual([
    ['b', 1],
    ['a', 0],
  ]);
});
