// What a Deployment does next about its ReplicaSets (upstream pkg/controller/deployment), one step at a time: each
// step's effect comes back by the watch, and the next is decided then.
import type { Deployment, DeploymentStatus, ReplicaSet } from '../../api/apps/v1/types.generated.ts';
import { isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { isRollingUpdate, maxSurgeOf } from './limits.ts';
import {
  annotated,
  desiredAnnotation,
  maxAnnotation,
  newReplicaSet,
  nextRevision,
  type ReplicaSets,
  revisionAnnotation,
  revisionOf,
  sortOut,
} from './revision.ts';
import { allOf, isScalingEvent, newSize, proportionalSizes, rollingStep, type Sizes, sizeOf } from './scaling.ts';
import { decideStatus, hasDeadline, isComplete, type StatusInput } from './status.ts';

export interface DeploymentInput {
  readonly deployment: Readonly<Deployment>;
  /** Those that it controls. */
  readonly replicaSets: readonly Readonly<ReplicaSet>[];
  /** Pods of a ReplicaSet; asked for Recreate only. */
  readonly podsOf: (set: Readonly<ReplicaSet>) => readonly Readonly<Pod>[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface DeploymentPlan {
  readonly create?: ReplicaSet;
  readonly update: readonly ReplicaSet[];
  readonly delete: readonly Readonly<ReplicaSet>[];
  /** `ScalingReplicaSet` messages, told once the writes are done. */
  readonly events: readonly string[];
  /** The value of the Deployment's revision annotation where it must change. */
  readonly revision?: string;
  readonly status?: DeploymentStatus;
  /** Milliseconds. */
  readonly requeueAfter?: number;
}

type Progress = StatusInput['progress'];

interface Step {
  readonly create?: ReplicaSet;
  readonly update?: readonly ReplicaSet[];
  readonly delete?: readonly Readonly<ReplicaSet>[];
  readonly events?: readonly string[];
  readonly progress?: Progress;
}

export function reconcile(input: DeploymentInput): DeploymentPlan {
  const { deployment, now } = input;
  const sets = sortOut(deployment, input.replicaSets);
  const deleting = deployment.metadata.deletionTimestamp !== undefined;
  const step = deleting ? {} : nextStep(input, sets);
  const progress = step.progress ?? pauseProgress(deployment);
  const judgeProgress = !deleting && !deployment.spec.paused;
  const { status, requeueAfter } = decideStatus({ deployment, sets, now, progress, judgeProgress });
  const revision = revisionToShow(deployment, sets, step);
  return {
    ...(step.create && { create: step.create }),
    update: step.update ?? [],
    delete: step.delete ?? [],
    events: step.events ?? [],
    ...(revision !== undefined && { revision }),
    ...(status && { status }),
    ...(requeueAfter !== undefined && { requeueAfter }),
  };
}

function nextStep(input: DeploymentInput, sets: ReplicaSets): Step {
  const { deployment } = input;
  const { current, old } = sets;
  const revised = current && annotated(deployment, current, nextRevision(old));
  if (revised) return { update: [revised], progress: foundProgress(deployment, revised) };
  if (deployment.spec.paused || isScalingEvent(deployment, sets)) {
    const step = resize(deployment, proportionalSizes(deployment, sets));
    return isIdle(step) && deployment.spec.paused ? cleanUp(deployment, sets) : step;
  }
  return isRollingUpdate(deployment) ? rollingUpdate(deployment, sets) : recreate(input, sets);
}

function rollingUpdate(deployment: Readonly<Deployment>, sets: ReplicaSets): Step {
  if (!sets.current) return createCurrent(deployment, sets);
  const step = resize(deployment, rollingStep(deployment, sets));
  return isIdle(step) ? cleanUpWhenComplete(deployment, sets) : step;
}

function recreate({ deployment, podsOf }: DeploymentInput, sets: ReplicaSets): Step {
  const running = sets.old.filter((set) => sizeOf(set) > 0);
  if (running.length > 0) return resize(deployment, new Map(running.map((set) => [set, 0])));
  // Even a pod that is being deleted still runs; only ended ones do not count.
  const oldPods = sets.old.flatMap((set) => podsOf(set)).some((pod) => !isPodTerminal(pod));
  const counted = sets.old.some((set) => (set.status?.replicas ?? 0) > 0);
  if (oldPods || counted) return {};
  if (!sets.current) return createCurrent(deployment, sets);
  const step = resize(deployment, new Map([[sets.current, deployment.spec.replicas ?? 1]]));
  return isIdle(step) ? cleanUpWhenComplete(deployment, sets) : step;
}

function createCurrent(deployment: Readonly<Deployment>, sets: ReplicaSets): Step {
  const replicas = newSize(deployment, allOf(sets), 0);
  const create = newReplicaSet(deployment, nextRevision(sets.old), replicas);
  const { name } = create.metadata;
  const events = replicas > 0 ? [`Scaled up replica set ${name} from 0 to ${replicas}`] : [];
  const message = `Created new replica set "${name}"`;
  return { create, events, progress: { status: 'True', reason: 'NewReplicaSetCreated', message } };
}

/** Writes for new sizes; the annotations that remember the Deployment's size are kept up to date with them. */
function resize(deployment: Readonly<Deployment>, sizes: Sizes): Step {
  const desired = deployment.spec.replicas ?? 1;
  const noted = { [desiredAnnotation]: String(desired), [maxAnnotation]: String(desired + maxSurgeOf(deployment)) };
  const update: ReplicaSet[] = [];
  const events: string[] = [];
  for (const [set, size] of sizes) {
    const from = sizeOf(set);
    const known = Object.entries(noted).every(([key, value]) => set.metadata.annotations?.[key] === value);
    if (from === size && known) continue;
    const copy = jsonCopy(set) as ReplicaSet;
    copy.spec.replicas = size;
    copy.metadata.annotations = { ...copy.metadata.annotations, ...noted };
    update.push(copy);
    const way = size > from ? 'up' : 'down';
    if (size !== from) events.push(`Scaled ${way} replica set ${set.metadata.name} from ${from} to ${size}`);
  }
  return { update, events };
}

function isIdle(step: Step): boolean {
  return !step.create && (step.update ?? []).length === 0;
}

function cleanUpWhenComplete(deployment: Readonly<Deployment>, sets: ReplicaSets): Step {
  return isComplete(deployment, deployment.status ?? {}) ? cleanUp(deployment, sets) : {};
}

/** Old ReplicaSets beyond the history limit go, the oldest revisions first. */
function cleanUp(deployment: Readonly<Deployment>, { old }: ReplicaSets): Step {
  const limit = deployment.spec.revisionHistoryLimit;
  if (limit === undefined) return {};
  const alive = old.filter((set) => set.metadata.deletionTimestamp === undefined);
  const byRevision = (a: Readonly<ReplicaSet>, b: Readonly<ReplicaSet>) => Number(revisionOf(a) - revisionOf(b));
  const surplus = [...alive].sort(byRevision).slice(0, Math.max(0, alive.length - limit));
  const idle = (set: Readonly<ReplicaSet>) =>
    sizeOf(set) === 0 &&
    (set.status?.replicas ?? 0) === 0 &&
    (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 0);
  return { delete: surplus.filter(idle) };
}

function revisionToShow(deployment: Readonly<Deployment>, sets: ReplicaSets, step: Step): string | undefined {
  const current =
    step.create ?? step.update?.find((s) => s.metadata.uid === sets.current?.metadata.uid) ?? sets.current;
  const revision = current?.metadata.annotations?.[revisionAnnotation];
  return revision !== undefined && revision !== deployment.metadata.annotations?.[revisionAnnotation]
    ? revision
    : undefined;
}

function foundProgress(deployment: Readonly<Deployment>, set: Readonly<ReplicaSet>): Progress {
  const known = deployment.status?.conditions?.some((c) => c.type === 'Progressing');
  if (known || !hasDeadline(deployment)) return undefined;
  return { status: 'True', reason: 'FoundNewReplicaSet', message: `Found new replica set "${set.metadata.name}"` };
}

function pauseProgress(deployment: Readonly<Deployment>): Progress {
  if (!hasDeadline(deployment)) return undefined;
  const progressing = deployment.status?.conditions?.find((c) => c.type === 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') return undefined;
  const paused = progressing?.reason === 'DeploymentPaused';
  if (deployment.spec.paused && !paused) {
    return { status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' };
  }
  if (!deployment.spec.paused && paused) {
    return { status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' };
  }
  return undefined;
}
