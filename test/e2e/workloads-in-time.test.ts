// Workloads as hours pass, on a cluster inside this process whose time is moved by hand.
import { expect, test } from 'vitest';
import {
  cronJobs,
  type Event,
  events,
  type Job,
  jobs,
  leases,
  nodes,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  resourceOf,
  startCluster,
  statefulSets,
  type TestCluster,
} from '../../src/testing/index.ts';
import { aroundTests } from '../fixtures/anew.ts';

const minute = 60_000;
const namespace = 'default';
const containers = [{ name: 'main', image: 'main' }];

let cluster: TestCluster;
const start = async () => {
  cluster = await startCluster({ nodes: 2, time: 'manual' });
};
aroundTests(start, () => cluster.stop());

/** Ends after `seconds` with `exitCode`. */
const ends = (seconds: number, exitCode = 0) => ({
  'hollow.portico.dev/run-for': String(seconds),
  'hollow.portico.dev/exit-code': String(exitCode),
});

function template(app: string, annotations: Record<string, string> = {}, spec: Partial<Pod['spec']> = {}) {
  return { metadata: { labels: { app }, annotations }, spec: { containers, ...spec } };
}

function createJob(name: string, annotations: Record<string, string>, spec: Partial<Job['spec']>): Promise<Job> {
  const pod = template(name, annotations, { restartPolicy: 'Never' });
  return cluster.client.resource(jobs).create({ metadata: { name, namespace }, spec: { ...spec, template: pod } });
}

const getJob = (name: string) => cluster.client.resource(jobs).get(name, namespace);
const reasonOf = ({ status }: Job, type: string) => status?.conditions?.find((c) => c.type === type)?.reason;
const jobsOf = async (cronJob: string) => {
  const { items } = await cluster.client.resource(jobs).list({ namespace });
  return items.filter(({ metadata }) => metadata.ownerReferences?.some(({ name }) => name === cronJob));
};
const podsOf = async (app: string) =>
  (await cluster.client.resource(pods).list({ namespace, labelSelector: `app=${app}` })).items;
const told = async (name: string) => {
  const { items } = await cluster.client.resource(events).list({ fieldSelector: `involvedObject.name=${name}` });
  return items.map(({ reason, message }: Event) => `${reason}: ${message}`);
};

test('CronJob: at its hour in its time zone, whatever the clock of the cluster', async () => {
  const hour = 3_600_000;
  const now = new Date(cluster.clock.now());
  // Two hours from now, as the clocks of Kolkata (UTC+5:30, no summer time) show it.
  const due = new Date(Math.ceil(now.getTime() / hour) * hour + 2 * hour + 30 * minute);
  const there = new Date(due.getTime() + 5.5 * hour);
  await cluster.client.resource(cronJobs).create({
    metadata: { name: 'daily', namespace },
    spec: {
      schedule: `${there.getUTCMinutes()} ${there.getUTCHours()} * * *`,
      timeZone: 'Asia/Kolkata',
      jobTemplate: { spec: { template: template('daily', ends(1), { restartPolicy: 'Never' }) } },
    },
  });
  await cluster.clock.advance(due.getTime() - cluster.clock.now() - minute);
  expect(await jobsOf('daily')).toEqual([]);
  await cluster.clock.advance(2 * minute);
  const [made] = await jobsOf('daily');
  expect(made?.metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp']).toMatch(
    new RegExp(`^${there.toISOString().slice(0, 16)}:00\\+05:30$`),
  );
  expect(made?.status?.succeeded).toBe(1);
});

test('CronJob: Forbid waits for the one that runs, Replace ends it', async () => {
  for (const concurrencyPolicy of ['Forbid', 'Replace']) {
    const name = concurrencyPolicy.toLowerCase();
    await cluster.client.resource(cronJobs).create({
      metadata: { name, namespace },
      spec: {
        schedule: '* * * * *',
        concurrencyPolicy,
        jobTemplate: { spec: { template: template(name, ends(150), { restartPolicy: 'Never' }) } },
      },
    });
  }
  await cluster.clock.advance(minute + 1000);
  const [forbidden, replaced] = [await jobsOf('forbid'), await jobsOf('replace')];
  await cluster.clock.advance(minute);
  expect((await jobsOf('forbid')).map(({ metadata }) => metadata.uid)).toEqual([forbidden[0]?.metadata.uid]);
  const others = (await jobsOf('replace')).map(({ metadata }) => metadata.uid);
  expect(others).toHaveLength(1);
  expect(others).not.toEqual([replaced[0]?.metadata.uid]);
  for (const name of ['forbid', 'replace']) await cluster.client.resource(cronJobs).delete(name, namespace);
  await cluster.clock.advance(minute);
  expect([await jobsOf('forbid'), await jobsOf('replace')]).toEqual([[], []]);
});

test('Job: a back-off limit for each index, and too many failed ones', async () => {
  const spec = { completions: 3, parallelism: 3, completionMode: 'Indexed', backoffLimitPerIndex: 1 };
  await createJob('by-index', ends(0, 1), { ...spec, maxFailedIndexes: 3 });
  await cluster.settled();
  // Each waits for its back-off, and is not counted before it has a successor.
  expect((await podsOf('by-index')).map(({ status }) => status?.phase)).toEqual(Array(3).fill('Failed'));
  await cluster.clock.advance(minute);
  const { status } = await getJob('by-index');
  expect([status?.failed, status?.failedIndexes]).toEqual([6, '0-2']);
  expect(reasonOf(await getJob('by-index'), 'Failed')).toBe('FailedIndexes');

  await createJob('too-many', ends(0, 1), { ...spec, completions: 5, parallelism: 1, maxFailedIndexes: 1 });
  await cluster.clock.advance(10 * minute);
  expect(reasonOf(await getJob('too-many'), 'Failed')).toBe('MaxFailedIndexesExceeded');
});

test('Job: a pod failure policy ends it at once, or leaves a failure uncounted', async () => {
  const onExitCodes = { operator: 'In', values: [42] };
  await createJob('fails', ends(0, 42), { podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes }] } });
  await cluster.clock.advance(1000);
  const failed = await getJob('fails');
  expect([failed.status?.failed, reasonOf(failed, 'Failed')]).toEqual([1, 'PodFailurePolicy']);

  const spec = { backoffLimit: 0, podFailurePolicy: { rules: [{ action: 'Ignore', onExitCodes }] } };
  await createJob('ignores', ends(0, 42), spec);
  await cluster.clock.advance(5 * minute);
  const ignored = await getJob('ignores');
  expect([ignored.status?.failed ?? 0, reasonOf(ignored, 'Failed')]).toEqual([0, undefined]);
  expect((await podsOf('ignores')).length).toBeGreaterThan(1);
  await cluster.client.resource(jobs).delete('ignores', namespace, { propagationPolicy: 'Background' });
});

test('Job: its deadline, and its end some time after', async () => {
  await createJob('late', ends(3600), { activeDeadlineSeconds: 600, ttlSecondsAfterFinished: 100 });
  await cluster.clock.advance(9 * minute);
  expect((await getJob('late')).status?.active).toBe(1);
  await cluster.clock.advance(minute + 5000);
  expect(reasonOf(await getJob('late'), 'Failed')).toBe('DeadlineExceeded');
  expect((await podsOf('late')).filter(({ metadata }) => !metadata.deletionTimestamp)).toEqual([]);
  await cluster.clock.advance(2 * minute);
  await expect(getJob('late')).rejects.toThrow('not found');
});

test('StatefulSet: maxUnavailable ordinals at a time; its claims go with it where it wants so', async () => {
  const labels = { matchLabels: { app: 'db' } };
  const claim = {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
  await cluster.client.resource(statefulSets).create({
    metadata: { name: 'db', namespace },
    spec: {
      replicas: 4,
      serviceName: 'db',
      selector: labels,
      template: template('db'),
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' },
      volumeClaimTemplates: [claim],
    },
  });
  await cluster.settled();
  expect((await podsOf('db')).map(({ metadata }) => metadata.name)).toEqual(['db-0', 'db-1', 'db-2', 'db-3']);
  const spec = { template: { spec: { containers: [{ name: 'main', image: 'main:2' }] } } };
  const patch = { name: 'db', namespace, type: 'strategic', body: { spec } } as const;
  await cluster.client.resource(statefulSets).patch(patch);
  await cluster.settled();
  // No pod ends before its 250 ms are over.
  const ending = (await podsOf('db')).filter(({ metadata }) => metadata.deletionTimestamp);
  expect(ending.map(({ metadata }) => metadata.name)).toEqual(['db-2', 'db-3']);
  await cluster.clock.advance(5000);
  expect((await podsOf('db')).map((pod) => pod.spec.containers[0]?.image)).toEqual(Array(4).fill('main:2'));

  await cluster.client
    .resource(statefulSets)
    .patch({ name: 'db', namespace, type: 'merge', body: { spec: { replicas: 1 } } });
  await cluster.clock.advance(5000);
  const claims = async () => (await cluster.client.resource(persistentVolumeClaims).list({ namespace })).items;
  expect(await claims()).toHaveLength(4);
  await cluster.client.resource(statefulSets).delete('db', namespace);
  await cluster.clock.advance(5000);
  expect((await claims()).map(({ metadata }) => metadata.name)).toEqual([]);
});

test('a claim that waits for its first consumer is bound where the pod goes', async () => {
  const classes = resourceOf<{ metadata: { name: string }; provisioner: string; volumeBindingMode: string }>(
    'storage.k8s.io',
    'v1',
    'storageclasses',
  );
  const storageClassName = 'local';
  const provisioner = 'kubernetes.io/no-provisioner';
  const volumeBindingMode = 'WaitForFirstConsumer';
  await cluster.client.resource(classes).create({ metadata: { name: 'local' }, provisioner, volumeBindingMode });
  for (const node of ['hollow-1', 'hollow-2']) {
    const term = { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] };
    await cluster.client.resource(persistentVolumes).create({
      metadata: { name: `on-${node}` },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName,
        local: { path: '/mnt' },
        nodeAffinity: { required: { nodeSelectorTerms: [term] } },
      },
    });
  }
  const resources = { requests: { storage: '1Gi' } };
  await cluster.client.resource(persistentVolumeClaims).create({
    metadata: { name: 'later', namespace },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources },
  });
  await cluster.clock.advance(minute);
  const claim = () => cluster.client.resource(persistentVolumeClaims).get('later', namespace);
  expect((await claim()).status?.phase).toBe('Pending');
  const nodeSelector = { 'kubernetes.io/hostname': 'hollow-2' };
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'later' } }];
  await cluster.client.resource(pods).create({
    metadata: { name: 'consumer', namespace },
    spec: { containers, nodeSelector, volumes },
  });
  await cluster.clock.advance(minute);
  expect([(await claim()).status?.phase, (await claim()).spec?.volumeName]).toEqual(['Bound', 'on-hollow-2']);
  expect((await cluster.client.resource(pods).get('consumer', namespace)).status?.phase).toBe('Running');
});

test('a node that falls silent is tainted, and its pods leave after five minutes', async () => {
  const name = 'silent';
  const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' };
  const allocatable = { cpu: '4', memory: '8Gi', pods: '110' };
  await cluster.client.resource(nodes).create({ metadata: { name, labels: { only: 'here' } }, spec: {} });
  const body = { status: { allocatable, capacity: allocatable, conditions: [ready] } };
  await cluster.client.resource(nodes).patch({ name, type: 'merge', body }, { subresource: 'status' });
  await cluster.client.resource(leases).create({
    metadata: { name, namespace: 'kube-node-lease' },
    spec: { holderIdentity: name, renewTime: new Date(cluster.clock.now()).toISOString().replace('Z', '000Z') },
  });
  await cluster.clock.advance(5000);
  const spec = { containers, nodeSelector: { only: 'here' } };
  await cluster.client.resource(pods).create({ metadata: { name: 'stranded', namespace }, spec });
  await cluster.settled();
  expect((await cluster.client.resource(pods).get('stranded', namespace)).spec.nodeName).toBe(name);
  await cluster.clock.advance(minute);
  const node = await cluster.client.resource(nodes).get(name);
  expect(node.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`).sort()).toEqual([
    'node.kubernetes.io/unreachable:NoExecute',
    'node.kubernetes.io/unreachable:NoSchedule',
  ]);
  expect((await cluster.client.resource(pods).get('stranded', namespace)).metadata.deletionTimestamp).toBeUndefined();
  await cluster.clock.advance(5 * minute);
  expect((await cluster.client.resource(pods).get('stranded', namespace)).metadata.deletionTimestamp).toBeDefined();
  await cluster.client.resource(nodes).delete(name);
  await cluster.clock.advance(2 * minute);
  await expect(cluster.client.resource(pods).get('stranded', namespace)).rejects.toThrow('not found');
});

test('an owner in another namespace is none: its dependent goes, and is told why', async () => {
  const namespaced = await cluster.client
    .resource(pods)
    .create({ metadata: { name: 'owner', namespace }, spec: { containers } });
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'owner', uid: namespaced.metadata.uid ?? '' };
  await cluster.client.resource(pods).create({
    metadata: { name: 'dependent', namespace: 'kube-public', ownerReferences: [owner] },
    spec: { containers },
  });
  await cluster.clock.advance(5000);
  await expect(cluster.client.resource(pods).get('dependent', 'kube-public')).rejects.toThrow('not found');
  expect((await told('dependent')).join()).toContain('OwnerRefInvalidNamespace');
  // It is there, and keeps what it really owns.
  await cluster.client.resource(pods).create({
    metadata: { name: 'own', namespace, ownerReferences: [owner] },
    spec: { containers },
  });
  await cluster.clock.advance(5000);
  for (const name of ['owner', 'own']) {
    expect((await cluster.client.resource(pods).get(name, namespace)).metadata.deletionTimestamp).toBeUndefined();
  }
});
