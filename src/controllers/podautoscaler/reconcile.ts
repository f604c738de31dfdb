// What a HorizontalPodAutoscaler makes of the scale and the metrics that it sees (upstream pkg/controller/podautoscaler
// horizontal.go): pure.
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  HorizontalPodAutoscalerStatus,
  MetricSpec,
  MetricStatus,
} from '../../api/autoscaling/v2/types.generated.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { decideScaling, remember, type ScalingMemory } from './behavior.ts';
import { type Look, lookAt } from './look.ts';
import type { MetricAnswer, PodMetrics } from './metrics-client.ts';
import type { SelectorRefusal } from './scale-selector.ts';

export interface AutoscalerInput {
  readonly autoscaler: Readonly<HorizontalPodAutoscaler>;
  /** spec.replicas of the target's scale. */
  readonly current: number;
  readonly pods: readonly Readonly<Pod>[];
  /** Why it is not known which pods are the target's. */
  readonly refusal?: SelectorRefusal | undefined;
  /** status.replicas of the target's scale; default: as `current`. */
  readonly statusReplicas?: number;
  /** By resource name, then by pod; a text where they cannot be had. */
  readonly metrics: ReadonlyMap<string, PodMetrics | string>;
  /** Of metrics of type Pods, Object and External. */
  readonly custom?: ReadonlyMap<Readonly<MetricSpec>, MetricAnswer | string>;
  readonly memory: ScalingMemory;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The same moment, as the clock's `monotonic`: what is remembered goes by it. */
  readonly at: number;
}

export interface AutoscalerPlan {
  /** Undefined when the target keeps its size. */
  readonly rescale: { readonly replicas: number; readonly reason: string } | undefined;
  readonly status: HorizontalPodAutoscalerStatus;
  readonly events: readonly { readonly reason: string; readonly message: string }[];
  readonly memory: ScalingMemory;
}

export type Told = Pick<HorizontalPodAutoscalerCondition, 'type' | 'status'> & { reason: string; message: string };

export function reconcile(input: AutoscalerInput): AutoscalerPlan {
  const { autoscaler, current } = input;
  const { minReplicas = 1, maxReplicas } = autoscaler.spec;
  const got = "the HPA controller was able to get the target's current scale";
  const able: Told = { type: 'AbleToScale', status: 'True', reason: 'SucceededGetScale', message: got };
  if (current === 0 && minReplicas !== 0) {
    const message = 'scaling is disabled since the replica count of the target is zero';
    return settled(input, 0, [able, { type: 'ScalingActive', status: 'False', reason: 'ScalingDisabled', message }]);
  }
  if (current > maxReplicas) return resized(input, maxReplicas, 'Current number of replicas above Spec.MaxReplicas');
  if (current < minReplicas) return resized(input, minReplicas, 'Current number of replicas below Spec.MinReplicas');
  return byMetrics(input, able);
}

function byMetrics(input: AutoscalerInput, able: Told): AutoscalerPlan {
  const { autoscaler, current } = input;
  const specs = autoscaler.spec.metrics ?? [];
  if (input.refusal && specs.length > 0) {
    const { reason, message, told } = input.refusal;
    const inactive = { type: 'ScalingActive', status: 'False', reason: 'InvalidSelector', message: told };
    const events = [
      { reason, message },
      { reason: 'FailedComputeMetricsReplicas', message },
    ];
    return { ...settled(input, current, [able, inactive]), events };
  }
  const looks = specs.map((spec) => ({ spec, ...lookAt(input, spec) }));
  const valid = looks.filter(({ proposal }) => typeof proposal !== 'string');
  const failed = looks.find(({ proposal }) => typeof proposal === 'string');
  const currentMetrics = looks.flatMap((one) => one.status ?? []);
  const best = valid.reduce<(typeof valid)[number] | undefined>(
    (a, b) => (a && replicasOf(a) >= replicasOf(b) ? a : b),
    undefined,
  );
  const proposed = best ? replicasOf(best) : current;
  // With a metric missing it is not known that fewer will do.
  if (failed && (!best || proposed < current)) {
    const message = `the HPA was unable to compute the replica count: ${failed.proposal}`;
    const reason = failed.failure;
    const plan = settled(input, current, [able, { type: 'ScalingActive', status: 'False', reason, message }]);
    const computing = `invalid metrics (${looks.length - valid.length} invalid out of ${looks.length}), first error is: ${failed.proposal}`;
    const events = [
      { reason, message: String(failed.proposal) },
      { reason: 'FailedComputeMetricsReplicas', message: computing },
    ];
    return { ...plan, events };
  }
  const { replicas, stabilized, limit } = decideScaling({ ...input, spec: autoscaler.spec, proposed, now: input.at });
  const name = best?.name ?? '';
  const active = `the HPA was able to successfully calculate a replica count from ${name}`;
  const conditions: Told[] = [
    stabilized ? stabilizedCondition(stabilized) : readyForNew,
    { type: 'ScalingActive', status: 'True', reason: 'ValidMetricFound', message: active },
    limit ? { type: 'ScalingLimited', status: 'True', ...limit } : withinRange,
  ];
  const memory = remember(input.memory, input.at, { replicas: proposed, by: replicas - current });
  if (replicas === current) return { ...settled(input, replicas, conditions, currentMetrics), memory };
  const below = proposed < current ? 'All metrics below target' : '';
  const reason = proposed > current ? `${name} above target` : below;
  const [, ...others] = conditions;
  return { ...resized(input, replicas, reason, { conditions: others, currentMetrics }), memory };
}

function replicasOf({ proposal }: Look): number {
  return typeof proposal === 'string' ? 0 : proposal.replicas;
}

const readyForNew: Told = {
  type: 'AbleToScale',
  status: 'True',
  reason: 'ReadyForNewScale',
  message: 'recommended size matches current size',
};
const withinRange: Told = {
  type: 'ScalingLimited',
  status: 'False',
  reason: 'DesiredWithinRange',
  message: 'the desired count is within the acceptable range',
};

function stabilizedCondition(way: 'up' | 'down'): Told {
  const [reason, message] =
    way === 'down'
      ? [
          'ScaleDownStabilized',
          'recent recommendations were higher than current one, applying the highest recent recommendation',
        ]
      : [
          'ScaleUpStabilized',
          'recent recommendations were lower than current one, applying the lowest recent recommendation',
        ];
  return { type: 'AbleToScale', status: 'True', reason, message };
}

function settled(
  input: AutoscalerInput,
  desiredReplicas: number,
  conditions: readonly Told[],
  currentMetrics?: MetricStatus[],
): AutoscalerPlan {
  const status = statusOf(input, { desiredReplicas, conditions, currentMetrics });
  return { rescale: undefined, status, events: [], memory: input.memory };
}

function resized(
  input: AutoscalerInput,
  replicas: number,
  reason: string,
  more: { readonly conditions?: readonly Told[]; readonly currentMetrics?: MetricStatus[] } = {},
): AutoscalerPlan {
  const message = `the HPA controller was able to update the target scale to ${replicas}`;
  const able: Told = { type: 'AbleToScale', status: 'True', reason: 'SucceededRescale', message };
  const conditions = [able, ...(more.conditions ?? [])];
  const status = statusOf(input, { desiredReplicas: replicas, conditions, currentMetrics: more.currentMetrics });
  status.lastScaleTime = formatTime(input.now);
  return { rescale: { replicas, reason }, status, events: [], memory: input.memory };
}

interface StatusFacts {
  readonly desiredReplicas: number;
  readonly conditions: readonly Told[];
  readonly currentMetrics: MetricStatus[] | undefined;
}

function statusOf(
  { autoscaler, current, now }: AutoscalerInput,
  { desiredReplicas, conditions, currentMetrics }: StatusFacts,
): HorizontalPodAutoscalerStatus {
  const metrics = currentMetrics ?? autoscaler.status?.currentMetrics;
  const { lastScaleTime } = autoscaler.status ?? {};
  return {
    ...(autoscaler.metadata.generation !== undefined && { observedGeneration: autoscaler.metadata.generation }),
    ...(lastScaleTime !== undefined && { lastScaleTime }),
    currentReplicas: current,
    desiredReplicas,
    ...(metrics && metrics.length > 0 && { currentMetrics: metrics }),
    conditions: mergeConditions(autoscaler.status?.conditions ?? [], conditions, now),
  };
}

export function mergeConditions(
  old: readonly Readonly<HorizontalPodAutoscalerCondition>[],
  told: readonly Told[],
  now: number,
): HorizontalPodAutoscalerCondition[] {
  const fresh = told.map((condition): HorizontalPodAutoscalerCondition => {
    const present = old.find(({ type }) => type === condition.type);
    const since = present?.status === condition.status ? present.lastTransitionTime : undefined;
    return { ...condition, lastTransitionTime: since ?? formatTime(now) };
  });
  const kept = old.filter(({ type }) => !told.some((condition) => condition.type === type));
  const order = ['AbleToScale', 'ScalingActive', 'ScalingLimited'];
  return [...kept, ...fresh].sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type));
}
