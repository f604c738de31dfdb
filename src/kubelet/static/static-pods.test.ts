import { beforeEach, expect, test } from 'vitest';
import type { Node, Pod } from '../../api/core/v1/types.generated.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { FakeApi } from '../../client/fake/fake-api.ts';
import { settle } from '../../client/fake/settle.ts';
import { nodes, pods } from '../../client/resources.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { Heard } from '../../system/fake/heard.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { mirrorOf, staticPod } from './static-pod.ts';
import { StaticPods } from './static-pods.ts';

const manifest = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { containers: [{ name: 'c' }] } };
const original = staticPod({ manifest, text: 'v1', nodeName: 'one', seenAt: '2026-01-01T00:00:00Z' }) as Pod;
const key = objectKey(original);

let api: FakeApi;
let told: Heard<Pod | undefined>;
let mirror: Pod;

/** An agent that starts: it has no memory of what was before. */
const agent = () =>
  new StaticPods({
    client: api,
    nodeName: 'one',
    log: (message) => expect(message).toBe(''),
    start: () => {},
    remove: () => {},
    mirrored: (_, shown) => told.push(shown),
  });

const deletions = () => api.calls.filter(({ verb }) => verb === 'delete').map(({ key }) => key);

beforeEach(async () => {
  api = new FakeApi({ clock: new FakeClock(), random: new FakeRandom() });
  told = new Heard();
  await api.resource<Node>(nodes).create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'one' }, spec: {} });
  mirror = await api.resource<Pod>(pods).create(mirrorOf(original, 'node-uid'));
});

test('an agent that starts anew keeps the mirror that its predecessor made, whichever it sees first', async () => {
  const staticPods = agent();
  staticPods.seen(key, mirror);
  await settle();
  staticPods.changed([original]);
  await told.until((all) => all.includes(mirror));
  expect(deletions()).toEqual([]);
});

test('a mirror whose file went while no agent ran is removed, once the folder was read', async () => {
  const staticPods = agent();
  staticPods.seen(key, mirror);
  await settle();
  staticPods.changed([]);
  await settle();
  expect(deletions()).toEqual([key]);
});
