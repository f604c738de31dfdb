import { afterEach, expect, test } from 'vitest';
import type { Deployment, ReplicaSet } from '../../api/apps/v1/types.generated.ts';
import type { Event, Pod } from '../../api/core/v1/types.generated.ts';
import type { PodDisruptionBudget } from '../../api/policy/v1/types.generated.ts';
import type { ObjectMeta } from '../../apimachinery/meta/v1.generated.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { deployments, events, podDisruptionBudgets, pods, replicaSets } from '../../client/resources.ts';
import { type Harness, makePod, podSpec, startControllers } from '../harness/start.ts';
import { reconcileBudget, unmanagedMessage } from './reconcile.ts';
import { staleIn } from './stale-conditions.ts';

const now = Date.parse('2026-01-01T00:10:00Z');

function budgetOf(spec: PodDisruptionBudget['spec'], status: PodDisruptionBudget['status'] = {}): PodDisruptionBudget {
  const selector = { matchLabels: { app: 'web' } };
  return { metadata: { name: 'b', namespace: 'default', generation: 3 }, spec: { selector, ...spec }, status };
}

function podOf(name: string, ready = true): Pod {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  return { ...makePod(name, { app: 'web' }), status: { phase: 'Running', conditions } };
}

const three = [podOf('a'), podOf('b'), podOf('c')];

test.each<[PodDisruptionBudget['spec'], Pod[], number, [number, number, number, number]]>([
  [{ minAvailable: 2 }, three, 0, [3, 2, 1, 3]],
  [{ minAvailable: 4 }, three, 0, [3, 4, 0, 3]],
  [{ minAvailable: '50%' }, three, 5, [3, 3, 0, 5]],
  [{ maxUnavailable: 1 }, three, 3, [3, 2, 1, 3]],
  [{ maxUnavailable: '34%' }, three, 3, [3, 1, 2, 3]],
  [{ maxUnavailable: '0%' }, three, 3, [3, 3, 0, 3]],
  [{ minAvailable: 0 }, [], 0, [0, 0, 0, 0]],
  [{ minAvailable: 1 }, [podOf('a'), podOf('b', false)], 0, [1, 1, 0, 2]],
])('%j of %# pods', (spec, selected, scale, [healthy, desired, allowed, expected]) => {
  const { status } = reconcileBudget({ budget: budgetOf(spec), pods: selected, scale, now });
  expect(status).toMatchObject({
    currentHealthy: healthy,
    desiredHealthy: desired,
    disruptionsAllowed: allowed,
    expectedPods: expected,
    observedGeneration: 3,
  });
  expect(status.conditions).toMatchObject([
    {
      type: 'DisruptionAllowed',
      status: allowed > 0 ? 'True' : 'False',
      reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
      observedGeneration: 3,
    },
  ]);
});

test('evicted pods count as gone for two minutes, and are told of when they stay', () => {
  const disruptedPods = { a: '2026-01-01T00:09:00Z', b: '2026-01-01T00:07:00Z', gone: '2026-01-01T00:09:00Z' };
  const budget = budgetOf({ minAvailable: 1 }, { disruptedPods });
  const result = reconcileBudget({ budget, pods: three, scale: 0, now });
  expect(result.status).toMatchObject({ currentHealthy: 2, disruptedPods: { a: '2026-01-01T00:09:00Z' } });
  expect(result.notDeleted).toEqual(['b']);
  expect(result.recheckAfter).toBe(60_000);
});

test('without a known scale nothing may go', () => {
  const budget = budgetOf({ maxUnavailable: 1 }, { disruptionsAllowed: 2 });
  const { status } = reconcileBudget({ budget, pods: three, scale: 'jobs.batch has none', now });
  expect(status).toMatchObject({ disruptionsAllowed: 0, conditions: [{ reason: 'SyncFailed', status: 'False' }] });
});

test('pods without a controller are told of in the words of upstream', () => {
  const matchExpressions = [{ key: 'tier', operator: 'In', values: ['a', 'b'] }];
  const message = unmanagedMessage(budgetOf({ selector: { matchLabels: { app: 'web' }, matchExpressions } }));
  expect(message).toContain(
    '(selector: &LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:[]LabelSelectorRequirement{' +
      'LabelSelectorRequirement{Key:tier,Operator:In,Values:[a b],},},}) were found to be unmanaged.',
  );
});

const marked = (pod: Partial<Pod['status']> = {}, reason = 'EvictionByEvictionAPI') => ({
  ...makePod('a', {}),
  status: {
    conditions: [{ type: 'DisruptionTarget', status: 'True', reason, lastTransitionTime: '2026-01-01T00:09:00Z' }],
    ...pod,
  },
});

test.each<[string, Pod, number, number | undefined]>([
  ['in progress', marked(), now, 60_000],
  ['two minutes old', marked(), now + 60_000, 0],
  ['older', marked(), now + 61_000, 0],
  ['by its node', marked({}, 'TerminationByKubelet'), now + 61_000, undefined],
  ['that has ended', marked({ phase: 'Failed' }), now + 61_000, undefined],
  ['without a mark', marked({ conditions: [] }), now, undefined],
  [
    'that is going',
    { ...marked(), metadata: { name: 'a', deletionTimestamp: '2026-01-01T00:09:00Z' } },
    now + 61_000,
    undefined,
  ],
])('the mark of a disruption, %s', (_, pod, when, left) => {
  expect(staleIn(pod, when)).toBe(left);
});

let harness: Harness | undefined;
afterEach(() => harness?.stop());

test('follows pods and the sets that own them', async () => {
  harness = startControllers({ names: ['disruption-controller'] });
  const { api } = harness;
  const template = { metadata: { labels: { app: 'web' } }, spec: podSpec };
  const set = await api.resource<ReplicaSet>(replicaSets).create({
    metadata: { name: 'rs', namespace: 'default' },
    spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template },
  });
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: set.metadata.uid!, controller: true };
  for (const name of ['a', 'b']) {
    const pod = makePod(name, { app: 'web' });
    await api.resource<Pod>(pods).create({ ...pod, metadata: { ...pod.metadata, ownerReferences: [owner] } });
  }
  const client = api.resource<PodDisruptionBudget>(podDisruptionBudgets);
  await client.create(budgetOf({ maxUnavailable: 1 }));
  await harness.settle();
  const status = async () => (await client.get('b', 'default')).status;
  expect(await status()).toMatchObject({
    expectedPods: 3,
    desiredHealthy: 2,
    currentHealthy: 0,
    disruptionsAllowed: 0,
  });
  await harness.setPod('a', { ready: true });
  await harness.setPod('b', { ready: true });
  const smaller = await api.resource<ReplicaSet>(replicaSets).get('rs', 'default');
  await api.resource<ReplicaSet>(replicaSets).update({ ...smaller, spec: { ...smaller.spec, replicas: 2 } });
  await harness.settle();
  expect(await status()).toMatchObject({
    expectedPods: 2,
    desiredHealthy: 1,
    currentHealthy: 2,
    disruptionsAllowed: 1,
  });
  const told = async () => (await api.resource<Event>(events).list()).items.map(({ reason }) => reason);
  expect(await told()).not.toContain('UnmanagedPods');
  await api.resource<Pod>(pods).create(makePod('bare', { app: 'web' }));
  await harness.settle();
  expect(await told()).toContain('UnmanagedPods');
  expect(harness.errors).toEqual([]);
});

test('a Deployment that rolls out is counted once', async () => {
  harness = startControllers({ names: ['disruption-controller'] });
  const { api } = harness;
  const spec = {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: podSpec },
  };
  const made = await api
    .resource<Deployment>(deployments)
    .create({ metadata: { name: 'web', namespace: 'default' }, spec });
  const ownerOf = (kind: string, { name, uid }: ObjectMeta) => [
    { apiVersion: 'apps/v1', kind, name: name ?? '', uid: uid ?? '', controller: true },
  ];
  for (const name of ['old', 'new']) {
    const ownerReferences = ownerOf('Deployment', made.metadata);
    const metadata = { name: `web-${name}`, namespace: 'default', ownerReferences };
    const set = await api.resource<ReplicaSet>(replicaSets).create({ metadata, spec });
    const pod = makePod(name, { app: 'web' });
    await api
      .resource<Pod>(pods)
      .create({ ...pod, metadata: { ...pod.metadata, ownerReferences: ownerOf('ReplicaSet', set.metadata) } });
  }
  const client = api.resource<PodDisruptionBudget>(podDisruptionBudgets);
  await client.create(budgetOf({ maxUnavailable: 1 }));
  await harness.settle();
  expect((await client.get('b', 'default')).status).toMatchObject({ expectedPods: 3, desiredHealthy: 2 });
});

test('nothing may go of pods whose controller does not scale', async () => {
  harness = startControllers({ names: ['disruption-controller'] });
  const { api } = harness;
  const owner = { apiVersion: 'example.com/v1', kind: 'Herd', name: 'a', uid: 'u', controller: true };
  const pod = makePod('a', { app: 'web' });
  await api.resource<Pod>(pods).create({ ...pod, metadata: { ...pod.metadata, ownerReferences: [owner] } });
  const client = api.resource<PodDisruptionBudget>(podDisruptionBudgets);
  await client.create(budgetOf({ maxUnavailable: 1 }));
  await harness.settle();
  expect((await client.get('b', 'default')).status).toMatchObject({
    disruptionsAllowed: 0,
    conditions: [{ reason: 'SyncFailed', message: 'no matches for kind "Herd" in version "example.com/v1"' }],
  });
});

test('a mark of a disruption that never came goes after two minutes', async () => {
  harness = startControllers({ names: ['disruption-controller'] });
  const { api, clock } = harness;
  const client = api.resource<Pod>(pods);
  const created = await client.create(makePod('a', {}));
  const mark = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'x' };
  const conditions = [{ ...mark, lastTransitionTime: formatTime(clock.now()) }];
  await client.update({ ...created, status: { conditions } }, { subresource: 'status' });
  await harness.settle();
  clock.advance(119_000);
  await harness.settle();
  expect((await client.get('a', 'default')).status?.conditions).toEqual(conditions);
  clock.advance(2000);
  await harness.settle();
  expect((await client.get('a', 'default')).status?.conditions).toEqual([
    { type: 'DisruptionTarget', status: 'False', lastTransitionTime: formatTime(clock.now()) },
  ]);
});
