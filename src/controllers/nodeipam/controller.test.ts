import { expect, test } from 'vitest';
import type { Node } from '../../api/core/v1/types.generated.ts';
import { FakeApi } from '../../client/fake/fake-api.ts';
import { nodes } from '../../client/resources.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { makeNode, startControllers } from '../harness/start.ts';

const names = ['node-1', 'node-2'];

test.each([
  ['made', true],
  ['not made', false],
])('a write that was %s, though it failed, gives no other node the same block', async (_, isMade) => {
  const api = new FakeApi({ clock: new FakeClock(), random: new FakeRandom() });
  const client = api.resource<Node>(nodes);
  for (const name of names) await client.create(makeNode(name));
  const patch = api.patch.bind(api);
  let tries = 0;
  api.patch = (...asked) => {
    tries += 1;
    if (tries > 1) return patch(...asked);
    if (isMade) patch(...asked);
    throw new Error('the connection broke');
  };
  const { retry, errors, stop } = startControllers({ names: ['node-ipam-controller'], api });
  await retry();
  const given = await Promise.all(names.map(async (name) => (await client.get(name)).spec?.podCIDRs));
  expect(given).toEqual([
    ['10.244.0.0/24', 'fd00:10:244::/64'],
    ['10.244.1.0/24', 'fd00:10:244:1::/64'],
  ]);
  expect(errors).toHaveLength(1);
  await stop();
});
