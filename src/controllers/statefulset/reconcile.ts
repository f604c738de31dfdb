// What a StatefulSet does next about its pods (upstream pkg/controller/statefulset stateful_set_control.go): pure. One
// step at a time: each step's effect comes back by the watch, and the next is decided then.
import type { ControllerRevision, StatefulSet, StatefulSetStatus } from '../../api/apps/v1/types.generated.ts';
import { isPodReady, isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { resolveIntOrPercent } from '../shared/int-or-percent.ts';
import { isPodAvailable } from '../shared/pods.ts';
import { sameStatus } from '../shared/same-status.ts';
import { isWanted, missingIdentity, ordinalOf, podOf, revisionOf, startOf } from './identity.ts';

export interface StatefulSetInput {
  readonly set: Readonly<StatefulSet>;
  /** The revision that pods below the partition have, and the one of the present template. */
  readonly current: Readonly<ControllerRevision>;
  readonly update: Readonly<ControllerRevision>;
  /** Claimed pods. */
  readonly pods: readonly Readonly<Pod>[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly collisionCount: number | undefined;
}

export interface StatefulSetPlan {
  /** In this order; their claims first. */
  readonly create: readonly Pod[];
  readonly delete: readonly Readonly<Pod>[];
  /** Why a pod that has ended is deleted: the reason of an Event and its message. */
  readonly events: readonly { readonly reason: string; readonly message: string }[];
  readonly label: readonly { readonly pod: Readonly<Pod>; readonly labels: Readonly<Record<string, string>> }[];
  /** Pods whose claims must exist and follow the retention policy. */
  readonly keepClaims: readonly Readonly<Pod>[];
  /** Undefined when the present one is right. */
  readonly status: StatefulSetStatus | undefined;
}

interface Steps {
  readonly create: Pod[];
  readonly delete: Readonly<Pod>[];
  readonly events: { reason: string; message: string }[];
}

export function reconcile(input: StatefulSetInput): StatefulSetPlan {
  const { set, pods } = input;
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
  const wanted = Array.from({ length: set.spec.replicas ?? 1 }, (_, i) => startOf(set) + i);
  const surplus = pods
    .filter((pod) => !isWanted(set, ordinalOf(set, pod)) && ordinalOf(set, pod) >= 0)
    .sort((a, b) => ordinalOf(set, b) - ordinalOf(set, a));
  const steps: Steps = { create: [], delete: [], events: [] };
  if (set.metadata.deletionTimestamp === undefined) {
    const settled = fill(input, { wanted, byOrdinal, steps }) && shrink(input, { wanted, byOrdinal, surplus, steps });
    if (settled) update(input, { wanted, byOrdinal, steps });
  }
  const present = wanted.flatMap((ordinal) => byOrdinal.get(ordinal) ?? []);
  const label = present.flatMap((pod) => {
    const labels = missingIdentity(set, pod);
    return labels && !isTerminating(pod) ? [{ pod, labels }] : [];
  });
  const deleting = set.metadata.deletionTimestamp !== undefined;
  return { ...steps, label, keepClaims: deleting ? [] : [...present, ...surplus], status: statusOf(input) };
}

interface Wanted {
  readonly wanted: readonly number[];
  readonly byOrdinal: ReadonlyMap<number, Readonly<Pod>>;
  readonly steps: Steps;
}

/** Makes what is missing. False when all else has to wait. */
function fill(input: StatefulSetInput, { wanted, byOrdinal, steps }: Wanted): boolean {
  const { set } = input;
  for (const ordinal of wanted) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) {
      steps.create.push(podOf(set, ordinal, isOfCurrent(set, ordinal) ? input.current : input.update));
      if (isOrdered(set)) return false;
    } else if (isPodTerminal(pod)) {
      // The next one is made when this one is gone.
      if (isTerminating(pod)) {
        if (isOrdered(set)) return false;
        continue;
      }
      const how = pod.status?.phase === 'Failed' ? 'failed' : 'terminated';
      const reason = how === 'failed' ? 'RecreatingFailedPod' : 'RecreatingTerminatedPod';
      const { name, namespace = '' } = set.metadata;
      const message = `StatefulSet ${namespace}/${name} is recreating ${how} Pod ${pod.metadata.name}`;
      steps.events.push({ reason, message });
      steps.delete.push(pod);
      if (isOrdered(set)) return false;
    } else if (isOrdered(set) && (isTerminating(pod) || !isAvailable(input, pod))) {
      return false;
    }
  }
  return true;
}

/** Ends what is too many, the highest ordinal first. False when updates have to wait. */
function shrink(
  input: StatefulSetInput,
  { wanted, byOrdinal, surplus, steps }: Wanted & { readonly surplus: readonly Readonly<Pod>[] },
): boolean {
  const { set } = input;
  const lowestFirst = [...wanted.map((ordinal) => byOrdinal.get(ordinal)), ...[...surplus].reverse()];
  const firstUnavailable = lowestFirst.find((pod) => pod && !isAvailable(input, pod));
  for (const pod of surplus) {
    if (isTerminating(pod)) {
      if (isOrdered(set)) return false;
      continue;
    }
    if (isOrdered(set) && !isAvailable(input, pod) && pod !== firstUnavailable) return false;
    steps.delete.push(pod);
    if (isOrdered(set)) return false;
  }
  return true;
}

/** Ends pods of another revision, from the highest ordinal down to the partition. */
function update(input: StatefulSetInput, { wanted, byOrdinal, steps }: Wanted): void {
  const { set } = input;
  if (set.spec.updateStrategy?.type === 'OnDelete') return;
  const going = new Set(steps.delete);
  const isGone = (pod: Readonly<Pod> | undefined) => !pod || going.has(pod) || !isAvailable(input, pod);
  let spare = maxUnavailableOf(set) - wanted.filter((ordinal) => isGone(byOrdinal.get(ordinal))).length;
  const { partition = 0 } = set.spec.updateStrategy?.rollingUpdate ?? {};
  for (const ordinal of [...wanted].reverse()) {
    if (ordinal < startOf(set) + partition) return;
    const pod = byOrdinal.get(ordinal);
    if (!pod || isTerminating(pod) || going.has(pod) || revisionOf(pod) === input.update.metadata.name) continue;
    // One that serves nobody costs nothing.
    const costs = !isGone(pod);
    if (costs && spare <= 0) continue;
    steps.delete.push(pod);
    if (costs) spare -= 1;
  }
}

function isOfCurrent(set: Readonly<StatefulSet>, ordinal: number): boolean {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  if (rollingUpdate) return ordinal < startOf(set) + (rollingUpdate.partition ?? 0);
  return type === 'RollingUpdate' && ordinal < startOf(set) + (set.status?.currentReplicas ?? 0);
}

/** Rounded down, but at least one. */
function maxUnavailableOf({ spec }: Readonly<StatefulSet>): number {
  const wanted = spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1;
  return Math.max(1, resolveIntOrPercent(wanted, spec.replicas ?? 1, 'down'));
}

function isOrdered({ spec }: Readonly<StatefulSet>): boolean {
  return spec.podManagementPolicy !== 'Parallel';
}

function isTerminating(pod: Readonly<Pod>): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

function isRunningAndReady(pod: Readonly<Pod>): boolean {
  return pod.status?.phase === 'Running' && isPodReady(pod);
}

function isHealthy(pod: Readonly<Pod>): boolean {
  return isRunningAndReady(pod) && !isTerminating(pod);
}

function isAvailable({ set, now }: StatefulSetInput, pod: Readonly<Pod>): boolean {
  return isHealthy(pod) && isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now);
}

function statusOf(input: StatefulSetInput): StatefulSetStatus | undefined {
  const { set, pods, current, update: latest, now, collisionCount } = input;
  const replicas = set.spec.replicas ?? 1;
  const ready = pods.filter(isRunningAndReady);
  const alive = pods.filter((pod) => !isTerminating(pod));
  const updatedReplicas = alive.filter((pod) => revisionOf(pod) === latest.metadata.name).length;
  const complete =
    set.spec.updateStrategy?.type !== 'OnDelete' &&
    [updatedReplicas, ready.length, pods.length].every((count) => count === replicas);
  const currentName = complete ? latest.metadata.name : current.metadata.name;
  const status: StatefulSetStatus = {
    replicas: pods.length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter((pod) => isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now)).length,
    currentReplicas: alive.filter((pod) => revisionOf(pod) === currentName).length,
    updatedReplicas,
    currentRevision: currentName,
    updateRevision: latest.metadata.name,
    observedGeneration: set.metadata.generation ?? 0,
    collisionCount: collisionCount ?? 0,
    ...(set.status?.conditions && { conditions: set.status.conditions }),
  };
  return sameStatus(status, set.status) ? undefined : status;
}
