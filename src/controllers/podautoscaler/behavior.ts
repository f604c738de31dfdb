// How fast a wanted number of replicas is gone to (autoscaling/v2 spec.behavior): pure.
import type {
  HorizontalPodAutoscalerSpec,
  HPAScalingPolicy,
  HPAScalingRules,
} from '../../api/autoscaling/v2/types.generated.ts';
import { parseQuantity } from '../../apimachinery/quantity.ts';

/** What is remembered between looks, per autoscaler. Times in milliseconds since the epoch. */
export interface ScalingMemory {
  readonly recommendations: readonly { readonly time: number; readonly replicas: number }[];
  readonly changes: readonly { readonly time: number; readonly by: number }[];
}

export interface ScalingInput {
  readonly spec: Readonly<HorizontalPodAutoscalerSpec>;
  readonly current: number;
  /** What the metrics ask for. */
  readonly proposed: number;
  readonly memory: ScalingMemory;
  readonly now: number;
}

export interface Scaling {
  readonly replicas: number;
  readonly stabilized: 'up' | 'down' | undefined;
  /** The reason and message of ScalingLimited; undefined when nothing held it back. */
  readonly limit: { readonly reason: string; readonly message: string } | undefined;
}

const defaultUp: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};
/** The window is kube-controller-manager's horizontal-pod-autoscaler-downscale-stabilization. */
const defaultDown: HPAScalingRules = {
  stabilizationWindowSeconds: 300,
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
};
const defaultTolerance = 0.1;

export function rulesOf({ behavior }: Readonly<HorizontalPodAutoscalerSpec>) {
  const up = { ...defaultUp, ...behavior?.scaleUp };
  const down = { ...defaultDown, ...behavior?.scaleDown };
  return { up, down, tolerance: { up: toleranceOf(up), down: toleranceOf(down) } };
}

/** As a part of the target: 0.1 is 10 %. */
function toleranceOf({ tolerance }: HPAScalingRules): number {
  return tolerance === undefined ? defaultTolerance : Number(parseQuantity(String(tolerance)).nano) / 1e9;
}

export function decideScaling(input: ScalingInput): Scaling {
  if (!input.spec.behavior) return decideWithoutRules(input);
  const { spec, current } = input;
  const wanted = stabilize(input);
  const stabilized = wanted === input.proposed ? undefined : wanted > input.proposed ? 'down' : 'up';
  const { up, down } = rulesOf(spec);
  const min = spec.minReplicas ?? 1;
  if (wanted > current) {
    const most = growthLimit(up, input);
    if (wanted > Math.min(most, spec.maxReplicas)) {
      return {
        replicas: Math.max(current, Math.min(most, spec.maxReplicas)),
        stabilized,
        limit: most < spec.maxReplicas ? tooFastUp : tooMany,
      };
    }
  } else if (wanted < current) {
    const least = shrinkLimit(down, input);
    if (wanted < Math.max(least, min)) {
      return {
        replicas: Math.min(current, Math.max(least, min)),
        stabilized,
        limit: least > min ? tooFastDown : tooFew,
      };
    }
  }
  return { replicas: wanted, stabilized, limit: undefined };
}

/**
 * Without spec.behavior: the highest of the recent recommendations is gone to, at once, but to no more than twice as many (or
 * four) in one look.
 */
function decideWithoutRules({ spec, current, proposed, memory, now }: ScalingInput): Scaling {
  const since = now - (defaultDown.stabilizationWindowSeconds ?? 0) * 1000;
  const recent = memory.recommendations.filter(({ time }) => time >= since).map(({ replicas }) => replicas);
  const wanted = Math.max(proposed, ...recent);
  const stabilized = wanted === proposed ? undefined : 'down';
  const least = spec.minReplicas ?? 1;
  const step = Math.max(2 * current, 4);
  if (wanted < least) return { replicas: least, stabilized, limit: tooFew };
  if (wanted <= Math.min(step, spec.maxReplicas)) return { replicas: wanted, stabilized, limit: undefined };
  const limit = step < spec.maxReplicas ? tooFastUp : tooMany;
  return { replicas: Math.min(step, spec.maxReplicas), stabilized, limit };
}

const tooMany = {
  reason: 'TooManyReplicas',
  message: 'the desired replica count is more than the maximum replica count',
};
const tooFew = {
  reason: 'TooFewReplicas',
  message: 'the desired replica count is less than the minimum replica count',
};
const tooFastUp = {
  reason: 'ScaleUpLimit',
  message: 'the desired replica count is increasing faster than the maximum scale rate',
};
const tooFastDown = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
};

/** The lowest of the recent recommendations bounds growth, the highest bounds shrinking. */
function stabilize({ spec, current, proposed, memory, now }: ScalingInput): number {
  const { up, down } = rulesOf(spec);
  const within = (rules: HPAScalingRules) =>
    memory.recommendations
      .filter(({ time }) => time > now - (rules.stabilizationWindowSeconds ?? 0) * 1000)
      .map(({ replicas }) => replicas);
  const lowest = Math.min(proposed, ...within(up));
  const highest = Math.max(proposed, ...within(down));
  return current < lowest ? lowest : current > highest ? highest : current;
}

/** Replicas at the start of a policy's period. */
function before({ current, memory, now }: ScalingInput, { periodSeconds }: HPAScalingPolicy): number {
  const changes = memory.changes.filter(({ time }) => time > now - periodSeconds * 1000);
  return current - changes.reduce((sum, { by }) => sum + by, 0);
}

function growthLimit({ selectPolicy, policies = [] }: HPAScalingRules, input: ScalingInput): number {
  if (selectPolicy === 'Disabled') return input.current;
  const limits = policies.map((policy) => {
    const start = before(input, policy);
    return policy.type === 'Pods' ? start + policy.value : Math.ceil(start * (1 + policy.value / 100));
  });
  return selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits);
}

function shrinkLimit({ selectPolicy, policies = [] }: HPAScalingRules, input: ScalingInput): number {
  if (selectPolicy === 'Disabled') return input.current;
  const limits = policies.map((policy) => {
    const start = before(input, policy);
    return policy.type === 'Pods' ? start - policy.value : Math.floor(start * (1 - policy.value / 100));
  });
  return selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits);
}

/** Of an autoscaler that is seen for the first time: what there is was wanted, so that it does not shrink at once. */
export function firstMemory(current: number, now: number): ScalingMemory {
  return { recommendations: [{ time: now, replicas: current }], changes: [] };
}

/** Nothing is remembered longer than the longest period that a policy may have (an hour). */
const longestMemory = 3_600_000;

export function remember(memory: ScalingMemory, now: number, what: { replicas: number; by?: number }): ScalingMemory {
  const fresh = <T extends { readonly time: number }>(list: readonly T[]) =>
    list.filter(({ time }) => time > now - longestMemory);
  return {
    recommendations: [...fresh(memory.recommendations), { time: now, replicas: what.replicas }],
    changes: [...fresh(memory.changes), ...(what.by ? [{ time: now, by: what.by }] : [])],
  };
}
