// What the conformance tests of sig-apps and sig-scheduling of Kubernetes v1.36 expect of workloads and of the scheduler, under
// their names, on a cluster inside this process whose time is moved by hand. docs/conformance.md says where the others are tested.
import { expect, test } from 'vitest';
import {
  type ControllerRevision,
  controllerRevisions,
  type DaemonSet,
  type Deployment,
  daemonSets,
  deployments,
  type Job,
  jobs,
  type KubeObject,
  namespaces,
  nodes,
  type Pod,
  podDisruptionBudgets,
  pods,
  type ReplicaSet,
  type ReplicationController,
  type ResourceOf,
  replicaSets,
  replicationControllers,
  resourceOf,
  resourceQuotas,
  type StatefulSet,
  startCluster,
  statefulSets,
  type TestCluster,
} from '../../src/testing/index.ts';
import { aroundTests } from '../fixtures/anew.ts';

let cluster: TestCluster;
let count = 0;
const start = async () => {
  cluster = await startCluster({ nodes: 3, time: 'manual' });
};
aroundTests(start, () => cluster.stop());

/** In a namespace of its own, as upstream. */
function conformance(name: string, expectation: (namespace: string) => Promise<void>): void {
  test(name, async () => {
    count += 1;
    const namespace = `conformance-${count}`;
    await api(namespaces).create({ metadata: { name: namespace }, spec: {} });
    await cluster.settled();
    await expectation(namespace);
    await api(namespaces).delete(namespace);
    await cluster.clock.advance(1000);
  });
}

const api = <T extends KubeObject>(resource: ResourceOf<T>) => cluster.client.resource(resource);
const app = { app: 'web' };
const notReady = { 'hollow.portico.dev/ready': 'false' };

function template(image = 'web', annotations: Record<string, string> = {}, spec: Partial<Pod['spec']> = {}) {
  return { metadata: { labels: app, annotations }, spec: { containers: [{ name: 'web', image }], ...spec } };
}

/** Merges into `spec`, and lets follow what follows of it. */
async function change<T extends KubeObject>(resource: ResourceOf<T>, object: T, spec: object): Promise<T> {
  const { name, namespace = '' } = object.metadata;
  await api(resource).patch({ name, namespace, type: 'merge', body: { spec } });
  await cluster.clock.advance(1000);
  return api(resource).get(name, namespace);
}

async function create<T extends KubeObject>(resource: ResourceOf<T>, object: T): Promise<T> {
  const { name, namespace } = (await api(resource).create(object)).metadata;
  await cluster.settled();
  return api(resource).get(name, namespace);
}

const again = <T extends KubeObject>(resource: ResourceOf<T>, { metadata }: T) =>
  api(resource).get(metadata.name, metadata.namespace);

async function podsOf(namespace: string): Promise<Pod[]> {
  await cluster.settled();
  const { items } = await api(pods).list({ namespace });
  return items.filter((pod) => !pod.metadata.deletionTimestamp);
}

const namesOf = (objects: readonly KubeObject[]) => objects.map(({ metadata }) => metadata.name).sort();
const uidsOf = (objects: readonly KubeObject[]) => objects.map(({ metadata }) => metadata.uid);
const imagesOf = (all: readonly Pod[]) => all.map(({ spec }) => spec.containers[0]?.image);

/** Breaks the probes of a pod, or mends them. */
async function setReady(namespace: string, name: string, ready: boolean): Promise<void> {
  const annotations = { 'hollow.portico.dev/ready': ready ? null : 'false' };
  await api(pods).patch({ name, namespace, type: 'merge', body: { metadata: { annotations } } });
  await cluster.settled();
}

conformance(
  'ReplicaSet should adopt matching pods on creation and release no longer matching pods',
  async (namespace) => {
    const name = 'orphan';
    await create(pods, { metadata: { name, namespace, labels: app }, spec: template().spec });
    const spec = { replicas: 1, selector: { matchLabels: app }, template: template() };
    const set = await create<ReplicaSet>(replicaSets, { metadata: { name: 'web', namespace }, spec });
    expect(namesOf(await podsOf(namespace))).toEqual([name]);
    expect((await api(pods).get(name, namespace)).metadata.ownerReferences).toMatchObject([{ uid: set.metadata.uid }]);
    await api(pods).patch({ name, namespace, type: 'merge', body: { metadata: { labels: { app: 'other' } } } });
    await cluster.settled();
    expect((await api(pods).get(name, namespace)).metadata.ownerReferences ?? []).toEqual([]);
    expect(await podsOf(namespace)).toHaveLength(2);
  },
);

conformance(
  'ReplicationController should surface a failure condition on a common issue like exceeded quota',
  async (namespace) => {
    await create(resourceQuotas, { metadata: { name: 'quota', namespace }, spec: { hard: { pods: '2' } } });
    const spec = { replicas: 3, selector: app, template: template() };
    const metadata = { name: 'web', namespace };
    const controller = await create<ReplicationController>(replicationControllers, { metadata, spec });
    expect(controller.status?.conditions).toMatchObject([
      { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' },
    ]);
    expect((await change(replicationControllers, controller, { replicas: 2 })).status?.conditions ?? []).toEqual([]);
  },
);

function deploymentOf(namespace: string, spec: Partial<Deployment['spec']> = {}): Deployment {
  return {
    metadata: { name: 'web', namespace },
    spec: { replicas: 1, selector: { matchLabels: app }, template: template('new'), ...spec },
  };
}

async function byHand(namespace: string, annotations: Record<string, string> = {}): Promise<ReplicaSet> {
  const metadata = { name: 'by-hand', namespace, labels: app, annotations };
  return create<ReplicaSet>(replicaSets, {
    metadata,
    spec: { replicas: 1, selector: { matchLabels: app }, template: template('old') },
  });
}

const setsOf = async (namespace: string) => (await api(replicaSets).list({ namespace })).items;

conformance('Deployment RollingUpdateDeployment should delete old pods and create new ones', async (namespace) => {
  const revision = 'deployment.kubernetes.io/revision';
  const old = await byHand(namespace, { [revision]: '3546343826724305832' });
  const deployment = await create(deployments, deploymentOf(namespace));
  await cluster.clock.advance(1000);
  expect(imagesOf(await podsOf(namespace))).toEqual(['new']);
  expect((await again(deployments, deployment)).metadata.annotations?.[revision]).toBe('3546343826724305833');
  expect(await again(replicaSets, old)).toMatchObject({
    metadata: { ownerReferences: [{ kind: 'Deployment', uid: deployment.metadata.uid }] },
    spec: { replicas: 0 },
  });
});

conformance('Deployment deployment should delete old replica sets', async (namespace) => {
  await byHand(namespace);
  await create(deployments, deploymentOf(namespace, { revisionHistoryLimit: 0 }));
  await cluster.clock.advance(1000);
  expect((await setsOf(namespace)).map(({ spec }) => spec.template?.spec?.containers[0]?.image)).toEqual(['new']);
});

conformance('Deployment deployment should support rollover', async (namespace) => {
  await byHand(namespace);
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } };
  const broken = { minReadySeconds: 10, strategy, template: template('broken', notReady) };
  const deployment = await create(deployments, deploymentOf(namespace, broken));
  expect(deployment.status?.updatedReplicas).toBe(1);
  await change(deployments, deployment, {
    template: { ...template('new'), metadata: { annotations: { [Object.keys(notReady)[0]!]: null } } },
  });
  await cluster.clock.advance(12_000);
  expect(imagesOf(await podsOf(namespace))).toEqual(['new']);
  expect((await setsOf(namespace)).map(({ spec }) => spec.replicas).sort()).toEqual([0, 0, 1]);
});

conformance('Deployment deployment should support proportional scaling', async (namespace) => {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } };
  const deployment = await create(deployments, deploymentOf(namespace, { replicas: 10, strategy }));
  await change(deployments, deployment, { template: template('broken', notReady) });
  const sizes = async () => (await setsOf(namespace)).map(({ spec }) => spec.replicas).sort((a = 0, b = 0) => a - b);
  expect(await sizes()).toEqual([5, 8]);
  await change(deployments, deployment, { replicas: 30 });
  expect(await sizes()).toEqual([13, 20]);
});

function statefulSetOf(namespace: string, spec: Partial<StatefulSet['spec']> = {}): StatefulSet {
  return {
    metadata: { name: 'ss', namespace },
    spec: { serviceName: 'test', replicas: 3, selector: { matchLabels: app }, template: template('one'), ...spec },
  };
}

conformance(
  'StatefulSet should perform canary updates and phased rolling updates of template modifications',
  async (namespace) => {
    const updateStrategy = (partition: number) => ({ type: 'RollingUpdate', rollingUpdate: { partition } });
    const set = await create(statefulSets, statefulSetOf(namespace, { updateStrategy: updateStrategy(3) }));
    const changed = await change(statefulSets, set, { template: template('two') });
    expect(changed.status?.updateRevision).not.toBe(changed.status?.currentRevision);
    const images = async () =>
      imagesOf((await podsOf(namespace)).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)));
    expect(await images()).toEqual(['one', 'one', 'one']);
    await change(statefulSets, set, { updateStrategy: updateStrategy(2) });
    expect(await images()).toEqual(['one', 'one', 'two']);
    for (const name of ['ss-0', 'ss-2']) await api(pods).delete(name, namespace);
    await cluster.clock.advance(2000);
    expect(await images()).toEqual(['one', 'one', 'two']);
    await change(statefulSets, set, { updateStrategy: updateStrategy(0) });
    await cluster.clock.advance(2000);
    expect(await images()).toEqual(['two', 'two', 'two']);
    const { status } = await again(statefulSets, set);
    expect(status?.currentRevision).toBe(status?.updateRevision);
  },
);

conformance(
  'StatefulSet Scaling should happen in predictable order and halt if any stateful pod is unhealthy',
  async (namespace) => {
    const set = await create(statefulSets, statefulSetOf(namespace, { replicas: 1 }));
    await setReady(namespace, 'ss-0', false);
    await change(statefulSets, set, { replicas: 3 });
    expect(namesOf(await podsOf(namespace))).toEqual(['ss-0']);
    await setReady(namespace, 'ss-0', true);
    const all = ['ss-0', 'ss-1', 'ss-2'];
    expect(namesOf(await podsOf(namespace))).toEqual(all);
    for (const name of all) await setReady(namespace, name, false);
    await change(statefulSets, set, { replicas: 0 });
    expect(namesOf(await podsOf(namespace))).toEqual(all);
    for (const name of all) await setReady(namespace, name, true);
    expect(namesOf(await podsOf(namespace))).toEqual(['ss-0', 'ss-1']);
    await cluster.clock.advance(1000);
    expect(await podsOf(namespace)).toEqual([]);
  },
);

conformance('StatefulSet Burst scaling should run to completion even with unhealthy pods', async (namespace) => {
  const spec = { replicas: 1, podManagementPolicy: 'Parallel', template: template('one', notReady) };
  const set = await create(statefulSets, statefulSetOf(namespace, spec));
  await change(statefulSets, set, { replicas: 3 });
  expect(namesOf(await podsOf(namespace))).toEqual(['ss-0', 'ss-1', 'ss-2']);
  expect((await change(statefulSets, set, { replicas: 0 })).status?.replicas).toBe(0);
});

function daemonSetOf(namespace: string, spec: Partial<Pod['spec']> = {}): DaemonSet {
  const metadata = { name: 'daemon', namespace };
  return { metadata, spec: { selector: { matchLabels: app }, template: template('good', {}, spec) } };
}

conformance('Daemon set should rollback without unnecessary restarts', async (namespace) => {
  const set = await create(daemonSets, daemonSetOf(namespace));
  const before = await podsOf(namespace);
  expect(before).toHaveLength(3);
  await change(daemonSets, set, { template: template('broken', notReady) });
  const kept = uidsOf((await podsOf(namespace)).filter((pod) => uidsOf(before).includes(pod.metadata.uid)));
  expect(kept).toHaveLength(2);
  const annotations = { 'hollow.portico.dev/ready': null };
  await change(daemonSets, set, { template: { ...template('good'), metadata: { annotations } } });
  const after = await podsOf(namespace);
  expect(imagesOf(after)).toEqual(['good', 'good', 'good']);
  expect(uidsOf(after)).toEqual(expect.arrayContaining(kept));
});

conformance('Daemon set should retry creating failed daemon pods', async (namespace) => {
  await create(daemonSets, daemonSetOf(namespace));
  const before = await podsOf(namespace);
  const { name = '', uid } = before[0]?.metadata ?? {};
  const body = { status: { phase: 'Failed' } };
  await api(pods).patch({ name, namespace, type: 'merge', body }, { subresource: 'status' });
  await cluster.clock.advance(2000);
  const after = await podsOf(namespace);
  expect(after).toHaveLength(3);
  expect(uidsOf(after)).not.toContain(uid);
});

conformance('Daemon set should run and stop complex daemon', async (namespace) => {
  const set = await create(daemonSets, daemonSetOf(namespace, { nodeSelector: { color: 'blue' } }));
  const paint = async (color: string | null) => {
    await api(nodes).patch({ name: 'hollow-1', type: 'merge', body: { metadata: { labels: { color } } } });
    await cluster.clock.advance(1000);
    return (await podsOf(namespace)).map(({ spec }) => spec.nodeName);
  };
  expect(await podsOf(namespace)).toEqual([]);
  expect(await paint('blue')).toEqual(['hollow-1']);
  expect(await paint('green')).toEqual([]);
  await change(daemonSets, set, { template: { spec: { nodeSelector: { color: 'green' } } } });
  expect(await paint('green')).toEqual(['hollow-1']);
  await paint(null);
});

conformance('ControllerRevision should manage the lifecycle of a ControllerRevision', async (namespace) => {
  const set = await create(daemonSets, daemonSetOf(namespace));
  const list = async () => {
    await cluster.settled();
    return (await api(controllerRevisions).list({ namespace })).items;
  };
  const [initial] = (await list()) as [ControllerRevision];
  const { labels = {}, ownerReferences = [] } = initial.metadata;
  const metadata = {
    name: 'next',
    namespace,
    labels: { ...labels, 'controller-revision-hash': 'next' },
    ownerReferences,
  };
  await create(controllerRevisions, { metadata, data: initial.data, revision: initial.revision + 1 });
  await api(controllerRevisions).delete(initial.metadata.name, namespace);
  expect(namesOf(await list())).toEqual(['next']);
  await change(daemonSets, set, { template: { spec: { terminationGracePeriodSeconds: 1 } } });
  expect((await list()).map(({ revision }) => revision).sort()).toEqual([2, 3]);
  await api(controllerRevisions).delete('next', namespace);
  expect((await list()).map(({ revision }) => revision)).toEqual([3]);
});

conformance('Job should adopt matching orphans and release non-matching pods', async (namespace) => {
  const spec = { parallelism: 2, completions: 4, template: template('web', {}, { restartPolicy: 'Never' }) };
  const job = await create<Job>(jobs, { metadata: { name: 'job', namespace }, spec });
  const [{ metadata }] = (await podsOf(namespace)) as [Pod];
  const patch = async (body: object) => {
    await api(pods).patch({ name: metadata.name, namespace, type: 'merge', body: { metadata: body } });
    await cluster.settled();
    return (await api(pods).get(metadata.name, namespace)).metadata;
  };
  expect((await patch({ ownerReferences: null })).ownerReferences).toMatchObject([{ uid: job.metadata.uid }]);
  const released = await patch({ labels: null });
  expect(released.ownerReferences ?? []).toEqual([]);
  expect(released.finalizers ?? []).toEqual([]);
});

const ofStatus: readonly (readonly [string, ResourceOf<KubeObject>, (namespace: string) => KubeObject])[] = [
  ['Deployment should validate Deployment Status endpoints', deployments, deploymentOf],
  ['StatefulSet should validate Statefulset Status endpoints', statefulSets, statefulSetOf],
  ['Daemon set should verify changes to a daemon set status', daemonSets, daemonSetOf],
];
for (const [name, resource, objectOf] of ofStatus) {
  conformance(`${name}: what others write there stays`, async (namespace) => {
    const { metadata } = await create(resource, objectOf(namespace));
    const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from a test' };
    const target = { name: metadata.name, namespace, type: 'merge' } as const;
    await api(resource).patch({ ...target, body: { status: { conditions: [condition] } } }, { subresource: 'status' });
    await api(resource).patch({ ...target, body: { spec: { minReadySeconds: 1 } } });
    await cluster.clock.advance(2000);
    const { status } = (await api(resource).get(metadata.name, namespace)) as Deployment;
    expect(status?.conditions).toContainEqual(expect.objectContaining(condition));
    expect(status?.observedGeneration).toBe(2);
  });
}

conformance('DisruptionController should block an eviction until the PDB is updated to allow it', async (namespace) => {
  const spec = { minAvailable: 3, selector: { matchLabels: app } };
  const budget = await create(podDisruptionBudgets, { metadata: { name: 'budget', namespace }, spec });
  for (const name of ['a', 'b', 'c']) {
    await create(pods, { metadata: { name, namespace, labels: app }, spec: template().spec });
  }
  const evictions = resourceOf<KubeObject>('', 'v1', 'pods');
  const evict = () => {
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'a', namespace } };
    return api(evictions).create(eviction, { subresource: 'eviction' });
  };
  await expect(evict()).rejects.toMatchObject({ status: { code: 429 } });
  expect((await change(podDisruptionBudgets, budget, { minAvailable: 2 })).status?.disruptionsAllowed).toBe(1);
  await evict();
  expect(namesOf(await podsOf(namespace))).toEqual(['b', 'c']);
});

const hostPort = (hostIP: string, protocol = 'TCP') => ({
  nodeName: undefined,
  nodeSelector: { 'kubernetes.io/hostname': 'hollow-1' },
  containers: [{ name: 'web', image: 'web', ports: [{ containerPort: 8080, hostPort: 54322, protocol, hostIP }] }],
});

conformance(
  'SchedulerPredicates validates that there exists conflict between pods with same hostPort and protocol but one using 0.0.0.0 hostIP',
  async (namespace) => {
    await create(pods, { metadata: { name: 'all', namespace }, spec: hostPort('0.0.0.0') });
    await create(pods, { metadata: { name: 'one', namespace }, spec: hostPort('127.0.0.1') });
    await create(pods, { metadata: { name: 'udp', namespace }, spec: hostPort('127.0.0.1', 'UDP') });
    const phases = (await podsOf(namespace)).map(({ metadata, status }) => [metadata.name, status?.phase]);
    expect(Object.fromEntries(phases)).toEqual({ all: 'Running', one: 'Pending', udp: 'Running' });
  },
);

conformance(
  'SchedulerPreemption PreemptionExecutionPath runs ReplicaSets to verify preemption running path',
  async (namespace) => {
    const name = 'hollow-2';
    const offer = (amount: string | null) => {
      const body = {
        status: { capacity: { 'example.com/fake': amount }, allocatable: { 'example.com/fake': amount } },
      };
      return api(nodes).patch({ name, type: 'merge', body }, { subresource: 'status' });
    };
    await offer('1000');
    const classes = resourceOf<KubeObject & { value: number }>('scheduling.k8s.io', 'v1', 'priorityclasses');
    const made: string[] = [];
    for (const [priority, amount] of [
      [1, '200'],
      [2, '300'],
      [3, '450'],
      [4, '500'],
    ] as const) {
      await create(classes, { metadata: { name: `p${priority}` }, value: priority });
      const limits = { 'example.com/fake': amount };
      const containers = [{ name: 'web', image: 'web', resources: { limits } }];
      const labels = { app: `p${priority}` };
      const pod = {
        metadata: { labels },
        spec: { containers, priorityClassName: `p${priority}`, nodeSelector: { 'kubernetes.io/hostname': name } },
      };
      const spec = { replicas: 1, selector: { matchLabels: labels }, template: pod };
      await create(replicaSets, { metadata: { name: `rs${priority}`, namespace }, spec });
      await cluster.clock.advance(3000);
      made.push(...uidsOf(await podsOf(namespace)).map(String));
    }
    const running = (await podsOf(namespace)).filter(({ status }) => status?.phase === 'Running');
    expect(running.map(({ metadata }) => metadata.labels?.app).sort()).toEqual(['p3', 'p4']);
    expect(made).toContain(running.find(({ metadata }) => metadata.labels?.app === 'p3')?.metadata.uid);
    for (const priority of [1, 2, 3, 4]) await api(classes).delete(`p${priority}`);
    await offer(null);
  },
);
