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
let acts: string[];

/** An agent that starts: it has no memory of what was before. */
const agent = () =>
  new StaticPods({
    client: api,
    nodeName: 'one',
    log: (message) => expect(message).toBe(''),
    start: ({ metadata }) => acts.push(`start ${metadata.uid}`),
    remove: (uid) => {
      acts.push(`remove ${uid}`);
      return true;
    },
    mirrored: (_, shown) => told.push(shown),
  });

const deletions = () => api.calls.filter(({ verb }) => verb === 'delete').map(({ key }) => key);

beforeEach(async () => {
  api = new FakeApi({ clock: new FakeClock(), random: new FakeRandom() });
  told = new Heard();
  acts = [];
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

test('a file that comes back, or changes, while its pod ends is started when that has ended', () => {
  const [one, two, three] = ['one', 'two', 'three'].map(
    (text) => staticPod({ manifest, text, nodeName: 'one', seenAt: '2026-01-01T00:00:00Z' }) as Pod,
  ) as [Pod, Pod, Pod];
  const staticPods = agent();
  for (const files of [[one], [], [one], [two], [three]]) staticPods.changed(files);
  expect(acts).toEqual([`start ${one.metadata.uid}`, `remove ${one.metadata.uid}`]);
  staticPods.ended(one);
  expect(acts.splice(0).slice(2)).toEqual([`start ${three.metadata.uid}`]);
  staticPods.changed([]);
  staticPods.changed([three]);
  staticPods.ended(one);
  expect(acts).toEqual([`remove ${three.metadata.uid}`]);
  staticPods.ended(three);
  staticPods.ended(three);
  expect(acts).toEqual([`remove ${three.metadata.uid}`, `start ${three.metadata.uid}`]);
});
