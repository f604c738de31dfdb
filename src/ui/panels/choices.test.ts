import { expect, test } from 'vitest';
import type { Item, PodState } from '../../explain/picture/picture.ts';
import { worldOf } from '../state/world.ts';
import { firstOf, removablesOf, sendersOf } from './choices.ts';

const pod = (name: string, state: PodState, addresses = ['10.244.0.5']): Item => ({
  ...{ kind: 'Pod', id: `Pod d/${name}`, namespace: 'd', name, node: 'a', addresses, state },
});

test('those that send nothing are not proposed as senders, and may be done without', () => {
  const pods = [
    pod('a', 'succeeded'),
    pod('b', 'failed'),
    pod('c', 'waiting', []),
    pod('d', 'not ready'),
    pod('e', 'ready'),
  ];
  const world = worldOf(pods, { revision: 1, time: 0 });
  expect([...sendersOf(world)]).toEqual(['pod/d/d', 'pod/d/e', 'external']);
  expect([...removablesOf(world)]).toEqual(['pod/d/a', 'pod/d/b', 'pod/d/c', 'pod/d/d', 'pod/d/e']);
  expect(firstOf(sendersOf(worldOf([], { revision: 1, time: 0 })))).toBe('external');
});
