// The classes that every cluster has.
import type { PriorityClass } from '../types.generated.ts';

export const systemPrefix = 'system-';
/** What a class that people make may give at most. */
export const highestUserPriority = 1_000_000_000;

export const systemPriorityClasses: readonly PriorityClass[] = [
  {
    metadata: { name: 'system-node-critical' },
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    metadata: { name: 'system-cluster-critical' },
    value: 2_000_000_000,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
];
