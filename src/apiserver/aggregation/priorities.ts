// The order of groups and versions in discovery: upstream's numbers (pkg/controlplane/apiserver/aggregator.go), larger first.

import { table } from '../../apimachinery/table.ts';

export interface Priority {
  /** spec.groupPriorityMinimum. */
  readonly group: number;
  /** spec.versionPriority. */
  readonly version: number;
}

const priorities = table<readonly [group: number, version: number]>({
  v1: [18_000, 1],
  'apps/v1': [17_800, 15],
  'events.k8s.io/v1': [17_750, 15],
  'authentication.k8s.io/v1': [17_700, 15],
  'authorization.k8s.io/v1': [17_600, 15],
  'autoscaling/v1': [17_500, 15],
  'autoscaling/v2': [17_500, 30],
  'batch/v1': [17_400, 15],
  'certificates.k8s.io/v1': [17_300, 15],
  'networking.k8s.io/v1': [17_200, 15],
  'policy/v1': [17_100, 15],
  'rbac.authorization.k8s.io/v1': [17_000, 15],
  'storage.k8s.io/v1': [16_800, 15],
  'apiextensions.k8s.io/v1': [16_700, 15],
  'admissionregistration.k8s.io/v1': [16_700, 15],
  'scheduling.k8s.io/v1': [16_600, 15],
  'coordination.k8s.io/v1': [16_500, 15],
  'node.k8s.io/v1': [16_300, 15],
  'discovery.k8s.io/v1': [16_200, 15],
  'flowcontrol.apiserver.k8s.io/v1': [16_100, 21],
  'resource.k8s.io/v1': [15_900, 15],
});

/** Of custom resources. */
export const customPriority: Priority = { group: 1000, version: 100 };

/** Of a built-in `group/version`; undefined for the aggregation's own, which has no APIService. */
export function builtinPriority(groupVersion: string): Priority | undefined {
  const found = priorities[groupVersion];
  return found && { group: found[0], version: found[1] };
}
