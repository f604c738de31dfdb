import { expect, test } from 'vitest';
import type { Node, Pod } from '../../api/core/v1/types.generated.ts';
import { internalError } from '../../apimachinery/status.ts';
import { nodes, pods } from '../../client/resources.ts';
import { makeNode, makePod, startControllers } from '../harness/start.ts';

const names = ['pod-garbage-collector-controller'];

test('a pod that cannot be collected keeps no other', async () => {
  const { api, clock, errors, settle, stop } = startControllers({ names });
  const client = api.resource<Pod>(pods);
  api.react(({ verb, key }) => {
    if (verb === 'patch' && key === 'default/a') throw internalError('a webhook is away');
  });
  await api.resource<Node>(nodes).create(makeNode('gone'));
  for (const name of ['a', 'b', 'c']) await client.create(makePod(name, {}, { nodeName: 'gone' }));
  await api.resource<Node>(nodes).delete('gone');
  for (let looks = 0; looks < 4; looks += 1) {
    await settle();
    clock.advance(20_000);
  }
  await settle();
  expect((await client.list()).items.map(({ metadata }) => metadata.name)).toEqual(['a']);
  expect(errors).not.toEqual([]);
  await stop();
});

test("a time that is set makes no node's absence longer", async () => {
  const { api, clock, settle, stop } = startControllers({ names });
  const client = api.resource<Pod>(pods);
  await api.resource<Node>(nodes).create(makeNode('gone'));
  await client.create(makePod('a', {}, { nodeName: 'gone' }));
  await api.resource<Node>(nodes).delete('gone');
  const left: number[] = [];
  for (let looks = 0; looks < 5; looks += 1) {
    await settle();
    left.push((await client.list()).items.length);
    clock.step(3_600_000);
    clock.advance(20_000);
  }
  expect(left).toEqual([1, 1, 1, 0, 0]);
  await stop();
});
