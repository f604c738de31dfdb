import type { HorizontalPodAutoscaler, HPAScalingRules, MetricSpec } from '../types.generated.ts';

/** What is measured where nothing is said: 80 % of the CPU that is asked for. */
export const usualUtilization = 80;

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

export function defaultAutoscaler({ spec }: HorizontalPodAutoscaler): void {
  if (!spec) return;
  spec.minReplicas ??= 1;
  if (!spec.metrics?.length) spec.metrics = [cpuUtilization(usualUtilization)];
  if (!spec.behavior) return;
  spec.behavior = {
    scaleUp: { ...structuredClone(scaleUp), ...spec.behavior.scaleUp },
    scaleDown: { ...structuredClone(scaleDown), ...spec.behavior.scaleDown },
  };
}
