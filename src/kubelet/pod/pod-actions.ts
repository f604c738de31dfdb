// Does what a plan (pod-plan.ts) says, through CRI. What it made is looked at as soon as it is made, so that the next plan
// needs no look at the whole pod.
import type { Container, LifecycleHandler } from '../../api/core/v1/types.generated.ts';
import type { EventText } from '../../client/events.ts';
import { rpcText } from '../../grpc/client.ts';
import { VolumeError } from '../volumes/payload.ts';
import type { ContainerKiller } from './container-killer.ts';
import type { ContainerStarter } from './container-starter.ts';
import { formatPod, identityOf } from './identity.ts';
import type { MountedVolumes } from './mounted-volumes.ts';
import { type ObservedContainer, readySandbox } from './observed.ts';
import type { PodContext } from './pod-context.ts';
import { type Action, backoffKey, nextBackoff, type PodPlan, type RestartBackoff } from './pod-plan.ts';
import type { PodView } from './pod-view.ts';

export type Waiting = Map<string, { readonly reason: string; readonly message: string }>;

export interface PodActionsOptions {
  readonly context: PodContext;
  readonly view: PodView;
  readonly starter: ContainerStarter;
  readonly killer: ContainerKiller;
  readonly volumes: MountedVolumes;
  readonly event: (event: EventText, container?: Container) => void;
  /** Seconds that a container has to end. */
  readonly gracePeriod: () => number;
  /** Tells the API what became of a container that could not be started. */
  readonly publish: () => Promise<void>;
  /** Aborts when the pod is to end: nothing is waited for any more that takes longer than a call. */
  readonly signal: AbortSignal;
  /** Aborts when the pod is deleted: from then on others say how long its containers have to end, and end them. */
  readonly deleted: AbortSignal;
}

export class PodActions {
  readonly #options: PodActionsOptions;
  readonly #backoffs = new Map<string, RestartBackoff>();
  readonly #waiting: Waiting = new Map();
  readonly #stopped = new Set<string>();
  /** By container name, when one that could not be started is tried again (milliseconds, as the clock's `monotonic`). */
  readonly #retries = new Map<string, number>();

  constructor(options: PodActionsOptions) {
    this.#options = options;
  }

  /** Ids of the sandboxes that were stopped. */
  get stopped(): ReadonlySet<string> {
    return this.#stopped;
  }

  /** By backoffKey, when it may start again. */
  get backoffs(): ReadonlyMap<string, RestartBackoff> {
    return this.#backoffs;
  }

  /** By container name, why it does not run. */
  waiting(): Waiting {
    for (const { name } of this.#options.view.running) this.#waiting.delete(name);
    return this.#waiting;
  }

  /** The pod is another: what could not be started may be now. */
  retryNow(): void {
    this.#retries.clear();
  }

  /** What fails makes its container wait and sets the time of the next try, which is returned (milliseconds, as the clock's `monotonic`). */
  async act(plan: PodPlan): Promise<number | undefined> {
    const { view } = this.#options;
    this.tellBackoffs(plan);
    let retryAt: number | undefined;
    const kills = plan.actions.filter((a) => a.type === 'kill');
    await Promise.all(kills.map((a) => this.kill(a.container, a.message, a.grace)));
    for (const action of plan.actions) {
      if (action.type === 'killAll') await this.#killAll(action);
      else if (action.type === 'stopSandbox') await this.#stopSandbox(action.id);
      else if (action.type === 'createSandbox') await this.#createSandbox(action.attempt);
      else if (action.type === 'start') retryAt = earliest(retryAt, await this.#start(action, plan));
    }
    if (plan.actions.some(({ type }) => type === 'kill' || type === 'killAll' || type === 'stopSandbox'))
      await view.look();
    return retryAt;
  }

  /** `grace` in seconds, where it is not the pod's; what a deletion leaves counts more. */
  kill(observed: ObservedContainer, message: string, grace?: number): Promise<void> {
    const { killer, view, gracePeriod, deleted } = this.#options;
    const { pod } = view;
    const isDeleted = pod.metadata.deletionGracePeriodSeconds !== undefined;
    const how = { message, grace: isDeleted ? gracePeriod() : (grace ?? gracePeriod()) };
    return unlessAborted(killer.kill(view.victim(observed), how), deleted);
  }

  #killAll({ containers, atOnce }: Extract<Action, { type: 'killAll' }>): Promise<void> {
    const { killer, view, gracePeriod, deleted } = this.#options;
    const victims = containers.map((one) => view.victim(one));
    const how = atOnce ? { grace: 0, sidecars: [] } : { grace: gracePeriod(), sidecars: view.sidecars };
    return unlessAborted(killer.killAll(victims, how), deleted);
  }

  /** Says which containers wait for their next start, once for each wait. */
  tellBackoffs(plan: PodPlan): void {
    const { view, event } = this.#options;
    for (const [name, why] of plan.waiting) {
      if (this.#waiting.get(name)?.message === why.message) continue;
      this.#waiting.set(name, why);
      const container = view.container(name);
      const message = `Back-off restarting failed container ${name} in pod ${formatPod(identityOf(view.pod))}`;
      if (container) event({ type: 'Warning', reason: 'BackOff', message }, container);
    }
  }

  async #stopSandbox(id: string): Promise<void> {
    await this.#options.context.options.cri.stopPodSandbox(id);
    this.#stopped.add(id);
  }

  async #createSandbox(attempt: number): Promise<void> {
    const { context, view, starter, volumes, event, signal } = this.#options;
    const { cri, networkReady } = context.options;
    if (!view.pod.spec.hostNetwork) await unlessAborted(networkReady, signal);
    if (signal.aborted) return;
    if (attempt > 0) {
      const message = 'Pod sandbox changed, it will be killed and re-created.';
      event({ type: 'Normal', reason: 'SandboxChanged', message });
    }
    for (const warning of await starter.dnsWarnings(view.pod)) event(warning);
    try {
      // Volumes need no sandbox; what they wait for is got meanwhile.
      const [config, handler] = await Promise.all([
        starter.sandboxConfig(view.pod, attempt),
        context.sources.of(view.pod).runtimeHandler(),
        volumes.setUp(view.pod, view.addresses),
      ]);
      const id = await cri.runPodSandbox(config, handler);
      await starter.limitPod(view.pod, { isGrowth: false });
      await view.lookAtSandbox(id);
    } catch (error) {
      if (error instanceof VolumeError) {
        event({ type: 'Warning', reason: 'FailedMount', message: error.message });
        throw error;
      }
      const message = `Failed to create pod sandbox: ${rpcText(error)}`;
      event({ type: 'Warning', reason: 'FailedCreatePodSandBox', message });
      throw new Error(message, { cause: error });
    }
  }

  /** Returns when to try again if the container could not be started. */
  async #start(action: Extract<Action, { type: 'start' }>, { podRestarts }: PodPlan): Promise<number | undefined> {
    const { context, view, starter, volumes, event, publish, signal } = this.#options;
    const { container, attempt, restartOf } = action;
    const { pod, addresses } = view;
    const sandbox = readySandbox(view.observed);
    if (!sandbox) return undefined;
    const retryAt = this.#retries.get(container.name) ?? 0;
    if (context.options.clock.monotonic() < retryAt) return retryAt;
    if (restartOf) {
      const now = context.options.clock.now();
      const key = backoffKey(container);
      this.#backoffs.set(key, nextBackoff(this.#backoffs.get(key), restartOf.finishedAt, now));
    }
    const mounted = volumes.current ?? (await volumes.setUp(pod, addresses));
    const result = await starter.start({
      pod,
      container,
      attempt,
      podRestarts,
      sandbox,
      mounted,
      addresses,
      targetId: view.targetOf(container),
      event: (text) => event(text, container),
      podEvent: (text) => event(text),
      signal,
    });
    if (result.id !== undefined) await view.lookAtContainer(result.id);
    if (result.kind === 'waiting') {
      this.#waiting.set(container.name, { reason: result.reason, message: result.message });
      this.#retries.set(container.name, result.retryAt);
      await publish();
      return result.retryAt;
    }
    this.#waiting.delete(container.name);
    this.#retries.delete(container.name);
    const hook = container.lifecycle?.postStart;
    if (hook) await this.#postStart(container, hook, result.id);
    return undefined;
  }

  async #postStart(container: Container, hook: LifecycleHandler, id: string): Promise<void> {
    const { view, killer, event, signal } = this.#options;
    const outcome = await killer.runHook({ pod: identityOf(view.pod), container, id, podIP: view.podIP, signal }, hook);
    if (outcome.success || signal.aborted) return;
    // What the hook said may be secret: it is no part of the event.
    event({ type: 'Warning', reason: 'FailedPostStartHook', message: 'PostStartHook failed' }, container);
    this.#waiting.set(container.name, { reason: 'PostStartHookError', message: outcome.message });
    await view.look();
    const started = view.observed.containers.find((c) => c.id === id);
    if (started) await this.kill(started, 'FailedPostStartHook');
    await view.look();
  }
}

/** Resolves and rejects as the work does; at the latest when the signal aborts: nobody hears of the work's end then. */
async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<unknown>();
  if (signal.aborted) aborted.resolve(undefined);
  signal.addEventListener('abort', aborted.resolve);
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', aborted.resolve);
  }
}

/** The first of the times that there are. */
export function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const set = times.filter((t) => t !== undefined);
  return set.length > 0 ? Math.min(...set) : undefined;
}
