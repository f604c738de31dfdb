// The view of autoscaling/v1 on what is kept as autoscaling/v2: a CPU utilization has its field, all else that v1 has no
// field for goes into annotations, and comes back from there.

import { cpuUtilization } from '../../v2/horizontalpodautoscaler/defaults.ts';
import type {
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerCondition,
  MetricSpec,
  HorizontalPodAutoscaler as Stored,
} from '../../v2/types.generated.ts';
import type { HorizontalPodAutoscaler } from '../types.generated.ts';
import { type FlatMetric, flatSpec, flatStatus, nestedSpec, nestedStatus } from './metrics.ts';

const prefix = 'autoscaling.alpha.kubernetes.io/';
export const metricsAnnotation = `${prefix}metrics`;
const currentMetrics = `${prefix}current-metrics`;
const conditions = `${prefix}conditions`;
const behavior = `${prefix}behavior`;
const carried = [metricsAnnotation, currentMetrics, conditions, behavior];

function isCpuUtilization({ type, resource }: MetricSpec): boolean {
  return type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined;
}

export function autoscalerFromV2({ metadata, spec, status, ...rest }: Stored): HorizontalPodAutoscaler {
  const metrics = spec?.metrics ?? [];
  const cpu = metrics.find(isCpuUtilization)?.resource?.target.averageUtilization;
  const others = metrics.filter((metric) => !isCpuUtilization(metric));
  const cpuNow = status?.currentMetrics?.find(({ resource }) => resource?.name === 'cpu')?.resource;
  const { minReplicas, maxReplicas, scaleTargetRef } = spec;
  const notes = {
    ...(others.length > 0 && { [metricsAnnotation]: JSON.stringify(others.map(flatSpec)) }),
    ...(status?.currentMetrics?.length && { [currentMetrics]: JSON.stringify(status.currentMetrics.map(flatStatus)) }),
    ...(status?.conditions?.length && { [conditions]: JSON.stringify(status.conditions) }),
    ...(spec.behavior && { [behavior]: JSON.stringify(capitalized(spec.behavior)) }),
  };
  const hasNotes = Object.keys(notes).length > 0;
  return {
    ...rest,
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v1',
    metadata: hasNotes ? { ...metadata, annotations: { ...metadata.annotations, ...notes } } : metadata,
    spec: {
      scaleTargetRef,
      ...(minReplicas !== undefined && { minReplicas }),
      maxReplicas,
      ...(cpu !== undefined && { targetCPUUtilizationPercentage: cpu }),
    },
    status: {
      ...(status?.observedGeneration !== undefined && { observedGeneration: status.observedGeneration }),
      ...(status?.lastScaleTime !== undefined && { lastScaleTime: status.lastScaleTime }),
      currentReplicas: status?.currentReplicas ?? 0,
      desiredReplicas: status?.desiredReplicas ?? 0,
      ...(cpuNow?.current.averageUtilization !== undefined && {
        currentCPUUtilizationPercentage: cpuNow.current.averageUtilization,
      }),
    },
  };
}

export function autoscalerToV2({ metadata, spec, status, ...rest }: HorizontalPodAutoscaler): Stored {
  const { annotations = {}, ...others } = metadata;
  const kept = Object.fromEntries(Object.entries(annotations).filter(([key]) => !carried.includes(key)));
  const read = <T>(key: string): T | undefined => parsed<T>(annotations[key]);
  const { targetCPUUtilizationPercentage: cpu, ...same } = spec ?? {};
  const { currentCPUUtilizationPercentage: cpuNow, ...sameStatus } = status ?? {
    currentReplicas: 0,
    desiredReplicas: 0,
  };
  const metrics = [
    ...(read<FlatMetric[]>(metricsAnnotation) ?? []).map(nestedSpec),
    ...(cpu === undefined ? [] : [cpuUtilization(cpu)]),
  ];
  const statuses = read<FlatMetric[]>(currentMetrics)?.map(nestedStatus);
  const cpuStatus = cpuNow !== undefined && {
    currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: cpuNow } } }],
  };
  const was = read<HorizontalPodAutoscalerCondition[]>(conditions);
  const rules = read<object>(behavior);
  return {
    ...rest,
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v2',
    metadata: { ...others, ...(Object.keys(kept).length > 0 && { annotations: kept }) },
    spec: {
      ...same,
      ...(metrics.length > 0 && { metrics }),
      ...(rules && { behavior: uncapitalized(rules) as HorizontalPodAutoscalerBehavior }),
    },
    status: {
      ...sameStatus,
      ...(statuses ? { currentMetrics: statuses } : cpuStatus),
      ...(was && { conditions: was }),
    },
  };
}

/** What cannot be read is left out, as upstream leaves it. */
function parsed<T>(text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

/** Upstream writes this annotation from a type without JSON names: `{"ScaleUp":{"SelectPolicy":…}}`. */
function capitalized(value: unknown): unknown {
  return renamed(value, (name) => name.charAt(0).toUpperCase() + name.slice(1));
}

function uncapitalized(value: unknown): unknown {
  return renamed(value, (name) => name.charAt(0).toLowerCase() + name.slice(1));
}

function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([name, inner]) => [rename(name), renamed(inner, rename)]));
}
