import { expect, test } from 'vitest';
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec } from '../../api/autoscaling/v2/types.generated.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { formatTime } from '../../apimachinery/time.ts';
import type { ScalingMemory } from './behavior.ts';
import { reconcile } from './reconcile.ts';
import type { PodMetric } from './replica-calculator.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
/** The same moment by the other clock, which began with the machine. */
const at = 1_000_000;
const nothing: ScalingMemory = { recommendations: [], changes: [] };
const cpu = (averageUtilization: number) => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

function autoscaler(spec: Partial<HorizontalPodAutoscalerSpec> = {}): HorizontalPodAutoscaler {
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  return {
    metadata: { name: 'web', namespace: 'default' },
    spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 10, metrics: [cpu(50)], ...spec },
  };
}

/** Each pod asks for 100m of CPU. `unready`: started a moment ago. */
function pods(count: number, unready = 0): Pod[] {
  return Array.from({ length: count + unready }, (_, i) => {
    const isNew = i >= count;
    const at = formatTime(now - (isNew ? 10_000 : 3_000_000));
    return {
      metadata: { name: `p${i}`, namespace: 'default' },
      spec: { containers: [{ name: 'web', resources: { requests: { cpu: '100m' } } }] },
      status: {
        phase: 'Running',
        startTime: at,
        conditions: [{ type: 'Ready', status: isNew ? 'False' : 'True', lastTransitionTime: at }],
      },
    };
  });
}

/** Thousandths of a CPU by pod. */
function metrics(...used: number[]): Map<string, ReadonlyMap<string, PodMetric> | string> {
  const entries = used.map((web, i) => [`p${i}`, { time: now, window: 30_000, containers: { web } }] as const);
  return new Map([['cpu', new Map(entries)]]);
}

function plan(
  used: number[],
  more: {
    spec?: Partial<HorizontalPodAutoscalerSpec>;
    current?: number;
    memory?: ScalingMemory;
    unready?: number;
  } = {},
) {
  const current = more.current ?? used.length;
  const memory = more.memory ?? nothing;
  const present = pods(current - (more.unready ?? 0), more.unready);
  return reconcile({
    autoscaler: autoscaler(more.spec),
    current,
    pods: present,
    metrics: metrics(...used),
    memory,
    now,
    at,
  });
}

test.each<[string, number[], Parameters<typeof plan>[1], number]>([
  ['twice the load, twice the pods', [100, 100], {}, 4],
  ['within the tolerance nothing happens', [54, 54], {}, 2],
  ['a tolerance of its own', [54, 54], { spec: { behavior: { scaleUp: { tolerance: '0.05' } } } }, 3],
  ['a tolerance in millionths', [54, 54], { spec: { behavior: { scaleUp: { tolerance: '50000u' } } } }, 3],
  [
    'half the load, half the pods',
    [25, 25, 25, 25],
    { spec: { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } } },
    2,
  ],
  ['never more than the maximum', [100, 100], { spec: { maxReplicas: 3 } }, 3],
  [
    'never fewer than the minimum',
    [1, 1, 1],
    { spec: { minReplicas: 2, behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } } },
    2,
  ],
  ['at most twice as many at once', [1000, 1000, 1000, 1000, 1000], { spec: { maxReplicas: 100 } }, 10],
  ['or four', [1000], { spec: { maxReplicas: 100 } }, 4],
  ['by rules: or four more', [1000], { spec: { maxReplicas: 100, behavior: {} } }, 5],
  [
    'scaling down is slower by a policy',
    [1, 1, 1, 1],
    {
      spec: {
        behavior: {
          scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] },
        },
      },
    },
    3,
  ],
  ['or forbidden', [1, 1, 1, 1], { spec: { behavior: { scaleDown: { selectPolicy: 'Disabled' } } } }, 4],
  ['one of whom nothing is heard counts as idle when it grows', [100], { current: 2 }, 2],
  ['at the very target it does not matter who is not heard of', [50], { current: 2 }, 2],
  ['one that has just started counts as idle, too', [150, 150, 10], { unready: 1 }, 6],
])('%s', (_, used, more, expected) => {
  expect(plan(used, more).status.desiredReplicas).toBe(expected);
});

test('what a pod asks for as a whole is what its use is part of', () => {
  const whole = pods(2).map((pod) => ({
    ...pod,
    spec: { containers: [{ name: 'web' }], resources: { requests: { cpu: '50m' } } },
  }));
  const facts = { current: 2, pods: whole, metrics: metrics(50, 50), memory: nothing, now, at };
  expect(reconcile({ autoscaler: autoscaler(), ...facts }).status.desiredReplicas).toBe(4);
});

test('a recommendation of a few minutes ago keeps it from shrinking', () => {
  const memory = { recommendations: [{ time: at - 200_000, replicas: 4 }], changes: [] };
  const held = plan([1, 1, 1, 1], { memory });
  expect(held.rescale).toBeUndefined();
  expect(held.status.conditions).toContainEqual(
    expect.objectContaining({ type: 'AbleToScale', reason: 'ScaleDownStabilized' }),
  );
  const old = { recommendations: [{ time: at - 301_000, replicas: 4 }], changes: [] };
  expect(plan([1, 1, 1, 1], { memory: old }).rescale).toEqual({ replicas: 1, reason: 'All metrics below target' });
});

test('what was added a moment ago counts against the next step', () => {
  const memory = { recommendations: [], changes: [{ time: at - 5000, by: 4 }] };
  const found = plan([1000, 1000, 1000, 1000, 1000], { memory, spec: { maxReplicas: 100, behavior: {} } });
  expect(found.rescale).toBeUndefined();
  expect(found.status.conditions).toContainEqual(
    expect.objectContaining({ type: 'ScalingLimited', status: 'True', reason: 'ScaleUpLimit' }),
  );
});

test('what was taken away a moment ago may come back', () => {
  const memory = { recommendations: [], changes: [{ time: at - 5000, by: -3 }] };
  const found = plan([1000, 1000], { memory, spec: { maxReplicas: 100, behavior: {} } });
  expect(found.rescale?.replicas).toBe(10);
});

test('without rules the highest of the recent recommendations is gone to, also up', () => {
  const memory = { recommendations: [{ time: at - 60_000, replicas: 5 }], changes: [] };
  expect(plan([1, 1, 1], { memory }).rescale).toEqual({ replicas: 5, reason: 'All metrics below target' });
  expect(plan([1, 1, 1], { memory, spec: { behavior: {} } }).rescale).toBeUndefined();
});

test('the reason and the conditions of a step', () => {
  const { rescale, status } = plan([100, 100]);
  expect(rescale).toEqual({ replicas: 4, reason: 'cpu resource utilization (percentage of request) above target' });
  expect(status.currentMetrics).toEqual([
    { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 100, averageValue: '100m' } } },
  ]);
  expect(status.conditions?.map(({ type, status: value, reason }) => `${type} ${value} ${reason}`)).toEqual([
    'AbleToScale True SucceededRescale',
    'ScalingActive True ValidMetricFound',
    'ScalingLimited False DesiredWithinRange',
  ]);
});

test.each([
  [0, 'ScalingActive False ScalingDisabled', undefined],
  [
    12,
    'AbleToScale True SucceededRescale',
    { replicas: 10, reason: 'Current number of replicas above Spec.MaxReplicas' },
  ],
])('at %i replicas no metric is asked', (current, condition, rescale) => {
  const found = reconcile({
    autoscaler: autoscaler(),
    current,
    pods: [],
    metrics: new Map(),
    memory: nothing,
    now,
    at,
  });
  expect(found.rescale).toEqual(rescale);
  expect(found.status.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`)).toContain(
    condition,
  );
});

test('without metrics it stays as it is, and says so', () => {
  const none = new Map([['cpu', 'no metrics returned from resource metrics API']]);
  const found = reconcile({
    autoscaler: autoscaler(),
    current: 2,
    pods: pods(2),
    metrics: none,
    memory: nothing,
    now,
    at,
  });
  expect(found.rescale).toBeUndefined();
  expect(found.events.map(({ reason }) => reason)).toEqual(['FailedGetResourceMetric', 'FailedComputeMetricsReplicas']);
  const message =
    'the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API';
  expect(found.status.conditions).toContainEqual(
    expect.objectContaining({ type: 'ScalingActive', status: 'False', message }),
  );
});
