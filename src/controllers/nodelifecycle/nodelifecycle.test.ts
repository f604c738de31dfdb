import { afterEach, expect, test } from 'vitest';
import type { Lease } from '../../api/coordination/v1/types.generated.ts';
import type { Node, Pod } from '../../api/core/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { formatMicroTime } from '../../apimachinery/time.ts';
import { leases, nodes, pods } from '../../client/resources.ts';
import { type Harness, makeNode, makePod, startControllers } from '../harness/start.ts';

let harness: Harness;
afterEach(async () => {
  expect(harness.errors).toEqual([]);
  await harness.stop();
});

async function start() {
  harness = startControllers({ names: ['node-lifecycle-controller'] });
  await harness.api.resource<Node>(nodes).create(makeNode('node-1'));
  const metadata = { name: 'node-1', namespace: 'kube-node-lease' };
  await harness.api.resource<Lease>(leases).create({ metadata, spec: { holderIdentity: 'node-1' } });
  const tolerations = [
    { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
  ];
  await harness.api.resource<Pod>(pods).create(makePod('web', {}, { nodeName: 'node-1', tolerations }));
  await harness.setPod('web', { ready: true, ip: '10.244.0.2' });
  await harness.settle();
}

async function renew() {
  const client = harness.api.resource<Lease>(leases);
  const lease = await client.get('node-1', 'kube-node-lease');
  await client.update({ ...lease, spec: { ...lease.spec, renewTime: formatMicroTime(harness.clock.now()) } });
  await harness.settle();
}

async function pass(seconds: number, renewing: boolean) {
  for (let i = 0; i < seconds; i += 10) {
    harness.clock.advance(10_000);
    await harness.settle();
    if (renewing) await renew();
  }
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

test('a silent node is Unknown and tainted after 40 s, its pods not ready at once, and evicted after their time', async () => {
  await start();
  await pass(30, false);
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
