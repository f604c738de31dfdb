// What a Deployment decides from its ReplicaSets alone, where a cluster in memory would not show it.
import { expect, test } from 'vitest';
import type { Deployment, ReplicaSet } from '../../api/apps/v1/types.generated.ts';
import { reconcile } from './reconcile.ts';
import { sameTemplate } from './revision.ts';
import { isScalingEvent, proportionalSizes } from './scaling.ts';
import { decideStatus } from './status.ts';

const now = Date.parse('2026-01-01T12:00:00Z');
const earlier = '2026-01-01T11:00:00Z';

function deployment(spec: Partial<Deployment['spec']> = {}, status: Deployment['status'] = {}): Deployment {
  const rollingUpdate = { maxSurge: 0, maxUnavailable: 1 };
  return {
    metadata: { name: 'web', namespace: 'default', uid: 'd' },
    spec: {
      replicas: 10,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:2' }] } },
      strategy: { type: 'RollingUpdate', rollingUpdate },
      ...spec,
    },
    status,
  };
}

interface SetOptions {
  readonly annotations?: Record<string, string>;
  readonly status?: ReplicaSet['status'];
}

function set(name: string, replicas: number, { annotations = {}, status }: SetOptions = {}): ReplicaSet {
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: name }] } };
  const selector = { matchLabels: { app: 'web' } };
  return {
    metadata: { name, uid: name, annotations },
    spec: { replicas, selector, template },
    ...(status && { status }),
  };
}

const statusOf = (current: ReplicaSet | undefined, ...old: ReplicaSet[]) =>
  decideStatus({ deployment: deployment(), sets: { current, old }, now, progress: undefined, judgeProgress: true })
    .status;

test('Recreate waits while an old ReplicaSet still counts pods, seen or not', () => {
  const recreate = deployment({ strategy: { type: 'Recreate' } });
  const made = (replicas: number) =>
    reconcile({
      deployment: recreate,
      replicaSets: [set('old', 0, { status: { replicas } })],
      podsOf: () => [],
      now,
    }).create !== undefined;
  expect([made(1), made(0)]).toEqual([false, true]);
});

test('templates are equal but for the hash: a name in the template counts', () => {
  const template = (metadata: object) => ({ metadata, spec: { containers: [] } });
  const hashed = { name: 'a', labels: { 'pod-template-hash': '1' } };
  expect(sameTemplate(template({ name: 'a' }), template(hashed))).toBe(true);
  expect(sameTemplate(template({ name: 'b' }), template(hashed))).toBe(false);
  expect(sameTemplate(template({ creationTimestamp: null }), template({}))).toBe(true);
});

test.each([
  // The annotation max-replicas, the pods that the status counts, and the new sizes of 5 and 3 that are to be 10.
  [undefined, 0, [7, 3]],
  ['0', 0, [7, 3]],
  ['-1', 0, [7, 3]],
  ['2147483648', 0, [7, 3]],
  [undefined, 8, [6, 4]],
  ['-1', 8, [6, 4]],
  ['8', 0, [6, 4]],
] as const)('shares by max-replicas %s and %s pods are %s', (max, replicas, wanted) => {
  const annotations: Record<string, string> = max === undefined ? {} : { 'deployment.kubernetes.io/max-replicas': max };
  const old = [set('a', 5, { annotations }), set('b', 3, { annotations })];
  const sizes = proportionalSizes(deployment({}, { replicas }), { current: undefined, old });
  expect(old.map((one) => sizes.get(one) ?? one.spec.replicas)).toEqual(wanted);
});

test('a count that is no number is no sign that somebody scaled', () => {
  const noted = (text: string) =>
    isScalingEvent(deployment(), {
      current: set('a', 10, { annotations: { 'deployment.kubernetes.io/desired-replicas': text } }),
      old: [],
    });
  expect([noted('many'), noted('10'), noted('9')]).toEqual([false, false, true]);
});

test('how many pods end is unknown where a ReplicaSet that was looked at does not say', () => {
  const ending = (observedGeneration: number, terminatingReplicas?: number) =>
    set('a', 1, {
      status: { replicas: 1, observedGeneration, ...(terminatingReplicas !== undefined && { terminatingReplicas }) },
    });
  expect(statusOf(undefined, ending(1, 3), ending(0))?.terminatingReplicas).toBe(3);
  expect(statusOf(undefined, ending(1, 3), ending(1))).not.toHaveProperty('terminatingReplicas');
});

test('the failure of the current ReplicaSet is told before those of old ones, with its own time', () => {
  const failing = (name: string) => {
    const condition = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: name };
    return set(name, 1, { status: { replicas: 0, conditions: [{ ...condition, lastTransitionTime: earlier }] } });
  };
  const told = statusOf(failing('new'), failing('old'))?.conditions?.find((c) => c.type === 'ReplicaFailure');
  expect(told).toMatchObject({ message: 'new', lastTransitionTime: earlier, lastUpdateTime: earlier });
  const old = statusOf(set('new', 1), failing('old'))?.conditions?.find((c) => c.type === 'ReplicaFailure');
  expect(old?.message).toBe('old');
});
