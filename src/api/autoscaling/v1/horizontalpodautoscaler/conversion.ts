// The view of autoscaling/v1 on what is kept as autoscaling/v2: a CPU utilization has its field, all else that v1 has no
// field for goes into annotations, and comes back from there.

import { isObject } from '../../../../apimachinery/json/value.ts';
import { carriedAnnotations, cpuUtilization, withoutCarried } from '../../v2/horizontalpodautoscaler/defaults.ts';
import type {
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerCondition,
  HPAScalingRules,
  MetricSpec,
  HorizontalPodAutoscaler as Stored,
} from '../../v2/types.generated.ts';
import type { HorizontalPodAutoscaler } from '../types.generated.ts';
import { type FlatMetric, flatSpec, flatStatus, nestedSpec, nestedStatus } from './metrics.ts';

const [metricsAnnotation, currentMetrics, conditions, behavior] = carriedAnnotations;

function isCpuUtilization({ type, resource }: MetricSpec): boolean {
  return type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined;
}

export function autoscalerFromV2({ metadata, spec, status, ...rest }: Stored): HorizontalPodAutoscaler {
  const metrics = spec?.metrics ?? [];
  const cpu = metrics.find(isCpuUtilization)?.resource?.target.averageUtilization;
  const further = metrics.filter((metric) => !isCpuUtilization(metric));
  const cpuNow = status?.currentMetrics?.find(({ resource }) => resource?.name === 'cpu')?.resource;
  const { minReplicas, maxReplicas, scaleTargetRef } = spec;
  const notes = {
    ...(further.length > 0 && { [metricsAnnotation]: JSON.stringify(further.map(flatSpec)) }),
    ...(status?.currentMetrics?.length && { [currentMetrics]: JSON.stringify(status.currentMetrics.map(flatStatus)) }),
    ...(status?.conditions?.length && { [conditions]: JSON.stringify(status.conditions) }),
    ...(spec.behavior && { [behavior]: JSON.stringify(internalBehavior(spec.behavior)) }),
  };
  const annotations = { ...withoutCarried(metadata.annotations), ...notes };
  const { annotations: _annotations, ...others } = metadata;
  return {
    ...rest,
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v1',
    metadata: { ...others, ...(Object.keys(annotations).length > 0 && { annotations }) },
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
  const kept = withoutCarried(annotations);
  const { targetCPUUtilizationPercentage: cpu, ...same } = spec ?? {};
  const { currentCPUUtilizationPercentage: cpuNow, ...sameStatus } = status ?? {
    currentReplicas: 0,
    desiredReplicas: 0,
  };
  const metrics = [
    ...(parsedList<FlatMetric>(annotations[metricsAnnotation]) ?? []).map(nestedSpec),
    ...(cpu === undefined ? [] : [cpuUtilization(cpu)]),
  ];
  const statuses = parsedList<FlatMetric>(annotations[currentMetrics])?.map(nestedStatus);
  const cpuStatus = cpuNow !== undefined && {
    currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: cpuNow } } }],
  };
  const was = parsedList<HorizontalPodAutoscalerCondition>(annotations[conditions]);
  const rules = parsed(annotations[behavior]);
  return {
    ...rest,
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v2',
    metadata: { ...others, ...(Object.keys(kept).length > 0 && { annotations: kept }) },
    spec: {
      ...same,
      ...(metrics.length > 0 && { metrics }),
      ...(isObject(rules) && { behavior: uncapitalized(rules) as HorizontalPodAutoscalerBehavior }),
    },
    status: {
      ...sameStatus,
      ...(statuses ? { currentMetrics: statuses } : cpuStatus),
      ...(was && { conditions: was }),
    },
  };
}

/** What cannot be read is left out, as upstream leaves it. */
function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function parsedList<T extends object>(text: string | undefined): T[] | undefined {
  const list = parsed(text);
  return Array.isArray(list) && list.every(isObject) ? (list as unknown[] as T[]) : undefined;
}

/** Upstream writes this annotation from a type without JSON names, which leaves out nothing. */
function internalBehavior({ scaleUp, scaleDown }: HorizontalPodAutoscalerBehavior): object {
  return { ScaleUp: internalRules(scaleUp), ScaleDown: internalRules(scaleDown) };
}

function internalRules(rules: HPAScalingRules | undefined): object | null {
  if (!rules) return null;
  const { stabilizationWindowSeconds: window = null, selectPolicy = null, policies, tolerance = null } = rules;
  return {
    StabilizationWindowSeconds: window,
    SelectPolicy: selectPolicy,
    Policies:
      policies?.map(({ type, value, periodSeconds }) => ({ Type: type, Value: value, PeriodSeconds: periodSeconds })) ??
      null,
    Tolerance: tolerance,
  };
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
