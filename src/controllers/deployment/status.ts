// The status of a Deployment: counts, and the conditions that `kubectl rollout status` and `kubectl wait` read.
import type {
  Deployment,
  DeploymentCondition,
  DeploymentStatus,
  ReplicaSet,
  ReplicaSetCondition,
} from '../../api/apps/v1/types.generated.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { sameStatus } from '../shared/same-status.ts';
import { maxUnavailableOf } from './limits.ts';
import type { ReplicaSets } from './revision.ts';
import { allOf, availableOf, sizeOf, total } from './scaling.ts';

/** No deadline: upstream takes the largest int32 for "never". */
const noDeadline = 2 ** 31 - 1;

export interface StatusInput {
  readonly deployment: Readonly<Deployment>;
  readonly sets: ReplicaSets;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Something that just happened, told by the Progressing condition. */
  readonly progress?: { readonly status: string; readonly reason: string; readonly message: string } | undefined;
  /** Absent while paused or deleted: then progress is not judged. */
  readonly judgeProgress: boolean;
}

export interface StatusDecision {
  /** Undefined when the present one is right. */
  readonly status: DeploymentStatus | undefined;
  /** Milliseconds until the progress deadline. */
  readonly requeueAfter: number | undefined;
}

export function decideStatus(input: StatusInput): StatusDecision {
  const { deployment, sets, now, progress } = input;
  const status = counts(deployment, sets);
  const conditions = [...(deployment.status?.conditions ?? [])];
  const replicas = deployment.spec.replicas ?? 1;
  const enough = (status.availableReplicas ?? 0) >= replicas - maxUnavailableOf(deployment);
  setCondition(conditions, enough ? available : unavailable, now);
  if (progress) setCondition(conditions, { type: 'Progressing', ...progress }, now);
  if (!hasDeadline(deployment)) remove(conditions, 'Progressing');
  else if (input.judgeProgress && !progress) judge(input, status, conditions);
  const failure = failureOf(sets);
  if (failure) {
    const { status: state, reason = '', message = '', lastTransitionTime } = failure;
    const since = lastTransitionTime ? Date.parse(lastTransitionTime) : now;
    setCondition(conditions, { type: 'ReplicaFailure', status: state, reason, message }, since);
  } else {
    remove(conditions, 'ReplicaFailure');
  }
  status.conditions = conditions;
  return {
    status: sameStatus(status, deployment.status) ? undefined : status,
    requeueAfter: untilDeadline(deployment, status, now),
  };
}

/** Why pods of the current set cannot be made or deleted; where all is well with it, of an old one. */
function failureOf({ current, old }: ReplicaSets): Readonly<ReplicaSetCondition> | undefined {
  return [...(current ? [current] : []), ...old]
    .flatMap((set) => set.status?.conditions ?? [])
    .find((c) => c.type === 'ReplicaFailure');
}

const available = {
  type: 'Available',
  status: 'True',
  reason: 'MinimumReplicasAvailable',
  message: 'Deployment has minimum availability.',
};
const unavailable = {
  type: 'Available',
  status: 'False',
  reason: 'MinimumReplicasUnavailable',
  message: 'Deployment does not have minimum availability.',
};

function counts(deployment: Readonly<Deployment>, sets: ReplicaSets): DeploymentStatus {
  const all = allOf(sets);
  const availableReplicas = total(all, availableOf);
  const terminating = terminatingOf(all);
  const { collisionCount } = deployment.status ?? {};
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: total(all, (set) => set.status?.replicas ?? 0),
    updatedReplicas: sets.current?.status?.replicas ?? 0,
    readyReplicas: total(all, (set) => set.status?.readyReplicas ?? 0),
    availableReplicas,
    unavailableReplicas: Math.max(0, total(all, sizeOf) - availableReplicas),
    ...(terminating !== undefined && { terminatingReplicas: terminating }),
    ...(collisionCount !== undefined && { collisionCount }),
  };
}

/** Undefined where a set that was looked at already does not say how many of its pods are ending. */
function terminatingOf(all: readonly Readonly<ReplicaSet>[]): number | undefined {
  const silent = ({ status }: Readonly<ReplicaSet>) =>
    (status?.observedGeneration ?? 0) > 0 && status?.terminatingReplicas === undefined;
  return all.some(silent) ? undefined : total(all, (set) => set.status?.terminatingReplicas ?? 0);
}

/** Upstream syncRolloutStatus: complete, moving, or too slow. */
function judge({ deployment, sets, now }: StatusInput, status: DeploymentStatus, conditions: DeploymentCondition[]) {
  const present = conditions.find((c) => c.type === 'Progressing');
  const done = status.replicas === status.updatedReplicas && present?.reason === 'NewReplicaSetAvailable';
  if (done) return;
  const who = sets.current ? `ReplicaSet "${sets.current.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  const set = (statusText: string, reason: string, message: string) =>
    setCondition(conditions, { type: 'Progressing', status: statusText, reason, message: `${who} ${message}` }, now);
  if (isComplete(deployment, status)) {
    set('True', 'NewReplicaSetAvailable', 'has successfully progressed.');
  } else if (hasMoved(deployment.status ?? {}, status)) {
    // A new update time, while the transition stays: this is what the deadline counts from.
    remove(conditions, 'Progressing');
    set('True', 'ReplicaSetUpdated', 'is progressing.');
    const fresh = conditions.find((c) => c.type === 'Progressing');
    if (fresh && present?.status === 'True' && present.lastTransitionTime) {
      fresh.lastTransitionTime = present.lastTransitionTime;
    }
  } else if (isTimedOut(deployment, present, now)) {
    set('False', 'ProgressDeadlineExceeded', 'has timed out progressing.');
  }
}

export function isComplete(deployment: Readonly<Deployment>, status: Readonly<DeploymentStatus>): boolean {
  const replicas = deployment.spec.replicas ?? 1;
  return (
    (status.updatedReplicas ?? 0) === replicas &&
    (status.replicas ?? 0) === replicas &&
    (status.availableReplicas ?? 0) === replicas &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function hasMoved(old: Readonly<DeploymentStatus>, status: DeploymentStatus): boolean {
  const oldOnes = (s: Readonly<DeploymentStatus>) => (s.replicas ?? 0) - (s.updatedReplicas ?? 0);
  return (
    (status.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    oldOnes(status) < oldOnes(old) ||
    (status.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (status.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  );
}

function isTimedOut(
  deployment: Readonly<Deployment>,
  progressing: Readonly<DeploymentCondition> | undefined,
  now: number,
): boolean {
  if (!progressing || progressing.reason === 'NewReplicaSetAvailable') return false;
  if (progressing.reason === 'ProgressDeadlineExceeded') return true;
  const since = Date.parse(progressing.lastUpdateTime ?? '');
  return since + (deployment.spec.progressDeadlineSeconds ?? noDeadline) * 1000 < now;
}

function untilDeadline(deployment: Readonly<Deployment>, status: DeploymentStatus, now: number): number | undefined {
  const progressing = status.conditions?.find((c) => c.type === 'Progressing');
  if (!hasDeadline(deployment) || !progressing?.lastUpdateTime || isComplete(deployment, status)) return undefined;
  if (progressing.reason === 'NewReplicaSetAvailable' || progressing.reason === 'ProgressDeadlineExceeded')
    return undefined;
  const due = Date.parse(progressing.lastUpdateTime) + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000;
  return Math.max(1000, due - now + 1000);
}

export function hasDeadline({ spec }: Readonly<Deployment>): boolean {
  return spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== noDeadline;
}

type Told = Required<Pick<DeploymentCondition, 'type' | 'status' | 'reason' | 'message'>>;

/** The same status and reason is no news; the time of transition changes with the status only. */
function setCondition(conditions: DeploymentCondition[], told: Told, now: number): void {
  const present = conditions.find((c) => c.type === told.type);
  if (present?.status === told.status && present.reason === told.reason) return;
  const time = formatTime(now);
  const lastTransitionTime = present?.status === told.status ? (present.lastTransitionTime ?? time) : time;
  remove(conditions, told.type);
  conditions.push({ ...told, lastUpdateTime: time, lastTransitionTime });
}

function remove(conditions: DeploymentCondition[], type: string): void {
  const index = conditions.findIndex((c) => c.type === type);
  if (index >= 0) conditions.splice(index, 1);
}
