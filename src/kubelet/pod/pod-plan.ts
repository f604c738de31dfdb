// What to do next for a pod, as a pure function of what is wanted, what runs and the time. The rules are those of
// upstream's kuberuntime computePodActions: sandbox first, then init containers one after the other, then all others.
import { isSidecar } from '../../api/core/v1/pod/facts.ts';
import { restartsAfter } from '../../api/core/v1/pod/restart.ts';
import type { Container, Pod } from '../../api/core/v1/types.generated.ts';
import { formatGoDuration } from '../../apimachinery/duration.ts';
import type { ProbeFailure } from '../probes/prober.ts';
import { statusesOf } from './containers.ts';
import { formatPod, identityOf } from './identity.ts';
import { latest, type ObservedContainer, type ObservedPod, readySandbox } from './observed.ts';
import { type NewBeginning, newBeginning } from './restart-rules.ts';

/** When a container that ended may start again; kept per container between plans. */
export interface RestartBackoff {
  /** Milliseconds after its end. */
  readonly delay: number;
  /** By the clock that tells when it ended. */
  readonly updatedAt: number;
}

export interface ProbeVerdicts {
  /** Containers that failed their liveness or startup probe since they started, by container id. */
  readonly failed: ReadonlyMap<string, ProbeFailure>;
  /** Ids of containers that are started: their startup probe, if any, has succeeded. */
  readonly started: ReadonlySet<string>;
}

export interface PlanInput {
  readonly pod: Pod;
  readonly observed: ObservedPod;
  readonly probes: ProbeVerdicts;
  /** By backoffKey. */
  readonly backoffs: ReadonlyMap<string, RestartBackoff>;
  /** Ids of containers that were ended to be started anew, however they end. */
  readonly replaced?: ReadonlySet<string>;
  /** Ids of sandboxes that were stopped: nothing of their network is left. */
  readonly stopped?: ReadonlySet<string>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Whatever its containers do: the pod has ended, or was made to (evicted, past its deadline, refused). */
  readonly over?: boolean;
}

export type Action =
  /** All of a pod, sidecars last. */
  | {
      readonly type: 'killAll';
      readonly containers: readonly ObservedContainer[];
      /** Without hooks and time, in no order. */
      readonly atOnce?: boolean;
    }
  | { readonly type: 'createSandbox'; readonly attempt: number }
  | { readonly type: 'stopSandbox'; readonly id: string }
  | {
      readonly type: 'kill';
      readonly container: ObservedContainer;
      readonly message: string;
      /** Seconds to end in, where they are not the pod's. */
      readonly grace?: number;
    }
  | {
      readonly type: 'start';
      readonly container: Container;
      readonly attempt: number;
      readonly restartOf?: ObservedContainer;
    };

export interface PodPlan {
  /** What containers that are started are marked with (restart-rules.ts). */
  readonly podRestarts: number;
  /** In order; containers to kill may be killed at once. */
  readonly actions: readonly Action[];
  /** Why a container waits, where it is not the usual reason. */
  readonly waiting: ReadonlyMap<string, { readonly reason: string; readonly message: string }>;
  /** When to plan again although nothing happened (milliseconds since the epoch). */
  readonly wakeAt?: number;
  /** Nothing will run again: the pod is Succeeded or Failed. */
  readonly finished: boolean;
}

/** kubelet: 10 s after the second failure, doubling to 5 min; forgotten after twice that without failure. */
export const restartDelays = { initial: 10_000, max: 300_000, forget: 600_000 } as const;

/** The back-off after one more restart at `now`. */
export function nextBackoff(previous: RestartBackoff | undefined, finishedAt: number, now: number): RestartBackoff {
  const fresh = !previous || finishedAt - previous.updatedAt > restartDelays.forget;
  return { delay: fresh ? restartDelays.initial : Math.min(previous.delay * 2, restartDelays.max), updatedAt: now };
}

/** When the pod's activeDeadlineSeconds are over, in milliseconds since the epoch as `startedAt`, which is 0 before its start. */
export function deadlineOf({ spec }: Pod, startedAt: number): number | undefined {
  const seconds = spec.activeDeadlineSeconds;
  return seconds === undefined || startedAt === 0 ? undefined : startedAt + seconds * 1000;
}

/**
 * By what back-offs are kept: a container that is given another image or other resources is not held back for what it was
 * (kubelet's GetBackoffKey).
 */
export function backoffKey({ name, image, resources }: Container): string {
  return JSON.stringify([name, image, resources ?? {}]);
}

/** Why a container that runs, or may run, is ended. */
interface Replacement {
  readonly message: string;
  readonly grace?: number;
  /** Another is started in its place at once. */
  readonly restarts: boolean;
}

class Planner {
  readonly actions: Action[] = [];
  readonly waiting = new Map<string, { reason: string; message: string }>();
  wakeAt: number | undefined;
  readonly #input: PlanInput;
  readonly #sandboxId: string | undefined;
  readonly #beginning: NewBeginning | undefined;

  constructor(input: PlanInput, beginning: NewBeginning | undefined) {
    this.#input = input;
    this.#beginning = beginning;
    this.#sandboxId = readySandbox(input.observed)?.id;
  }

  /** Starts the next init container: one that already ran in another sandbox does so anew, without waiting. */
  begin(container: Container): void {
    const last = latest(this.#input.observed, container.name);
    if (last && last.sandboxId !== this.#sandboxId && !isSidecar(container))
      this.actions.push({ type: 'start', container, attempt: last.attempt + 1 });
    else this.tend(container);
  }

  /** Sees to one container: starts it, restarts it when it may, replaces it when it must not go on as it is. */
  tend(container: Container): void {
    const { pod, observed } = this.#input;
    const current = latest(observed, container.name);
    if (!current) this.actions.push({ type: 'start', container, attempt: firstAttempt(pod, container.name) });
    else if (this.#beginning?.isOld(current)) this.#restart(container, current);
    else if (current.state === 'running' || current.state === 'unknown') {
      const replacement = this.#replacement(container, current);
      if (replacement) this.#replace(container, current, replacement);
    } else {
      // Made but never started (its start failed), or left by a sandbox that is gone: it ended without a say.
      const lost = current.sandboxId !== this.#sandboxId && !isOver(current);
      const ends = current.state === 'exited' && !willRestart(this.#input, container, current);
      if (lost || !ends) this.#restart(container, current);
    }
  }

  #replacement(container: Container, current: ObservedContainer): Replacement | undefined {
    const { pod, probes } = this.#input;
    const { name } = container;
    const isInit = pod.spec.initContainers?.some((c) => c.name === name) ?? false;
    const kind = isInit ? 'Init container' : 'Container';
    // Who ends it knows better than its exit code.
    const restarts = (container.restartPolicy ?? pod.spec.restartPolicy) !== 'Never';
    const intent = restarts && !isInit ? ', will be restarted' : '';
    if (current.state === 'unknown') {
      const message = `${kind} is in "unknown" state, try killing it before restart`;
      return { message, restarts: restarts || !isInit };
    }
    if (current.wantedImage !== '' && current.wantedImage !== container.image)
      return {
        message: `${kind} ${name} definition changed${isInit ? '' : ', will be restarted'}`,
        restarts: true,
      };
    const failure = probes.failed.get(current.id);
    return failure && { ...failure, message: `${kind} ${name} ${failure.message}${intent}`, restarts };
  }

  #replace(container: Container, current: ObservedContainer, { restarts, ...why }: Replacement): void {
    this.actions.push({ type: 'kill', container: current, ...why });
    if (!restarts) return;
    // It is held back as one that ended by itself before: how long it ran this time does not count yet.
    const before = this.#input.observed.containers.find((c) => c.name === container.name && isOver(c));
    if (before) this.#restart(container, before, current.attempt + 1);
    else this.actions.push({ type: 'start', container, attempt: current.attempt + 1 });
  }

  #restart(container: Container, ended: ObservedContainer, attempt = ended.attempt + 1): void {
    const { pod, backoffs, now } = this.#input;
    const backoff = backoffs.get(backoffKey(container));
    const endedAt = ended.finishedAt || ended.createdAt;
    const expired = !backoff || endedAt - backoff.updatedAt > restartDelays.forget;
    // An end that is still to come says that the time was set back meanwhile.
    if (!expired && Math.abs(now - endedAt) < backoff.delay) {
      const message = `back-off ${formatGoDuration(backoff.delay)} restarting failed container=${container.name} pod=${formatPod(identityOf(pod))}`;
      this.waiting.set(container.name, { reason: 'CrashLoopBackOff', message });
      this.wakeAt = Math.min(this.wakeAt ?? Number.POSITIVE_INFINITY, endedAt + backoff.delay);
      return;
    }
    this.actions.push({ type: 'start', container, attempt, restartOf: ended });
  }
}

/** Of a container that the runtime has nothing of: where the API was told of one, they are counted on. */
function firstAttempt(pod: Pod, name: string): number {
  const told = statusesOf(pod).find((one) => one.name === name);
  return told ? told.restartCount + (told.containerID ? 1 : 0) : 0;
}

/** Of a container that ended. */
const willRestart = (
  { pod, replaced }: PlanInput,
  container: Container,
  { id, exitCode }: ObservedContainer,
): boolean => replaced?.has(id) || restartsAfter(pod.spec, container, exitCode);

const isOver = (container: ObservedContainer): boolean => container.state === 'exited';

/** Whether all that the pod was to do is done, going by the containers that ran. */
function isFinished(input: PlanInput, beginning: NewBeginning | undefined): boolean {
  const { pod, observed } = input;
  if (input.over) return true;
  const { containers, initContainers = [] } = pod.spec;
  const over = (container: Container): boolean => {
    const last = latest(observed, container.name);
    return last?.state === 'exited' && !beginning?.isOld(last) && !willRestart(input, container, last);
  };
  const initFailed = initContainers.some((c) => !isSidecar(c) && over(c) && latest(observed, c.name)?.exitCode !== 0);
  return initFailed || (containers.length > 0 && containers.every(over));
}

/** Plans for a pod that is to run. A pod that is being deleted is killed as a whole (pod-worker.ts). */
export function planPod(input: PlanInput): PodPlan {
  const { pod, observed } = input;
  const beginning = newBeginning(pod, observed);
  const planner = new Planner(input, beginning);
  const plan = (finished: boolean): PodPlan => ({
    actions: planner.actions,
    waiting: planner.waiting,
    finished,
    podRestarts: beginning?.podRestarts ?? 0,
    ...(planner.wakeAt !== undefined && { wakeAt: planner.wakeAt }),
  });
  if (isFinished(input, beginning)) {
    const running = observed.containers.filter(({ state }) => state === 'running');
    if (running.length > 0) planner.actions.push({ type: 'killAll', containers: running });
    // One that died with its pod, as all do when the machine goes down, still has its addresses.
    const [newest] = observed.sandboxes;
    if (newest && !input.stopped?.has(newest.id)) planner.actions.push({ type: 'stopSandbox', id: newest.id });
    return plan(true);
  }
  const sandbox = readySandbox(observed);
  if (!sandbox || (sandbox.ips.length === 0 && !pod.spec.hostNetwork)) {
    for (const old of observed.sandboxes) planner.actions.push({ type: 'stopSandbox', id: old.id });
    planner.actions.push({ type: 'createSandbox', attempt: (observed.sandboxes[0]?.attempt ?? -1) + 1 });
    return plan(false);
  }
  const isOfNow = (one: ObservedContainer) => one.sandboxId === sandbox.id && !beginning?.isOld(one);
  const old = observed.containers.filter((one) => one.state === 'running' && beginning?.isOld(one));
  if (old.length > 0) planner.actions.push({ type: 'killAll', containers: old, atOnce: true });
  else planContainers(input, planner, isOfNow);
  return plan(false);
}

/** `isOfNow`: the container was made in the present sandbox, and since the pod last began anew. */
function planContainers(
  { pod, observed, probes }: PlanInput,
  planner: Planner,
  isOfNow: (container: ObservedContainer) => boolean,
): void {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  // Ephemeral containers start at any time, once.
  for (const container of ephemeralContainers) {
    if (!latest(observed, container.name)) planner.actions.push({ type: 'start', container, attempt: 0 });
  }
  const isMade = ({ name }: Container) => {
    const last = latest(observed, name);
    return last !== undefined && isOfNow(last);
  };
  const isDone = (container: Container) => {
    const last = latest(observed, container.name);
    if (isSidecar(container)) return last?.state === 'running' && probes.started.has(last.id);
    return last?.state === 'exited' && last.exitCode === 0;
  };
  // Those before the last that was made in this sandbox are done, whether the runtime still knows of them or not, and only
  // sidecars among them are kept running. Once a container of the pod was made in it, so are all.
  const isInitialized = containers.some(isMade);
  const reached = isInitialized ? initContainers.length : initContainers.findLastIndex(isMade);
  for (const container of initContainers.slice(0, Math.max(reached, 0)))
    if (isSidecar(container)) planner.tend(container);
  const present = initContainers[reached];
  if (present && (isSidecar(present) || !isDone(present))) planner.tend(present);
  if (present && !isDone(present)) return;
  const next = initContainers[reached + 1];
  if (next) planner.begin(next);
  else for (const container of containers) planner.tend(container);
}
