import { afterEach, expect, test } from 'vitest';
import type {
  Event,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
} from '../api/core/v1/types.generated.ts';
import type { StorageClass } from '../api/storage/v1/types.generated.ts';
import { FakeApi } from '../client/fake/fake-api.ts';
import { settle } from '../client/fake/settle.ts';
import { createInformers } from '../client/informers.ts';
import {
  events,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  storageClasses,
} from '../client/resources.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { FakeRandom } from '../system/fake/random.ts';
import { runScheduler } from './scheduler.ts';

const stop: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const one of stop.splice(0)) await one();
});

function start() {
  const clock = new FakeClock();
  const random = new FakeRandom();
  const api = new FakeApi({ clock, random });
  const controller = new AbortController();
  const { signal } = controller;
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const informers = createInformers(api, { clock, random, freeze: true, onError });
  const running = [informers.run(signal), runScheduler({ client: api, informers, clock, random, signal, onError })];
  stop.push(async () => {
    controller.abort();
    await Promise.all(running);
    expect(errors).toEqual([]);
  });
  return { api, clock, errors, pods: api.resource<Pod>(pods), nodes: api.resource<Node>(nodes) };
}

function node(name: string, spec: Node['spec'] = {}, allocatable: Record<string, string> = {}): Node {
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    spec,
    status: { allocatable: { cpu: '2', memory: '4Gi', pods: '110', ...allocatable } },
  };
}

function pod(name: string, spec: Partial<Pod['spec']> = {}, metadata: Partial<Pod['metadata']> = {}): Pod {
  return {
    metadata: { name, namespace: 'default', ...metadata },
    spec: { containers: [{ name: 'web', image: 'web' }], schedulerName: 'default-scheduler', ...spec },
    status: { phase: 'Pending' },
  };
}

const cpu = (amount: string) => ({ containers: [{ name: 'web', resources: { requests: { cpu: amount } } }] });
const replicaOf = (uid: string) => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid, controller: true }],
});

test('the replicas of one owner go to different nodes', async () => {
  const { api, pods: podClient, nodes: nodeClient } = start();
  for (const name of ['node-1', 'node-2', 'node-3']) await nodeClient.create(node(name));
  await settle();
  for (const name of ['a', 'b', 'c']) await podClient.create(pod(name, {}, replicaOf('rs-1')));
  await settle();
  const placed = (await podClient.list()).items.map((p) => p.spec.nodeName).sort();
  expect(placed).toEqual(['node-1', 'node-2', 'node-3']);
  const told = (await api.resource<Event>(events).list()).items.map((e) => `${e.reason}: ${e.message}`);
  const a = (await podClient.get('a', 'default')).spec.nodeName;
  expect(told).toContain(`Scheduled: Successfully assigned default/a to ${a}`);
});

test('says why no node takes a pod, and places it when one does', async () => {
  const { api, clock, pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('small'));
  await nodeClient.create(node('cordoned', { unschedulable: true }));
  await nodeClient.create(node('tainted', { taints: [{ key: 'x', effect: 'NoSchedule' }] }));
  await settle();
  await podClient.create(pod('big', cpu('3')));
  await settle();
  const message =
    '0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable. ' +
    'no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.';
  const [event] = (await api.resource<Event>(events).list()).items;
  expect(event).toMatchObject({ type: 'Warning', reason: 'FailedScheduling', message });
  expect((await podClient.get('big', 'default')).status?.conditions).toMatchObject([
    { type: 'PodScheduled', observedGeneration: 1, status: 'False', reason: 'Unschedulable', message },
  ]);
  await nodeClient.create(node('large', {}, { cpu: '8' }));
  await settle();
  clock.advance(10_000);
  await settle();
  expect((await podClient.get('big', 'default')).spec.nodeName).toBe('large');
});

test('a claim that is missing, or has no volume yet, is why a pod fits no node at all', async () => {
  const { api, clock, pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('cordoned', { unschedulable: true }));
  await nodeClient.create(node('free'));
  await settle();
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }];
  await podClient.create(pod('db', { volumes }));
  await settle();
  const condition = async () => (await podClient.get('db', 'default')).status?.conditions?.[0]?.message;
  const preemption =
    'no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.';
  expect(await condition()).toBe(`0/2 nodes are available: persistentvolumeclaim "data" not found. ${preemption}`);
  await api.resource<PersistentVolumeClaim>(persistentVolumeClaims).create({
    metadata: { name: 'data', namespace: 'default' },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: '1Gi' } } },
  });
  await settle();
  clock.advance(10_000);
  await settle();
  expect(await condition()).toBe(
    `0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. ${preemption}`,
  );
});

/** A node, and a claim that gets its volume, by somebody else, once its pod has a node. */
async function startWithClaim() {
  const started = start();
  const { api } = started;
  const claims = api.resource<PersistentVolumeClaim>(persistentVolumeClaims);
  await started.nodes.create(node('node-1'));
  const later = { provisioner: 'p', volumeBindingMode: 'WaitForFirstConsumer' };
  await api.resource<StorageClass>(storageClasses).create({ metadata: { name: 'later' }, ...later });
  await claims.create({ metadata: { name: 'data', namespace: 'default' }, spec: { storageClassName: 'later' } });
  await settle();
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }];
  return { ...started, claims, volumes };
}

const selectedNode = 'volume.kubernetes.io/selected-node';

test('a claim whose volume cannot be made where its pod was to go is tried again', async () => {
  const { api, clock, errors, pods: podClient, claims, volumes } = await startWithClaim();
  await podClient.create(pod('db', { volumes }));
  await settle();
  const selected = async () => (await claims.get('data', 'default')).metadata.annotations?.[selectedNode];
  expect(await selected()).toBe('node-1');
  const body = { metadata: { annotations: { [selectedNode]: null } } };
  await claims.patch({ name: 'data', namespace: 'default', type: 'merge', body });
  await settle();
  const why = 'binding volumes: provisioning failed for PVC "data"';
  expect(errors.splice(0)).toEqual([expect.objectContaining({ message: why })]);
  const message = `running PreBind plugin "VolumeBinding": ${why}`;
  expect((await podClient.get('db', 'default')).status?.conditions).toMatchObject([
    { type: 'PodScheduled', status: 'False', reason: 'SchedulerError', message },
  ]);
  const told = (await api.resource<Event>(events).list()).items;
  expect(told).toMatchObject([{ type: 'Warning', reason: 'FailedScheduling', message }]);
  clock.advance(1000);
  await settle();
  expect(await selected()).toBe('node-1');
});

test('a pod made anew, while the one before waits for its claims, keeps its place when that fails', async () => {
  const { api, errors, pods: podClient, claims, volumes } = await startWithClaim();
  const db = () => podClient.create(pod('db', { ...cpu('1500m'), volumes }));
  const old = await db();
  await settle();
  await podClient.delete('db', 'default', { gracePeriodSeconds: 0 });
  await db();
  await settle();
  const slow = Promise.withResolvers<void>();
  api.react(async ({ subresource }, object) => {
    if (subresource !== 'binding' || object?.metadata.name !== 'db') return;
    if (object.metadata.uid === old.metadata.uid) throw new Error('of another pod');
    await slow.promise;
  });
  await api.resource<PersistentVolume>(persistentVolumes).create(volumeOn('pv', 'node-1'));
  const change = { name: 'data', namespace: 'default', type: 'merge' } as const;
  await claims.patch({ ...change, body: { spec: { volumeName: 'pv' } } });
  await claims.patch({ ...change, body: { status: { phase: 'Bound' } } }, { subresource: 'status' });
  await settle();
  expect(errors.splice(0)).toEqual([expect.objectContaining({ message: 'of another pod' })]);
  await podClient.create(pod('other', cpu('1500m')));
  await settle();
  expect((await podClient.get('other', 'default')).spec.nodeName).toBeUndefined();
  slow.resolve();
  await settle();
  expect((await podClient.get('db', 'default')).spec.nodeName).toBe('node-1');
});

const volumeOn = (name: string, ...values: string[]): PersistentVolume => ({
  metadata: { name },
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'later',
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values }] }],
      },
    },
  },
});

test('pods that share a claim which waits for its first pod all go to the node that the first chose', async () => {
  const { api, clock, pods: podClient, nodes: nodeClient, claims, volumes } = await startWithClaim();
  await nodeClient.create(node('node-2', { unschedulable: true }));
  const cordon = (name: string, unschedulable: boolean) =>
    nodeClient.patch({ name, type: 'merge', body: { spec: { unschedulable } } });
  await cordon('node-1', true);
  await settle();
  for (const name of ['a', 'b']) await podClient.create(pod(name, { volumes }, replicaOf('rs')));
  await settle();
  for (const name of ['node-1', 'node-2']) await cordon(name, false);
  await settle();
  // Both are tried in one turn.
  clock.advance(10_000);
  await settle();
  const chosen = (await claims.get('data', 'default')).metadata.annotations?.[selectedNode] ?? '';
  await api.resource<PersistentVolume>(persistentVolumes).create(volumeOn('pv', chosen));
  const bound = { name: 'data', namespace: 'default', type: 'merge' } as const;
  const body = { metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }, spec: { volumeName: 'pv' } };
  await claims.patch({ ...bound, body });
  await claims.patch({ ...bound, body: { status: { phase: 'Bound' } } }, { subresource: 'status' });
  await settle();
  clock.advance(10_000);
  await settle();
  expect((await podClient.list()).items.map(({ spec }) => spec.nodeName)).toEqual([chosen, chosen]);
});

test('a pod whose claim got a volume elsewhere meanwhile follows it', async () => {
  const { api, clock, errors, pods: podClient, nodes: nodeClient, claims, volumes } = await startWithClaim();
  await podClient.create(pod('db', { volumes }));
  await settle();
  await nodeClient.create(node('node-2'));
  await api.resource<PersistentVolume>(persistentVolumes).create(volumeOn('pv', 'node-2'));
  const bound = { name: 'data', namespace: 'default', type: 'merge' } as const;
  const body = { metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }, spec: { volumeName: 'pv' } };
  await claims.patch({ ...bound, body });
  await claims.patch({ ...bound, body: { status: { phase: 'Bound' } } }, { subresource: 'status' });
  await settle();
  const why = 'pv "pv" node affinity doesn\'t match node "node-1": no matching NodeSelectorTerms';
  expect(errors.splice(0)).toEqual([expect.objectContaining({ message: `binding volumes: ${why}` })]);
  clock.advance(1000);
  await settle();
  expect((await podClient.get('db', 'default')).spec.nodeName).toBe('node-2');
});

test('pods that come at once are each given a volume of its own', async () => {
  const { api, pods: podClient, claims } = await startWithClaim();
  const volumeClient = api.resource<PersistentVolume>(persistentVolumes);
  for (const name of ['a', 'b', 'c']) {
    await volumeClient.create(volumeOn(`pv-${name}`, 'node-1'));
    await claims.create({ metadata: { name, namespace: 'default' }, spec: { storageClassName: 'later' } });
  }
  await settle();
  const using = (claimName: string) => ({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] });
  await Promise.all(['a', 'b', 'c'].map((name) => podClient.create(pod(name, using(name)))));
  await settle();
  const kept = (await volumeClient.list()).items.map(({ spec }) => spec?.claimRef?.name);
  expect(kept.sort()).toEqual(['a', 'b', 'c']);
});

test('a pod that wants devices waits: nothing here allocates them', async () => {
  const { pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('node-1'));
  await settle();
  await podClient.create(pod('trainer', { resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }] }));
  await settle();
  const { spec, status } = await podClient.get('trainer', 'default');
  expect(spec.nodeName).toBeUndefined();
  expect(status?.conditions?.[0]?.message).toContain('0/1 nodes are available: 1 cannot allocate all claims.');
  const hollow = node('hollow-1');
  const nodeInfo = { kubeletVersion: 'v1.36.0-hollow' } as NonNullable<Node['status']>['nodeInfo'];
  await nodeClient.create({ ...hollow, status: { ...hollow.status, ...(nodeInfo && { nodeInfo }) } });
  await settle();
  await podClient.create(pod('played', { resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }] }));
  await settle();
  expect((await podClient.get('played', 'default')).spec.nodeName).toBe('hollow-1');
});

test('a node takes no more than it has, counting pods whose binding is under way', async () => {
  const { clock, pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('node-1'));
  await settle();
  for (const name of ['a', 'b', 'c']) await podClient.create(pod(name, cpu('900m')));
  await settle();
  const waiting = (await podClient.list()).items.filter((p) => !p.spec.nodeName);
  expect(waiting).toHaveLength(1);
  await podClient.delete((await podClient.list()).items.find((p) => p.spec.nodeName)?.metadata.name ?? '', 'default', {
    gracePeriodSeconds: 0,
  });
  await settle();
  clock.advance(10_000);
  await settle();
  expect((await podClient.get(waiting[0]?.metadata.name ?? '', 'default')).spec.nodeName).toBe('node-1');
});

test('a pod is tried again when something changes that may help it', async () => {
  const { api, clock, pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('node-1'));
  await settle();
  await podClient.create(pod('big', cpu('3')));
  await settle();
  const tries = async () => {
    await settle();
    clock.advance(11_000);
    await settle();
    const told = (await api.resource<Event>(events).list()).items.filter((e) => e.reason === 'FailedScheduling');
    return told.reduce((sum, { count = 1 }) => sum + count, 0);
  };
  expect(await tries()).toBe(1);
  await podClient.create(pod('small', cpu('1')));
  await nodeClient.create(node('small', {}, { cpu: '2' }));
  expect(await tries()).toBe(1);
  await podClient.delete('small', 'default', { gracePeriodSeconds: 0 });
  expect(await tries()).toBe(2);
  await nodeClient.create(node('large', {}, { cpu: '4' }));
  expect(await tries()).toBe(2);
  expect((await podClient.get('big', 'default')).spec.nodeName).toBe('large');
});

test('a pod that wants to be near those of some namespaces goes there once theirs is one of them', async () => {
  const { api, clock, pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('node-1'));
  await api.resource<Namespace>(namespaces).create({ metadata: { name: 'default' }, spec: {} });
  await settle();
  const chosen = { namespaceSelector: { matchLabels: { team: 'red' } }, labelSelector: { matchLabels: { app: 'db' } } };
  const required = [{ topologyKey: 'kubernetes.io/hostname', ...chosen }];
  const near = { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } } };
  await podClient.create(pod('db', {}, { labels: { app: 'db' } }));
  await podClient.create(pod('web', near));
  await settle();
  const body = { metadata: { labels: { team: 'red' } } };
  await api.resource<Namespace>(namespaces).patch({ name: 'default', type: 'merge', body });
  await settle();
  clock.advance(10_000);
  await settle();
  expect((await podClient.get('web', 'default')).spec.nodeName).toBe('node-1');
});

test('a domain that goes need not be filled any more', async () => {
  const { clock, pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('node-1'));
  await nodeClient.create(node('node-2', { unschedulable: true }));
  await settle();
  const constraint = {
    maxSkew: 1,
    topologyKey: 'kubernetes.io/hostname',
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { app: 'even' } },
  };
  const even = { topologySpreadConstraints: [constraint] };
  for (const name of ['a', 'b']) {
    await podClient.create(pod(name, even, { labels: { app: 'even' } }));
    await settle();
  }
  const place = async () => (await podClient.get('b', 'default')).spec.nodeName;
  expect(await place()).toBeUndefined();
  await nodeClient.delete('node-2');
  await settle();
  clock.advance(10_000);
  await settle();
  expect(await place()).toBe('node-1');
});

test('no nodes at all', async () => {
  const { api, pods: podClient } = start();
  await settle();
  await podClient.create(pod('a'));
  await settle();
  const [event] = (await api.resource<Event>(events).list()).items;
  expect(event?.message).toBe('no nodes available to schedule pods');
});

test('gated pods and those of another scheduler are left alone until they are ours', async () => {
  const { pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('node-1'));
  await settle();
  await podClient.create(pod('gated', { schedulingGates: [{ name: 'wait' }] }));
  await podClient.create(pod('other', { schedulerName: 'mine' }));
  await settle();
  expect((await podClient.list()).items.map((p) => p.spec.nodeName)).toEqual([undefined, undefined]);
  const gated = await podClient.get('gated', 'default');
  await podClient.update({ ...gated, spec: { ...gated.spec, schedulingGates: [] } });
  await settle();
  expect((await podClient.get('gated', 'default')).spec.nodeName).toBe('node-1');
});

test('a failed binding is tried again, and what it took is free meanwhile', async () => {
  const { api, clock, pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('node-1'));
  await settle();
  let refuse = true;
  api.react(({ subresource }) => {
    if (subresource === 'binding' && refuse) throw Object.assign(new Error('later'), {});
  });
  await podClient.create(pod('a', cpu('1500m')));
  await settle();
  expect((await podClient.get('a', 'default')).spec.nodeName).toBeUndefined();
  refuse = false;
  clock.advance(1000);
  await settle();
  expect((await podClient.get('a', 'default')).spec.nodeName).toBe('node-1');
  stop.splice(0);
});

test('a pod that changes while it is bound is decided anew as it is then, when that fails', async () => {
  const { api, clock, errors, pods: podClient, nodes: nodeClient } = start();
  const refused = Promise.withResolvers<void>();
  let isFirst = true;
  api.react(async ({ subresource }) => {
    if (subresource !== 'binding' || !isFirst) return;
    isFirst = false;
    await refused.promise;
  });
  await nodeClient.create(node('node-1'));
  await settle();
  await podClient.create(pod('web'));
  await settle();
  const patch = { name: 'web', namespace: 'default', type: 'merge' } as const;
  await podClient.patch({ ...patch, body: { metadata: { labels: { new: 'yes' } } } });
  await nodeClient.patch({ name: 'node-1', type: 'merge', body: { spec: { unschedulable: true } } });
  await settle();
  refused.reject(new Error('later'));
  await settle();
  clock.advance(1000);
  await settle();
  const { metadata, status } = await podClient.get('web', 'default');
  expect(metadata.labels).toEqual({ new: 'yes' });
  expect(status?.conditions?.map(({ reason }) => reason)).toEqual(['Unschedulable']);
  expect(errors.splice(0)).toHaveLength(1);
});

test('those that found no room beside a pod whose binding failed are tried again', async () => {
  const { api, clock, pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('node-1'));
  await settle();
  const refused = Promise.withResolvers<void>();
  api.react(async ({ subresource, key }) => {
    if (subresource === 'binding' && key === 'default/a') await refused.promise;
  });
  for (const name of ['a', 'b']) {
    await podClient.create(pod(name, cpu('1500m')));
    await settle();
  }
  refused.reject(new Error('never'));
  await settle();
  clock.advance(1000);
  await settle();
  expect((await podClient.get('b', 'default')).spec.nodeName).toBe('node-1');
  stop.splice(0);
});

test.each<[string, Partial<Pod['spec']>]>([
  ['nodeSelector', { nodeSelector: { disk: 'ssd' } }],
  [
    'node affinity',
    {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd', 'nvme'] }] }],
          },
        },
      },
    },
  ],
  ['toleration', { tolerations: [{ key: 'gpu', operator: 'Exists' }], nodeSelector: { disk: 'ssd' } }],
])('%s decides', async (_what, spec) => {
  const { pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('plain'));
  const ssd = node('ssd', spec.tolerations ? { taints: [{ key: 'gpu', effect: 'NoSchedule' }] } : {});
  ssd.metadata.labels = { disk: 'ssd' };
  await nodeClient.create(ssd);
  await settle();
  await podClient.create(pod('a', spec));
  await settle();
  expect((await podClient.get('a', 'default')).spec.nodeName).toBe('ssd');
});

test('required anti-affinity keeps apart, in both directions; spread constraints and host ports hold', async () => {
  const { pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('node-1'));
  await nodeClient.create(node('node-2'));
  await settle();
  const term = { labelSelector: { matchLabels: { app: 'db' } }, topologyKey: 'kubernetes.io/hostname' };
  const anti = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
  await podClient.create(pod('lonely', anti));
  await settle();
  for (const name of ['x', 'y']) await podClient.create(pod(name, {}, { labels: { app: 'db' } }));
  await settle();
  const lonely = (await podClient.get('lonely', 'default')).spec.nodeName;
  const others = await Promise.all(['x', 'y'].map(async (n) => (await podClient.get(n, 'default')).spec.nodeName));
  expect(others).toEqual(Array(2).fill(lonely === 'node-1' ? 'node-2' : 'node-1'));

  const constraint = {
    maxSkew: 1,
    topologyKey: 'kubernetes.io/hostname',
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { app: 'even' } },
  };
  for (const name of ['e1', 'e2', 'e3', 'e4']) {
    await podClient.create(pod(name, { topologySpreadConstraints: [constraint] }, { labels: { app: 'even' } }));
    await settle();
  }
  const even = (await podClient.list({ labelSelector: 'app=even' })).items.map((p) => p.spec.nodeName).sort();
  expect(even).toEqual(['node-1', 'node-1', 'node-2', 'node-2']);

  const withPort = { containers: [{ name: 'web', ports: [{ containerPort: 80, hostPort: 8080 }] }] };
  for (const name of ['p1', 'p2', 'p3']) await podClient.create(pod(name, withPort));
  await settle();
  const ports = (await podClient.list()).items
    .filter((p) => p.metadata.name.startsWith('p'))
    .map((p) => p.spec.nodeName);
  expect(ports.filter((n) => n === undefined)).toHaveLength(1);
});

test('an important pod pushes the least important aside, and goes where they were', async () => {
  const { api, clock, pods: podClient, nodes: nodeClient } = start();
  for (const name of ['node-1', 'node-2']) await nodeClient.create(node(name));
  await settle();
  const small = cpu('1500m');
  await podClient.create(pod('cheap', { ...small, priority: 1 }));
  await podClient.create(pod('dear', { ...small, priority: 5 }));
  await settle();
  const place = (await podClient.get('cheap', 'default')).spec.nodeName;
  await podClient.create(pod('urgent', { ...small, priority: 10 }));
  await settle();
  const urgent = await podClient.get('urgent', 'default');
  expect(urgent.status?.nominatedNodeName).toBe(place);
  const cheap = await podClient.get('cheap', 'default');
  expect(cheap.metadata.deletionTimestamp).toBeDefined();
  expect(cheap.status?.conditions).toContainEqual(
    expect.objectContaining({
      type: 'DisruptionTarget',
      observedGeneration: 1,
      status: 'True',
      reason: 'PreemptionByScheduler',
    }),
  );
  const told = (await api.resource<Event>(events).list()).items.map((e) => `${e.reason}: ${e.message}`);
  expect(told).toContain('FailedScheduling: 0/2 nodes are available: 2 Insufficient cpu.');
  expect(told).toContain(`Preempted: Preempted by pod ${urgent.metadata.uid} on node ${place}`);
  // Nobody of less importance takes the room that was made.
  await podClient.create(pod('sneaky', { ...small, priority: 2 }));
  await podClient.delete('cheap', 'default', { gracePeriodSeconds: 0 });
  await settle();
  // It does not wait for its back-off.
  expect((await podClient.get('urgent', 'default')).spec.nodeName).toBe(place);
  clock.advance(11_000);
  await settle();
  expect((await podClient.get('sneaky', 'default')).spec.nodeName).toBeUndefined();
});

test('of pods that matter the same the one is pushed aside that has run for less time', async () => {
  const { pods: podClient, nodes: nodeClient } = start();
  for (const name of ['node-1', 'node-2']) {
    await nodeClient.create(node(name));
    await settle();
    await podClient.create(pod(`on-${name}`, { ...cpu('2'), priority: 1 }));
    await settle();
    const startTime = name === 'node-1' ? '2026-01-01T00:00:00Z' : '2026-01-01T00:00:01Z';
    const patch = { name: `on-${name}`, namespace: 'default', type: 'merge', body: { status: { startTime } } } as const;
    await podClient.patch(patch, { subresource: 'status' });
    await settle();
  }
  await podClient.create(pod('urgent', { ...cpu('2'), priority: 10 }));
  await settle();
  expect((await podClient.get('urgent', 'default')).status?.nominatedNodeName).toBe('node-2');
});

test('room that was made for a pod is free when it is gone', async () => {
  const { clock, pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('node-1'));
  await settle();
  await podClient.create(pod('cheap', { ...cpu('1'), priority: 1 }));
  await settle();
  await podClient.create(pod('urgent', { ...cpu('2'), priority: 10 }));
  await settle();
  await podClient.create(pod('modest', { ...cpu('1'), priority: 2 }));
  await settle();
  const place = async () => (await podClient.get('modest', 'default')).spec.nodeName;
  expect(await place()).toBeUndefined();
  await podClient.delete('urgent', 'default', { gracePeriodSeconds: 0 });
  await settle();
  clock.advance(10_000);
  await settle();
  expect(await place()).toBe('node-1');
});

test('room that was made for a pod is free when it is to go, though something keeps it there', async () => {
  const { clock, pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('node-1'));
  await settle();
  await podClient.create(pod('cheap', { ...cpu('2'), priority: 1 }));
  await settle();
  await podClient.create(pod('urgent', { ...cpu('2'), priority: 10 }, { finalizers: ['example.com/keep'] }));
  await settle();
  await podClient.delete('urgent', 'default', { gracePeriodSeconds: 0 });
  await podClient.delete('cheap', 'default', { gracePeriodSeconds: 0 });
  await settle();
  await podClient.create(pod('modest', { ...cpu('1'), priority: 2 }));
  await settle();
  expect((await podClient.get('urgent', 'default')).status?.nominatedNodeName).toBe('node-1');
  clock.advance(10_000);
  await settle();
  expect((await podClient.get('modest', 'default')).spec.nodeName).toBe('node-1');
});

test('a pod whose room went to another gives up its claim to it', async () => {
  const { clock, pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('node-1'));
  await settle();
  await podClient.create(pod('cheap', { ...cpu('2'), priority: 1 }));
  await settle();
  await podClient.create(pod('urgent', { ...cpu('2'), priority: 10 }));
  await settle();
  const nominated = async () => (await podClient.get('urgent', 'default')).status?.nominatedNodeName;
  expect(await nominated()).toBe('node-1');
  // More important: it takes the room at once.
  await podClient.create(pod('vital', { ...cpu('1500m'), priority: 20 }));
  await podClient.delete('cheap', 'default', { gracePeriodSeconds: 0 });
  await settle();
  clock.advance(10_000);
  await settle();
  expect((await podClient.get('vital', 'default')).spec.nodeName).toBe('node-1');
  expect(await nominated()).toBeUndefined();
  await podClient.create(pod('modest', { ...cpu('500m'), priority: 2 }));
  await settle();
  expect((await podClient.get('modest', 'default')).spec.nodeName).toBe('node-1');
});

test('whom a more important pod drives from the room that was made for it is nominated there no more', async () => {
  const { pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('node-1'));
  await settle();
  await podClient.create(pod('cheap', { ...cpu('2'), priority: 1 }));
  await settle();
  const nominated = async (name: string) => (await podClient.get(name, 'default')).status?.nominatedNodeName;
  await podClient.create(pod('urgent', { ...cpu('2'), priority: 10 }));
  await settle();
  expect(await nominated('urgent')).toBe('node-1');
  await podClient.create(pod('vital', { ...cpu('2'), priority: 20 }));
  await settle();
  expect([await nominated('urgent'), await nominated('vital')]).toEqual([undefined, 'node-1']);
});

test('a pod whose victim could not be ended tries again soon', async () => {
  const { api, clock, pods: podClient, nodes: nodeClient, errors } = start();
  await nodeClient.create(node('node-1'));
  await settle();
  await podClient.create(pod('cheap', { ...cpu('2'), priority: 1 }));
  await settle();
  const isEnding = async () => (await podClient.get('cheap', 'default')).metadata.deletionTimestamp !== undefined;
  let isAway = true;
  api.react(({ verb }) => {
    if (verb === 'delete' && isAway) throw new Error('away');
  });
  await podClient.create(pod('urgent', { ...cpu('2'), priority: 10 }));
  await settle();
  expect([await isEnding(), errors.splice(0)]).toEqual([false, [expect.objectContaining({ message: 'away' })]]);
  isAway = false;
  clock.advance(2000);
  await settle();
  expect(await isEnding()).toBe(true);
});

test('a pod that preempts never waits, and says so', async () => {
  const { api, pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('node-1'));
  await settle();
  await podClient.create(pod('cheap', { ...cpu('1500m'), priority: 1 }));
  await settle();
  await podClient.create(pod('polite', { ...cpu('1500m'), priority: 10, preemptionPolicy: 'Never' }));
  await settle();
  const told = (await api.resource<Event>(events).list()).items.map((e) => e.message);
  expect(told).toContain(
    '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.',
  );
  expect((await podClient.get('cheap', 'default')).metadata.deletionTimestamp).toBeUndefined();
});

test.each<[string, Partial<Pod['spec']>]>([
  ['of a container', { containers: [{ name: 'web', image: 'registry/big:1' }] }],
  ['of a volume', { volumes: [{ name: 'data', image: { reference: 'registry/big:1' } }] }],
])('a large image %s draws a pod to the node that has it', async (_whose, spec) => {
  const { pods: podClient, nodes: nodeClient } = start();
  const images = [{ names: ['registry/big:1'], sizeBytes: 900 * 1024 * 1024 }];
  for (const name of ['node-1', 'node-2', 'node-3']) await nodeClient.create(node(name));
  await settle();
  await nodeClient.patch({ name: 'node-3', type: 'merge', body: { status: { images } } }, { subresource: 'status' });
  await settle();
  await podClient.create(pod('a', spec));
  await settle();
  expect((await podClient.get('a', 'default')).spec.nodeName).toBe('node-3');
});

test('why a pod waits is said, and where room is made for it, though somebody else writes of it meanwhile', async () => {
  const { api, pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('node-1'));
  await settle();
  await podClient.create(pod('cheap', { ...cpu('2'), priority: 1 }));
  await settle();
  let isFirst = true;
  const ready = { type: 'example.com/ready', status: 'False' };
  api.react(async ({ subresource, key }) => {
    if (subresource !== 'status' || key !== 'default/urgent' || !isFirst) return;
    isFirst = false;
    const body = { status: { conditions: [ready] } };
    await podClient.patch({ name: 'urgent', namespace: 'default', type: 'merge', body }, { subresource: 'status' });
  });
  await podClient.create(pod('urgent', { ...cpu('2'), priority: 10 }));
  await settle();
  const { status } = await podClient.get('urgent', 'default');
  expect(status?.nominatedNodeName).toBe('node-1');
  expect(status?.conditions?.map(({ type }) => type)).toEqual(['example.com/ready', 'PodScheduled']);
});

test('a pod made anew under its name, when the one before was bound just now, gets a node, too', async () => {
  const { api, clock, pods: podClient, nodes: nodeClient } = start();
  const answered = Promise.withResolvers<void>();
  const { resource } = api;
  api.resource = (of) => {
    const client = resource.call(api, of);
    const { create } = client;
    client.create = async (object, options) => {
      const created = await create.call(client, object, options);
      if (options?.subresource === 'binding') await answered.promise;
      return created;
    };
    return client as never;
  };
  await nodeClient.create(node('node-1'));
  await podClient.create(pod('web'));
  await settle();
  await podClient.delete('web', 'default', { gracePeriodSeconds: 0 });
  const cordon = (unschedulable: boolean) =>
    ({ name: 'node-1', type: 'merge', body: { spec: { unschedulable } } }) as const;
  await nodeClient.patch(cordon(true));
  await settle();
  await podClient.create(pod('web'));
  await settle();
  answered.resolve();
  await settle();
  await nodeClient.patch(cordon(false));
  await settle();
  clock.advance(10_000);
  await settle();
  expect((await podClient.get('web', 'default')).spec.nodeName).toBe('node-1');
});

test('a pod that is resized in place takes the larger of what it asks, what was set aside and what is in force', async () => {
  const { clock, pods: podClient, nodes: nodeClient } = start();
  await nodeClient.create(node('node-1'));
  await settle();
  const resized = { name: 'resized', namespace: 'default' };
  const told = (allocated: string, inForce: string, pending?: string) => ({
    status: {
      containerStatuses: [
        { name: 'web', allocatedResources: { cpu: allocated }, resources: { requests: { cpu: inForce } } },
      ],
      conditions: pending === undefined ? [] : [{ type: 'PodResizePending', status: 'True', reason: pending }],
    },
  });
  const tell = (body: object) => podClient.patch({ ...resized, type: 'merge', body }, { subresource: 'status' });
  await podClient.create(pod('resized', { ...cpu('1800m'), nodeName: 'node-1' }));
  await tell(told('500m', '500m', 'Deferred'));
  await settle();
  await podClient.create(pod('next', cpu('1')));
  const later = async () => {
    await settle();
    clock.advance(10_000);
    await settle();
    return (await podClient.get('next', 'default')).spec.nodeName;
  };
  expect(await later()).toBeUndefined();
  await podClient.patch({ ...resized, type: 'merge', body: { spec: cpu('500m') } });
  await tell(told('1800m', '500m'));
  expect(await later()).toBeUndefined();
  await tell(told('500m', '1800m'));
  expect(await later()).toBeUndefined();
  await podClient.patch({ ...resized, type: 'merge', body: { spec: cpu('1800m') } });
  await tell(told('500m', '500m', 'Infeasible'));
  expect(await later()).toBe('node-1');
});
