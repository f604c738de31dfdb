// One pod's life on the node: looks at what runs, plans (pod-plan.ts), acts through CRI, tells the API. One pass at a
// time; whatever happens meanwhile causes another.
import type { Container, LifecycleHandler, Pod, PodStatus } from '../../api/core/v1/types.generated.ts';
import type { EventText } from '../../client/events.ts';
import { rpcText } from '../cri/client.ts';
import { runProbe } from '../probes/probe.ts';
import { Prober } from '../probes/prober.ts';
import { VolumeError } from '../volumes/payload.ts';
import { ContainerKiller, type Target, type Victim } from './container-killer.ts';
import { ContainerStarter } from './container-starter.ts';
import { timeOf } from './env.ts';
import { containersOf, formatPod, hasEnded, identityOf } from './identity.ts';
import { type Addresses, MountedVolumes } from './mounted-volumes.ts';
import { latest, nothing, type ObservedContainer, type ObservedPod, readySandbox } from './observed.ts';
import type { PodContext } from './pod-context.ts';
import { PodEnding } from './pod-ending.ts';
import { recordPodEvent } from './pod-events.ts';
import { collectGarbage } from './pod-garbage.ts';
import { type Action, deadlineOf, nextBackoff, type PodPlan, planPod, type RestartBackoff } from './pod-plan.ts';
import type { Verdict } from './pod-status.ts';
import { Resizes } from './resizes.ts';
import { StatusTeller } from './status-teller.ts';

export type Waiting = Map<string, { readonly reason: string; readonly message: string }>;

/** How long CRI's view may take to follow an event, in milliseconds, before it is asked again. */
const lag = 20;
const retryDelays = { first: 500, longest: 60_000 } as const;

export class PodWorker {
  readonly #context: PodContext;
  readonly #prober: Prober;
  readonly #starter: ContainerStarter;
  readonly #killer: ContainerKiller;
  readonly #ending: PodEnding;
  readonly #teller: StatusTeller;
  readonly #volumes: MountedVolumes;
  readonly #resizes: Resizes;
  #pod: Pod;
  readonly #isStatic: boolean;
  #mirror: Pod | undefined;
  #removed = false;
  #released = false;
  #verdict: Verdict | undefined;
  #mostGrace = Number.POSITIVE_INFINITY;
  #observed: ObservedPod = nothing;
  #plan: PodPlan | undefined;
  #waiting: Waiting = new Map();
  #backoffs = new Map<string, RestartBackoff>();
  /** Ended, but CRI may still say that they run: its own view lags behind the event by some milliseconds. */
  readonly #exited = new Set<string>();
  #failures = 0;
  #dirty = false;
  #active = false;
  #stopped = false;
  #wake: { cancel(): void } | undefined;

  /** `isStatic`: the pod is a file's; the API shows it by another, which `mirrored` tells. */
  constructor(pod: Pod, context: PodContext, { isStatic = false }: { readonly isStatic?: boolean } = {}) {
    this.#pod = pod;
    this.#isStatic = isStatic;
    this.#context = context;
    this.#starter = new ContainerStarter(context);
    const { clock, cri } = context.options;
    this.#killer = new ContainerKiller({ cri, clock, event: (event, container) => this.#event(event, container) });
    this.#volumes = new MountedVolumes(context);
    this.#resizes = new Resizes(context);
    this.#ending = new PodEnding({
      context,
      killer: this.#killer,
      starter: this.#starter,
      container: (name) => this.#container(name),
      podIP: () => this.#podIP(),
      wake: () => this.wake(),
    });
    this.#teller = new StatusTeller({
      options: context.options,
      target: () => (this.#isStatic ? this.#mirror : this.#pod),
      look: () => this.#look(),
    });
    this.#prober = new Prober({
      clock,
      changed: () => this.wake(),
      unhealthy: (container, message) => this.#event({ type: 'Warning', reason: 'Unhealthy', message }, container),
      probe: (container, containerId, probe) =>
        runProbe(probe, { cri, clock, containerId, container, podIP: this.#podIP() }, probe.timeoutSeconds ?? 1),
    });
  }

  /** Ends the pod as Failed, whatever its containers do; `grace` in seconds at the most. The first verdict counts. */
  end(verdict: Verdict, grace = Number.POSITIVE_INFINITY): void {
    if (this.#verdict) return;
    this.#verdict = verdict;
    this.#mostGrace = grace;
    this.#event({
      type: 'Warning',
      reason: verdict.reason,
      message: verdict.message.replace(/^Pod was rejected: /, ''),
    });
    this.wake();
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** The status as it was last told, or is about to be. */
  get status(): PodStatus | undefined {
    return this.#teller.status;
  }

  /** Whether the pod holds ports and resources of the node: not one that has ended, was refused or is gone. */
  get holdsResources(): boolean {
    return !this.#removed && !this.#released && !this.#isOver();
  }

  /** Containers that run, as they were last seen. */
  get running(): readonly ObservedContainer[] {
    return this.#observed.containers.filter((c) => c.state === 'running');
  }

  /** The pod that shows a static pod in the API. */
  mirrored(mirror: Pod | undefined): void {
    this.#mirror = mirror;
    this.wake();
  }

  update(pod: Pod): void {
    this.#pod = pod;
    this.wake();
  }

  /** The pod is gone from the API: what runs of it is ended. */
  remove(): void {
    this.#removed = true;
    this.wake();
  }

  /** Leaves everything running; for the end of the process. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.cancel();
    this.#prober.stop();
  }

  owns(containerId: string): boolean {
    const { containers, sandboxes } = this.#observed;
    return containers.some((c) => c.id === containerId) || sandboxes.some((s) => s.id === containerId);
  }

  /** The runtime says that a container or sandbox ended. */
  exited(id: string): void {
    this.#exited.add(id);
    this.wake();
  }

  wake(): void {
    this.#dirty = true;
    if (!this.#active && !this.#stopped) void this.#loop();
  }

  async #loop(): Promise<void> {
    this.#active = true;
    const { clock, log } = this.#context.options;
    while (this.#dirty && !this.#stopped) {
      this.#dirty = false;
      this.#wake?.cancel();
      let wakeAt: number | undefined;
      try {
        wakeAt = await this.#pass();
        this.#failures = 0;
      } catch (error) {
        this.#failures += 1;
        log(`pod ${formatPod(identityOf(this.#pod))}: ${error instanceof Error ? error.message : error}`);
        wakeAt = clock.now() + Math.min(retryDelays.first * 2 ** (this.#failures - 1), retryDelays.longest);
      }
      if (this.#exited.size > 0) wakeAt = earliest(wakeAt, clock.now() + lag);
      if (!this.#dirty && wakeAt !== undefined && !this.#stopped) {
        this.#wake = clock.after(Math.max(0, wakeAt - clock.now()), () => this.wake());
      }
    }
    this.#active = false;
  }

  /** Returns when to look again although nothing happened. */
  async #pass(): Promise<number | undefined> {
    await this.#observe();
    if (this.#removed || this.#pod.metadata.deletionTimestamp) return this.#terminate();
    // What the API was told of a pod that has ended stays, though its containers may be gone by now.
    if (hasEnded(this.#pod) && this.#observed.containers.every((c) => c.state !== 'running')) {
      const sandbox = readySandbox(this.#observed);
      if (sandbox) await this.#context.options.cri.stopPodSandbox(sandbox.id);
      return undefined;
    }
    await this.#resizes.apply(this.#pod, this.running, (container, observed) =>
      this.#killer.kill(
        { container, observed, podIP: this.#podIP() },
        { message: `Container ${container.name} resize requires restart`, grace: this.#gracePeriod() },
      ),
    );
    this.#replan();
    const plan = this.#plan;
    if (!plan) return undefined;
    // The API is told while the runtime works.
    const [retryAt] = await Promise.all([this.#act(plan), this.#publish()]);
    await this.#observe();
    this.#replan();
    await this.#publish();
    if (plan.actions.length > 0 && retryAt === undefined) this.#dirty = true;
    if (plan.actions.length > 0)
      await collectGarbage(this.#pod, this.#observed, { context: this.#context, starter: this.#starter });
    const deadline = plan.finished ? undefined : this.#deadline();
    const refresh = plan.finished ? undefined : await this.#volumes.refresh(this.#pod, this.#addresses());
    return earliest(retryAt, this.#plan?.wakeAt, refresh, deadline);
  }

  /** Whether the pod has ended, or is to end, whatever its containers do. */
  #isOver(): boolean {
    return this.#verdict !== undefined || hasEnded(this.#pod);
  }

  /** When activeDeadlineSeconds are over (milliseconds since the epoch); a pod past it is ended. */
  #deadline(): number | undefined {
    const end = this.#verdict ? undefined : deadlineOf(this.#pod, timeOf(this.status?.startTime));
    if (end === undefined || this.#context.options.clock.now() < end) return end;
    const message = 'Pod was active on the node longer than the specified deadline';
    this.end({ reason: 'DeadlineExceeded', message });
    return undefined;
  }

  async #observe(): Promise<void> {
    this.#observed = await this.#context.reader.observe(this.#pod.metadata.uid ?? '');
    this.#prober.sync(this.#pod, this.#observed.containers);
    const alive = new Set([
      ...this.#observed.containers.filter((c) => c.state === 'running').map((c) => c.id),
      ...this.#observed.sandboxes.filter((s) => s.ready).map((s) => s.id),
    ]);
    for (const id of this.#exited) if (!alive.has(id)) this.#exited.delete(id);
  }

  #replan(): void {
    this.#plan = planPod({
      pod: this.#pod,
      observed: this.#observed,
      probes: this.#prober,
      backoffs: this.#backoffs,
      now: this.#context.options.clock.now(),
      over: this.#isOver(),
    });
  }

  /** Does what the plan says; what fails makes its container wait and sets the time of the next try. */
  async #act(plan: PodPlan): Promise<number | undefined> {
    const { cri } = this.#context.options;
    for (const [name, why] of plan.waiting) {
      const previous = this.#waiting.get(name);
      if (previous?.message === why.message) continue;
      this.#waiting.set(name, why);
      const container = this.#container(name);
      const message = `Back-off restarting failed container ${name} in pod ${formatPod(identityOf(this.#pod))}`;
      if (container) this.#event({ type: 'Warning', reason: 'BackOff', message }, container);
    }
    let retryAt: number | undefined;
    const kills = plan.actions.filter((a) => a.type === 'kill');
    await Promise.all(
      kills.map((a) =>
        this.#killer.kill(this.#victim(a.container), { message: a.message, grace: this.#gracePeriod() }),
      ),
    );
    for (const action of plan.actions) {
      if (action.type === 'stopSandbox') await cri.stopPodSandbox(action.id);
      else if (action.type === 'createSandbox') await this.#createSandbox(action.attempt);
      else if (action.type === 'start') retryAt = earliest(retryAt, await this.#start(action));
    }
    return retryAt;
  }

  async #createSandbox(attempt: number): Promise<void> {
    const { cri, networkReady } = this.#context.options;
    if (!this.#pod.spec?.hostNetwork) await networkReady;
    if (attempt > 0)
      this.#event({
        type: 'Normal',
        reason: 'SandboxChanged',
        message: 'Pod sandbox changed, it will be killed and re-created.',
      });
    try {
      // Volumes need no sandbox; what they wait for is got meanwhile.
      const [config] = await Promise.all([
        this.#starter.sandboxConfig(this.#pod, attempt),
        this.#volumes.setUp(this.#pod, this.#addresses()),
      ]);
      await cri.runPodSandbox(config);
    } catch (error) {
      if (error instanceof VolumeError) {
        this.#event({ type: 'Warning', reason: 'FailedMount', message: error.message });
        throw error;
      }
      const message = `Failed to create pod sandbox: ${rpcText(error)}`;
      this.#event({ type: 'Warning', reason: 'FailedCreatePodSandBox', message });
      throw new Error(message, { cause: error });
    }
  }

  /** Returns when to try again if the container could not be started. */
  async #start(action: Extract<Action, { type: 'start' }>): Promise<number | undefined> {
    const { container, attempt, restartOf } = action;
    const { clock } = this.#context.options;
    const sandbox = readySandbox(this.#observed);
    if (!sandbox) return undefined;
    if (restartOf) {
      const backoff = nextBackoff(this.#backoffs.get(container.name), restartOf.finishedAt, clock.now());
      this.#backoffs.set(container.name, backoff);
    }
    const mounted = this.#volumes.current ?? (await this.#volumes.setUp(this.#pod, this.#addresses()));
    const result = await this.#starter.start({
      pod: this.#pod,
      container,
      attempt,
      sandbox,
      mounted,
      podIPs: this.#podIPs(),
      targetId: this.#targetOf(container),
      event: (event) => this.#event(event, container),
    });
    if (result.kind === 'waiting') {
      this.#waiting.set(container.name, { reason: result.reason, message: result.message });
      await this.#publish();
      return result.retryAt;
    }
    this.#waiting.delete(container.name);
    const hook = container.lifecycle?.postStart;
    if (hook) await this.#postStart(container, hook, result.id);
    return undefined;
  }

  /** The container that an ephemeral one was made to look into, if it runs. */
  #targetOf({ name }: Container): string | undefined {
    const { targetContainerName } = this.#pod.spec.ephemeralContainers?.find((c) => c.name === name) ?? {};
    const target = targetContainerName ? latest(this.#observed, targetContainerName) : undefined;
    return target?.state === 'running' ? target.id : undefined;
  }

  async #postStart(container: Container, hook: LifecycleHandler, id: string): Promise<void> {
    const outcome = await this.#killer.runHook(this.#target(container, id), hook, this.#gracePeriod() || 30);
    if (outcome.success) return;
    // What the hook said may be secret: it is no part of the event.
    this.#event({ type: 'Warning', reason: 'FailedPostStartHook', message: 'PostStartHook failed' }, container);
    await this.#observe();
    const started = this.#observed.containers.find((c) => c.id === id);
    if (started)
      await this.#killer.kill(this.#victim(started), { message: 'FailedPostStartHook', grace: this.#gracePeriod() });
  }

  #gracePeriod(): number {
    const { metadata, spec } = this.#pod;
    const wanted = metadata.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 30;
    return Math.min(wanted, this.#mostGrace);
  }

  /** For a pod that is deleted: ends the containers while the status follows, then takes everything away. */
  async #terminate(): Promise<number | undefined> {
    const grace = Math.max(this.#gracePeriod(), 1);
    this.#prober.stopLiveness();
    const running = this.#observed.containers.filter((c) => c.state === 'running');
    if (running.length > 0) {
      this.#ending.killAll(this.#pod, running, grace);
      await this.#publish();
      return undefined;
    }
    await this.#ending.stopSandboxes(this.#observed);
    this.#observed = {
      ...this.#observed,
      sandboxes: this.#observed.sandboxes.map((s) => ({ ...s, ready: false, ips: [] })),
    };
    await this.#publish();
    this.#released = true;
    await this.#ending.remove(this.#pod, this.#observed, this.#removed ? undefined : this.#pod);
    this.stop();
    this.#context.finished(this.#pod.metadata.uid ?? '');
    return undefined;
  }

  #target(container: Container, id: string): Target {
    return { container, id, podIP: this.#podIP() };
  }

  #victim(observed: ObservedContainer): Victim {
    return { observed, container: this.#container(observed.name), podIP: this.#podIP() };
  }

  async #publish(): Promise<void> {
    if (!this.#removed) await this.#teller.tell();
  }

  #look() {
    for (const name of this.#waiting.keys()) {
      if (this.#observed.containers.find((c) => c.name === name)?.state === 'running') this.#waiting.delete(name);
    }
    return {
      pod: this.#pod,
      observed: this.#observed,
      started: this.#prober.started,
      ready: this.#prober.ready,
      waiting: new Map([...this.#waiting, ...(this.#plan?.waiting ?? [])]),
      finished: this.#plan?.finished ?? false,
      verdict: this.#verdict,
    };
  }

  #container(name: string): Container | undefined {
    return containersOf(this.#pod).find(({ container }) => container.name === name)?.container;
  }

  #addresses(): Addresses {
    return { podIPs: this.#podIPs(), allocatable: this.#starter.allocatable() };
  }

  #podIPs(): readonly string[] {
    if (this.#pod.spec?.hostNetwork) return this.#context.options.nodeIPs;
    return readySandbox(this.#observed)?.ips ?? [];
  }

  #podIP(): string {
    return this.#podIPs()[0] ?? '127.0.0.1';
  }

  #event(event: EventText, container?: Container): void {
    recordPodEvent(this.#context.recorder, this.#mirror ?? this.#pod, event, container);
  }
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const set = times.filter((t) => t !== undefined);
  return set.length > 0 ? Math.min(...set) : undefined;
}
