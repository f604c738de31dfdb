// What a ReplicaSet does about its pods (upstream pkg/controller/replicaset): pure decisions.
import type { ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from '../../api/apps/v1/types.generated.ts';
import { isPodReady, isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { deletionOrder } from '../shared/deletion-order.ts';
import { isPodActive, isPodAvailable } from '../shared/pods.ts';
import { sameStatus } from '../shared/same-status.ts';

/** Most pods made or deleted in one go, as upstream: a broken ReplicaSet must not flood the server. */
const burst = 500;

export interface ScaleDecision {
  /** How many pods to create. */
  readonly create: number;
  readonly delete: readonly Readonly<Pod>[];
}

export interface ScaleInput {
  readonly replicaSet: Readonly<ReplicaSet>;
  /** Claimed pods. */
  readonly pods: readonly Readonly<Pod>[];
  /** Pods of all ReplicaSets of the same owner; how many of them are on a node decides who goes first. */
  readonly related: () => readonly Readonly<Pod>[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export function scale({ replicaSet, pods, related, now }: ScaleInput): ScaleDecision {
  if (replicaSet.metadata.deletionTimestamp !== undefined) return { create: 0, delete: [] };
  const active = pods.filter(isPodActive);
  const difference = active.length - (replicaSet.spec.replicas ?? 1);
  if (difference < 0) return { create: Math.min(-difference, burst), delete: [] };
  if (difference === 0) return { create: 0, delete: [] };
  const count = Math.min(difference, burst);
  return { create: 0, delete: deletionOrder(active, related(), now).slice(0, count) };
}

export interface StatusInput {
  readonly replicaSet: Readonly<ReplicaSet>;
  readonly pods: readonly Readonly<Pod>[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Why pods could not be created or deleted this time. */
  readonly failure?: { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string } | undefined;
}

/** The status as it should be; undefined when the present one is right. */
export function statusOf({ replicaSet, pods, now, failure }: StatusInput): ReplicaSetStatus | undefined {
  const active = pods.filter(isPodActive);
  const minReady = replicaSet.spec.minReadySeconds ?? 0;
  const templateLabels = Object.entries(replicaSet.spec.template?.metadata?.labels ?? {});
  const labelled = active.filter((pod) => templateLabels.every(([k, v]) => pod.metadata.labels?.[k] === v));
  const terminating = pods.filter((p) => p.metadata.deletionTimestamp !== undefined && !isPodTerminal(p));
  const old = replicaSet.status;
  const conditions = conditionsOf(old?.conditions ?? [], failure, now);
  const status: ReplicaSetStatus = {
    replicas: active.length,
    fullyLabeledReplicas: labelled.length,
    readyReplicas: active.filter(isPodReady).length,
    availableReplicas: active.filter((pod) => isPodAvailable(pod, minReady, now)).length,
    terminatingReplicas: terminating.length,
    observedGeneration: replicaSet.metadata.generation ?? 0,
    ...(conditions.length > 0 && { conditions }),
  };
  return sameStatus(old, status) ? undefined : status;
}

/** As upstream: the condition is set by the first failure and goes when a sync succeeds. */
function conditionsOf(
  old: readonly Readonly<ReplicaSetCondition>[],
  failure: StatusInput['failure'],
  now: number,
): ReplicaSetCondition[] {
  const others = old.filter((c) => c.type !== 'ReplicaFailure');
  if (!failure) return others;
  const present = old.find((c) => c.type === 'ReplicaFailure');
  if (present?.reason === failure.reason) return [...old];
  return [...others, { type: 'ReplicaFailure', status: 'True', lastTransitionTime: formatTime(now), ...failure }];
}
