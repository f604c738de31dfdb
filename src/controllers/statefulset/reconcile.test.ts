import { expect, test } from 'vitest';
import type { ControllerRevision, StatefulSet } from '../../api/apps/v1/types.generated.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { claimOwners, claimsOf, podOf } from './identity.ts';
import { reconcile } from './reconcile.ts';

const now = Date.parse('2026-01-01T00:10:00Z');
const spec = { template: { metadata: { labels: { app: 'db' } }, spec: { containers: [] } } };
const revision = (name: string): ControllerRevision => ({ metadata: { name }, data: { spec }, revision: 1 });

function set(change: Partial<StatefulSet['spec']> = {}, status: Partial<StatefulSet['status']> = {}): StatefulSet {
  return {
    metadata: { name: 'db', namespace: 'default', uid: 'set', generation: 1 },
    spec: {
      replicas: 3,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      ...spec,
      ...change,
    },
    status: { replicas: 0, ...status },
  };
}

type State = 'ready' | 'pending' | 'unready' | 'failed' | 'going';

/** `2:ready` is db-2 of the new revision, `2:ready@old` of the old one. */
function pods(...texts: string[]): Pod[] {
  return texts.map((text) => {
    const [, ordinal, state, of = 'new'] = /^(\d+):(\w+)(?:@(\w+))?$/.exec(text) ?? [];
    const pod = podOf(set(), Number(ordinal), revision(of));
    const phases: Record<State, string> = {
      ready: 'Running',
      unready: 'Running',
      going: 'Running',
      pending: 'Pending',
      failed: 'Failed',
    };
    const ready = state === 'ready' || state === 'going';
    const lastTransitionTime = '2026-01-01T00:00:00Z';
    pod.status = {
      phase: phases[state as State],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime }],
    };
    if (state === 'going') pod.metadata.deletionTimestamp = '2026-01-01T00:09:00Z';
    return pod;
  });
}

function plan(change: Partial<StatefulSet['spec']>, present: string[]): string {
  const { create, delete: end } = reconcile({
    set: set(change),
    current: revision('old'),
    update: revision('new'),
    pods: pods(...present),
    now,
    collisionCount: undefined,
  });
  const made = create.map((p) => `+${p.metadata.name}@${p.metadata.labels?.['controller-revision-hash']}`);
  return [...made, ...end.map((p) => `-${p.metadata.name}`)].join(' ');
}

const parallel = { podManagementPolicy: 'Parallel' };
const rolling = (partition: number, maxUnavailable?: number | string) => ({
  updateStrategy: {
    type: 'RollingUpdate',
    rollingUpdate: { partition, ...(maxUnavailable !== undefined && { maxUnavailable }) },
  },
});

test.each<[string, Partial<StatefulSet['spec']>, string[], string]>([
  ['the first', {}, [], '+db-0@new'],
  ['the next only when the one before is ready', {}, ['0:pending'], ''],
  ['the next', {}, ['0:ready'], '+db-1@new'],
  ['a gap, before anything else', {}, ['0:ready', '2:ready'], '+db-1@new'],
  ['all at once in parallel', parallel, [], '+db-0@new +db-1@new +db-2@new'],
  ['from the first ordinal', { ordinals: { start: 5 } }, [], '+db-5@new'],
  ['nothing when all is well', {}, ['0:ready', '1:ready', '2:ready'], ''],
  ['one that failed goes and comes back', {}, ['0:failed', '1:ready', '2:ready'], '-db-0'],
  ['not while it goes', {}, ['0:going', '1:ready', '2:ready'], ''],
  ['the highest first when there are too many', { replicas: 1 }, ['0:ready', '1:ready', '2:ready'], '-db-2'],
  ['all surplus at once in parallel', { replicas: 1, ...parallel }, ['0:ready', '1:ready', '2:ready'], '-db-2 -db-1'],
  ['no scaling down past one that goes', { replicas: 1 }, ['0:ready', '1:ready', '2:going'], ''],
  ['no scaling down while another is unhealthy', { replicas: 1 }, ['0:unready', '1:ready', '2:ready'], ''],
  ['those below the start go', { replicas: 1, ordinals: { start: 1 } }, ['0:ready', '1:ready'], '-db-0'],
  ['updates from the highest', {}, ['0:ready@old', '1:ready@old', '2:ready@old'], '-db-2'],
  ['updates one at a time', {}, ['0:ready@old', '1:ready@old', '2:unready'], ''],
  ['a partition keeps what is below', rolling(2), ['0:ready@old', '1:ready@old', '2:ready'], ''],
  ['a missing one below the partition is of the old revision', rolling(2), ['1:ready@old', '2:ready'], '+db-0@old'],
  ['several at a time', rolling(0, 2), ['0:ready@old', '1:ready@old', '2:ready@old'], '-db-2 -db-1'],
  ['a share, rounded down but at least one', rolling(0, '30%'), ['0:ready@old', '1:ready@old', '2:ready@old'], '-db-2'],
  [
    'in parallel a broken old one is in nobody’s way',
    { ...parallel },
    ['0:unready@old', '1:ready@old', '2:ready'],
    '-db-0',
  ],
  [
    'OnDelete leaves pods alone',
    { updateStrategy: { type: 'OnDelete' } },
    ['0:ready@old', '1:ready@old', '2:ready@old'],
    '',
  ],
  ['minReadySeconds holds the next back', { minReadySeconds: 3600 }, ['0:ready'], ''],
  [
    'a surplus one that is not available yet need not become so',
    { replicas: 0, minReadySeconds: 3600 },
    ['0:ready'],
    '-db-0',
  ],
])('%s', (_, change, present, expected) => expect(plan(change, present)).toBe(expected));

test('a set that is deleted makes nothing', () => {
  const gone = set();
  gone.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  const revisions = { current: revision('new'), update: revision('new') };
  expect(reconcile({ set: gone, ...revisions, pods: [], now, collisionCount: undefined }).create).toEqual([]);
});

test.each<[string[], object]>([
  [
    ['0:ready@old', '1:ready@old', '2:unready'],
    { currentReplicas: 2, updatedReplicas: 1, currentRevision: 'old', readyReplicas: 2 },
  ],
  [['0:ready', '1:ready', '2:ready'], { currentReplicas: 3, updatedReplicas: 3, currentRevision: 'new' }],
  [['0:ready', '1:ready', '2:going'], { currentReplicas: 0, updatedReplicas: 2, currentRevision: 'old', replicas: 3 }],
])('the status of %j', (present, expected) => {
  const input = { set: set(), current: revision('old'), update: revision('new'), pods: pods(...present) };
  expect(reconcile({ ...input, now, collisionCount: undefined }).status).toMatchObject(expected);
});

test('a pod has its name, its host name and its claims', () => {
  const claims = { volumeClaimTemplates: [{ metadata: { name: 'data', labels: { x: 'y' } }, spec: {} }] };
  const pod = podOf(set(claims), 1, revision('new'));
  expect(pod.metadata).toMatchObject({
    name: 'db-1',
    labels: {
      'statefulset.kubernetes.io/pod-name': 'db-1',
      'apps.kubernetes.io/pod-index': '1',
      'controller-revision-hash': 'new',
    },
  });
  expect(pod.spec).toMatchObject({
    hostname: 'db-1',
    subdomain: 'db',
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-1' } }],
  });
  expect(claimsOf(set(claims), 1)[0]?.metadata).toMatchObject({
    name: 'data-db-1',
    namespace: 'default',
    labels: { app: 'db', x: 'y' },
  });
});

test.each([
  ['Retain', 'Retain', 1, []],
  ['Delete', 'Retain', 1, ['StatefulSet']],
  ['Delete', 'Retain', 7, ['StatefulSet']],
  ['Retain', 'Delete', 1, []],
  ['Retain', 'Delete', 7, ['Pod']],
  ['Delete', 'Delete', 1, ['StatefulSet']],
  ['Delete', 'Delete', 7, ['Pod']],
])('whenDeleted %s, whenScaled %s: the claim of db-%i goes with %j', (whenDeleted, whenScaled, ordinal, owners) => {
  const pod = { ...podOf(set(), ordinal, revision('new')) };
  pod.metadata.uid = 'pod';
  const retention = { persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled } };
  const stale = { apiVersion: 'v1', kind: 'Secret', name: 'x', uid: 'other' };
  const found = claimOwners(set(retention), { metadata: { name: 'c', ownerReferences: [stale] }, spec: {} }, pod);
  expect((found ?? [stale]).map(({ kind }) => kind)).toEqual(['Secret', ...owners]);
});
