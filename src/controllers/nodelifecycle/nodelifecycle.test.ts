import { afterEach, expect, test } from 'vitest';
import type { Lease } from '../../api/coordination/v1/types.generated.ts';
import type { Event, Node, Pod } from '../../api/core/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { internalError } from '../../apimachinery/status.ts';
import { formatMicroTime } from '../../apimachinery/time.ts';
import { events, leases, nodes, pods } from '../../client/resources.ts';
import { type Harness, makeNode, makePod, startControllers } from '../harness/start.ts';

let harness: Harness;
let alive: readonly string[] = [];
afterEach(async () => {
  expect(harness.errors).toEqual([]);
  await harness.stop();
});

/** `others` renew their Leases. */
async function start({ others = ['node-2'], silent = [] }: { others?: string[]; silent?: string[] } = {}) {
  alive = others;
  harness = startControllers({ names: ['node-lifecycle-controller', 'taint-eviction-controller'] });
  for (const name of ['node-1', ...others, ...silent]) {
    await harness.api.resource<Node>(nodes).create(makeNode(name));
    const metadata = { name, namespace: 'kube-node-lease' };
    await harness.api.resource<Lease>(leases).create({ metadata, spec: { holderIdentity: name } });
  }
  const tolerations = [
    { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
  ];
  await harness.api.resource<Pod>(pods).create(makePod('web', {}, { nodeName: 'node-1', tolerations }));
  await harness.setPod('web', { ready: true, ip: '10.244.0.2' });
  await harness.settle();
}

async function renew(names: readonly string[]) {
  const client = harness.api.resource<Lease>(leases);
  for (const name of names) {
    const lease = await client.get(name, 'kube-node-lease');
    await client.update({ ...lease, spec: { ...lease.spec, renewTime: formatMicroTime(harness.clock.now()) } });
  }
  await harness.settle();
}

async function pass(seconds: number, renewing: boolean) {
  for (let i = 0; i < seconds; i += 10) {
    harness.clock.advance(10_000);
    await harness.settle();
    await renew(renewing ? ['node-1', ...alive] : alive);
  }
}

async function told(): Promise<string[]> {
  const { items } = await harness.api.resource<Event>(events).list();
  return items.map(({ involvedObject, reason, message }) => `${involvedObject.name}: ${reason}: ${message}`);
}

const node = () => harness.api.resource<Node>(nodes).get('node-1');
const ready = (object: Node | Pod) => object.status?.conditions?.find((c) => c.type === 'Ready');
const pod = () => harness.api.resource<Pod>(pods).get('web', 'default');

test('a node that renews its Lease is left alone', async () => {
  await start();
  await pass(200, true);
  expect(ready(await node())?.status).toBe('True');
  expect((await node()).spec?.taints ?? []).toEqual([]);
});

test('a silent node is Unknown and tainted after 50 s, its pods not ready at once, and evicted after their time', async () => {
  await start();
  await pass(40, false);
  expect(ready(await node())?.status).toBe('True');
  await pass(20, false);
  expect(ready(await node())).toMatchObject({
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
  });
  expect((await node()).spec?.taints).toMatchObject([
    { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' },
    { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' },
  ]);
  expect(ready(await pod())?.status).toBe('False');
  await pass(270, false);
  expect((await pod()).metadata.deletionTimestamp).toBeUndefined();
  await pass(40, false);
  expect((await pod()).metadata.deletionTimestamp).toBeDefined();
  expect((await pod()).status?.conditions).toContainEqual(
    expect.objectContaining({
      type: 'DisruptionTarget',
      observedGeneration: 1,
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
    }),
  );
  expect(await told()).toEqual(
    expect.arrayContaining([
      'node-1: RegisteredNode: Node node-1 event: Registered Node node-1 in Controller',
      'node-1: NodeNotReady: Node node-1 status is now: NodeNotReady',
      'web: NodeNotReady: Node is not ready',
      'web: TaintManagerEviction: Marking for deletion Pod default/web',
    ]),
  );
  await harness.api.resource<Node>(nodes).delete('node-1');
  await harness.settle();
  expect(await told()).toContain('node-1: RemovingNode: Node node-1 event: Removing Node node-1 from Controller');
});

test('who is not tolerated goes, also where it has ended', async () => {
  await start();
  const status = { phase: 'Succeeded' };
  await harness.api
    .resource<Pod>(pods)
    .patch({ name: 'web', namespace: 'default', type: 'merge', body: { status } }, { subresource: 'status' });
  const taints = [{ key: 'a', effect: 'NoExecute' }];
  await harness.api.resource<Node>(nodes).patch({ name: 'node-1', type: 'merge', body: { spec: { taints } } });
  await harness.settle();
  await expect(pod()).rejects.toThrow('pods "web" not found');
});

test("a time that is set by a year is nobody's silence, and hides none", async () => {
  const year = 365 * 86_400_000;
  await start();
  for (const step of [year, -2 * year, year]) {
    await pass(30, true);
    harness.clock.step(step);
    // Something else about the node changes, and it is looked at.
    const labels = { step: String(step) };
    await harness.api.resource<Node>(nodes).patch({ name: 'node-1', type: 'merge', body: { metadata: { labels } } });
    await harness.settle();
    expect(ready(await node())?.status).toBe('True');
  }
  harness.clock.step(-year);
  await pass(60, false);
  expect(ready(await node())?.status).toBe('Unknown');
});

test('where no node is ready, nobody is evicted, until some are ready again', async () => {
  await start({ others: [], silent: ['node-3'] });
  // Not for a moment.
  await harness.api.resource<Pod>(pods).create(makePod('picky', {}, { nodeName: 'node-1' }));
  await pass(600, false);
  expect((await node()).spec?.taints?.map(({ effect }) => effect)).toEqual(['NoSchedule']);
  const picky = await harness.api.resource<Pod>(pods).get('picky', 'default');
  expect(picky.metadata.deletionTimestamp).toBeUndefined();
  expect((await pod()).metadata.deletionTimestamp).toBeUndefined();
  await harness.api.resource<Node>(nodes).create(makeNode('node-2'));
  alive = ['node-2'];
  const metadata = { name: 'node-2', namespace: 'kube-node-lease' };
  await harness.api.resource<Lease>(leases).create({ metadata, spec: { holderIdentity: 'node-2' } });
  await pass(100, false);
  expect((await node()).spec?.taints?.map(({ effect }) => effect)).toEqual(['NoSchedule', 'NoExecute']);
  expect((await pod()).metadata.deletionTimestamp).toBeUndefined();
  await pass(300, false);
  expect((await pod()).metadata.deletionTimestamp).toBeDefined();
});

test('nodes of a zone lose their pods one after the other, one in ten seconds; others take no new ones meanwhile', async () => {
  await start({ others: ['node-4', 'node-5', 'node-6'], silent: ['node-2', 'node-3'] });
  const effects = async () => {
    const { items } = await harness.api.resource<Node>(nodes).list();
    const silent = items.filter(({ metadata }) => !alive.includes(metadata.name));
    return silent.map(({ spec }) => (spec?.taints ?? []).map(({ effect }) => effect).join('+')).sort();
  };
  const [waits, goes] = ['NoSchedule', 'NoSchedule+NoExecute'];
  await pass(50, false);
  expect(await effects()).toEqual([waits, waits, waits]);
  await pass(10, false);
  expect(await effects()).toEqual([waits, waits, goes]);
  await pass(10, false);
  expect(await effects()).toEqual([waits, goes, goes]);
  await pass(10, false);
  expect(await effects()).toEqual([goes, goes, goes]);
});

test('a node that comes back loses its taints, and its pods stay', async () => {
  await start();
  await pass(60, false);
  const copy = jsonCopy(await node());
  for (const condition of copy.status?.conditions ?? []) {
    condition.status = condition.type === 'Ready' ? 'True' : 'False';
    condition.lastHeartbeatTime = formatMicroTime(harness.clock.now());
  }
  await harness.api.resource<Node>(nodes).update(copy, { subresource: 'status' });
  await harness.settle();
  expect((await node()).spec?.taints).toEqual([]);
  expect(await told()).toContain('web: TaintManagerEviction: Cancelling deletion of Pod default/web');
  await pass(400, true);
  expect((await pod()).metadata.deletionTimestamp).toBeUndefined();
});

test('a pod that tolerates nothing leaves a tainted node at once', async () => {
  await start();
  await harness.api.resource<Pod>(pods).create(makePod('picky', {}, { nodeName: 'node-1' }));
  const taints = [{ key: 'x', effect: 'NoExecute' }];
  await harness.api.resource<Node>(nodes).patch({ name: 'node-1', type: 'merge', body: { spec: { taints } } });
  await harness.settle();
  const picky = await harness.api.resource<Pod>(pods).get('picky', 'default');
  expect(picky.metadata.deletionTimestamp).toBeDefined();
});

test('a pod that tolerates a taint for a while goes when that is over, and stays when the taint goes before', async () => {
  await start();
  const podClient = harness.api.resource<Pod>(pods);
  for (const [name, tolerationSeconds] of [
    ['short', 15],
    ['long', 60],
  ] as const) {
    const tolerations = [{ key: 'x', operator: 'Exists', effect: 'NoExecute', tolerationSeconds }];
    await podClient.create(makePod(name, {}, { nodeName: 'node-1', tolerations }));
  }
  const setTaints = async (taints: readonly object[]) => {
    await harness.api.resource<Node>(nodes).patch({ name: 'node-1', type: 'merge', body: { spec: { taints } } });
    await harness.settle();
  };
  const left = async () => {
    const { items } = await podClient.list({ namespace: 'default' });
    return items.filter(({ metadata }) => !metadata.deletionTimestamp).map(({ metadata }) => metadata.name);
  };
  // Whoever sets it need not say when.
  await setTaints([{ key: 'x', effect: 'NoExecute' }]);
  await pass(10, true);
  expect(await left()).toContain('short');
  // Set back, the machine's time makes nothing longer.
  harness.clock.step(-3_600_000);
  await pass(10, true);
  expect(await left()).not.toContain('short');
  await pass(30, true);
  await setTaints([]);
  await setTaints([{ key: 'x', effect: 'NoExecute' }]);
  await pass(50, true);
  expect(await left()).toContain('long');
  await pass(20, true);
  expect(await left()).not.toContain('long');
});

test('what a node runs short of keeps new pods away, as long as it does', async () => {
  await start();
  const client = harness.api.resource<Node>(nodes);
  const set = async (status: string) => {
    const conditions = [
      { type: 'Ready', status: 'True' },
      { type: 'DiskPressure', status },
      { type: 'MemoryPressure', status: 'False' },
    ];
    await client.patch({ name: 'node-1', type: 'merge', body: { status: { conditions } } }, { subresource: 'status' });
    await renew(['node-1', ...alive]);
    return (await client.get('node-1')).spec?.taints ?? [];
  };
  expect(await set('True')).toMatchObject([{ key: 'node.kubernetes.io/disk-pressure', effect: 'NoSchedule' }]);
  expect(await set('False')).toEqual([]);
});

test('a pod whose status cannot be written keeps none of the others of a silent node ready', async () => {
  await start();
  await harness.api.resource<Pod>(pods).create(makePod('other', {}, { nodeName: 'node-1' }));
  await harness.setPod('other', { ready: true, ip: '10.244.0.3' });
  harness.api.react(({ verb, resource, key }) => {
    if (verb === 'update' && resource === 'pods' && key === 'default/web') throw internalError('a webhook is away');
  });
  await pass(60, false);
  expect(ready(await pod())?.status).toBe('True');
  expect(ready(await harness.api.resource<Pod>(pods).get('other', 'default'))?.status).toBe('False');
  expect(harness.errors.splice(0)).not.toEqual([]);
});

test('a silent node whose taints cannot be written keeps no pod ready', async () => {
  await start();
  harness.api.react(({ verb, resource }) => {
    if (verb === 'patch' && resource === 'nodes') throw internalError('a webhook is away');
  });
  await pass(60, false);
  expect(ready(await pod())?.status).toBe('False');
  expect(harness.errors.splice(0)).not.toEqual([]);
});
