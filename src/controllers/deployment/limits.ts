// maxSurge and maxUnavailable in pods.
import type { Deployment } from '../../api/apps/v1/types.generated.ts';
import { resolveIntOrPercent } from '../shared/int-or-percent.ts';

export function isRollingUpdate({ spec }: Readonly<Deployment>): boolean {
  return spec.strategy?.type !== 'Recreate';
}

/** Rounded up. 0 for Recreate. */
export function maxSurgeOf(deployment: Readonly<Deployment>): number {
  return limits(deployment).surge;
}

/** Rounded down; never more than there are replicas. */
export function maxUnavailableOf(deployment: Readonly<Deployment>): number {
  const replicas = deployment.spec.replicas ?? 1;
  if (!isRollingUpdate(deployment) || replicas === 0) return 0;
  return Math.min(limits(deployment).unavailable, replicas);
}

function limits(deployment: Readonly<Deployment>): { surge: number; unavailable: number } {
  if (!isRollingUpdate(deployment)) return { surge: 0, unavailable: 0 };
  const replicas = deployment.spec.replicas ?? 1;
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = resolveIntOrPercent(maxSurge, replicas, 'up');
  const unavailable = resolveIntOrPercent(maxUnavailable, replicas, 'down');
  // Both zero would never move: validation forbids it, rounding may make it so.
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}
