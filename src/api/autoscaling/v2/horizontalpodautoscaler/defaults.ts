import type { HorizontalPodAutoscaler, HPAScalingRules, MetricSpec } from '../types.generated.ts';

/** What is measured where nothing is said: 80 % of the CPU that is asked for. */
export const usualUtilization = 80;

const prefix = 'autoscaling.alpha.kubernetes.io/';

/** What autoscaling/v1 has no fields for, in annotations: of that version only. */
export const carriedAnnotations = [
  `${prefix}metrics`,
  `${prefix}current-metrics`,
  `${prefix}conditions`,
  `${prefix}behavior`,
] as const;

export function withoutCarried(annotations: Readonly<Record<string, string>> = {}): Record<string, string> {
  const carried: readonly string[] = carriedAnnotations;
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !carried.includes(key)));
}

export function cpuUtilization(averageUtilization: number): MetricSpec {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } };
}

const scaleUp: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};

const scaleDown: HPAScalingRules = {
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
};

export function defaultAutoscaler({ metadata, spec }: HorizontalPodAutoscaler): void {
  // Of an object that was read in the other version.
  const annotations = withoutCarried(metadata.annotations);
  if (Object.keys(annotations).length > 0) metadata.annotations = annotations;
  else delete metadata.annotations;
  if (!spec) return;
  spec.minReplicas ??= 1;
  if (!spec.metrics?.length) spec.metrics = [cpuUtilization(usualUtilization)];
  if (!spec.behavior) return;
  spec.behavior = {
    scaleUp: { ...structuredClone(scaleUp), ...spec.behavior.scaleUp },
    scaleDown: { ...structuredClone(scaleDown), ...spec.behavior.scaleDown },
  };
}
