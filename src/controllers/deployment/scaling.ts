// How many pods each ReplicaSet of a Deployment should have.
import type { Deployment, ReplicaSet } from '../../api/apps/v1/types.generated.ts';
import { byCreation } from '../shared/by-creation.ts';
import { isRollingUpdate, maxSurgeOf, maxUnavailableOf } from './limits.ts';
import { desiredAnnotation, maxAnnotation, notedCount, type ReplicaSets } from './revision.ts';

/** New sizes; ReplicaSets that keep theirs are not in it. */
export type Sizes = ReadonlyMap<Readonly<ReplicaSet>, number>;

/** Replicas that the set is to have. */
export function sizeOf(set: Readonly<ReplicaSet>): number {
  return set.spec.replicas ?? 1;
}

export function total(sets: readonly Readonly<ReplicaSet>[], of: (set: Readonly<ReplicaSet>) => number): number {
  return sets.reduce((sum, set) => sum + of(set), 0);
}

export function availableOf(set: Readonly<ReplicaSet>): number {
  return set.status?.availableReplicas ?? 0;
}

export function allOf({ current, old }: ReplicaSets): Readonly<ReplicaSet>[] {
  return current ? [...old, current] : [...old];
}

/** The size to which the current ReplicaSet may grow now. `size` is what it has; 0 for one that is yet to be made. */
export function newSize(deployment: Readonly<Deployment>, all: readonly Readonly<ReplicaSet>[], size: number): number {
  const desired = deployment.spec.replicas ?? 1;
  if (!isRollingUpdate(deployment)) return desired;
  const most = desired + maxSurgeOf(deployment);
  const pods = total(all, sizeOf);
  if (pods >= most) return size;
  return size + Math.min(most - pods, desired - size);
}

/** One step of a rolling update: first up, else down. Empty when there is nothing to do now. */
export function rollingStep(deployment: Readonly<Deployment>, sets: ReplicaSets): Sizes {
  const { current } = sets;
  if (!current) return new Map();
  const desired = deployment.spec.replicas ?? 1;
  const size = sizeOf(current);
  const next = size > desired ? desired : newSize(deployment, allOf(sets), size);
  if (next !== size) return new Map([[current, next]]);
  return shrinkOld(deployment, current, sets);
}

function shrinkOld(deployment: Readonly<Deployment>, current: Readonly<ReplicaSet>, sets: ReplicaSets): Sizes {
  const all = allOf(sets);
  if (total(sets.old, sizeOf) === 0) return new Map();
  const minAvailable = (deployment.spec.replicas ?? 1) - maxUnavailableOf(deployment);
  const newUnavailable = sizeOf(current) - availableOf(current);
  let spare = total(all, sizeOf) - minAvailable - newUnavailable;
  if (spare <= 0) return new Map();
  const sizes = new Map<Readonly<ReplicaSet>, number>();
  const old = [...sets.old].sort(byCreation);
  // Pods that are not available go first: nobody misses them.
  for (const set of old) {
    const unhealthy = Math.min(spare, sizeOf(set) - availableOf(set));
    if (spare <= 0 || unhealthy <= 0) continue;
    sizes.set(set, sizeOf(set) - unhealthy);
    spare -= unhealthy;
  }
  let mayGo = total(all, availableOf) - minAvailable;
  for (const set of old) {
    if (mayGo <= 0) break;
    const size = sizes.get(set) ?? sizeOf(set);
    const gone = Math.min(size, mayGo);
    if (gone === 0) continue;
    sizes.set(set, size - gone);
    mayGo -= gone;
  }
  return sizes;
}

/** Was `spec.replicas` changed since the ReplicaSets were last looked at? */
export function isScalingEvent(deployment: Readonly<Deployment>, sets: ReplicaSets): boolean {
  return allOf(sets)
    .filter((set) => sizeOf(set) > 0)
    .some((set) => {
      const desired = notedCount(set, desiredAnnotation);
      return desired !== undefined && desired !== (deployment.spec.replicas ?? 1);
    });
}

/** Scaling in the middle of a rollout or while paused: each ReplicaSet gets its share. */
export function proportionalSizes(deployment: Readonly<Deployment>, sets: ReplicaSets): Sizes {
  const desired = deployment.spec.replicas ?? 1;
  const active = allOf(sets).filter((set) => sizeOf(set) > 0);
  const only = active.length > 1 ? undefined : (active[0] ?? sets.current ?? [...sets.old].sort(byCreation).at(-1));
  if (only) return new Map([[only, desired]]);
  if (isSaturated(deployment, sets.current)) {
    return new Map(sets.old.filter((set) => sizeOf(set) > 0).map((set) => [set, 0]));
  }
  if (!isRollingUpdate(deployment) || active.length === 0) return new Map();
  return shares(deployment, active);
}

function shares(deployment: Readonly<Deployment>, active: Readonly<ReplicaSet>[]): Sizes {
  const desired = deployment.spec.replicas ?? 1;
  const allowed = desired > 0 ? desired + maxSurgeOf(deployment) : 0;
  const toAdd = allowed - total(active, sizeOf);
  // The biggest first; of equal ones the newest when growing, the oldest when shrinking.
  const sorted = active.sort((a, b) => sizeOf(b) - sizeOf(a) || (toAdd > 0 ? byCreation(b, a) : byCreation(a, b)));
  const sizes = new Map<Readonly<ReplicaSet>, number>();
  let added = 0;
  for (const set of sorted) {
    const share = shareOf(deployment, set);
    const left = toAdd - added;
    const change = toAdd === 0 ? 0 : toAdd > 0 ? Math.min(share, left) : Math.max(share, left);
    sizes.set(set, sizeOf(set) + change);
    added += change;
  }
  const [first] = sorted;
  if (first && toAdd !== added) sizes.set(first, Math.max(0, (sizes.get(first) ?? 0) + toAdd - added));
  return sizes;
}

function shareOf(deployment: Readonly<Deployment>, set: Readonly<ReplicaSet>): number {
  const desired = deployment.spec.replicas ?? 1;
  const size = sizeOf(set);
  if (desired === 0) return -size;
  const before = notedCount(set, maxAnnotation) || deployment.status?.replicas;
  // Somebody took the annotation away, and no pod is there to tell the proportion.
  if (!before) return 0;
  return Math.round((size * (desired + maxSurgeOf(deployment))) / before) - size;
}

function isSaturated(deployment: Readonly<Deployment>, set: Readonly<ReplicaSet> | undefined): boolean {
  if (!set) return false;
  const desired = deployment.spec.replicas ?? 1;
  return sizeOf(set) === desired && notedCount(set, desiredAnnotation) === desired && availableOf(set) === desired;
}
