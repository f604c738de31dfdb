// One pod's life on the node: looks at what runs, plans (pod-plan.ts), acts through CRI, tells the API. One pass at a
// time; whatever happens meanwhile causes another.
import { isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import type { Container, Pod, PodStatus } from '../../api/core/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import { parseTime } from '../../apimachinery/time.ts';
import type { EventText } from '../../client/events.ts';
import type { Timer } from '../../system/clock.ts';
import { runProbe } from '../probes/probe.ts';
import { Prober } from '../probes/prober.ts';
import { Allocation } from './allocation.ts';
import { ContainerKiller } from './container-killer.ts';
import { ContainerStarter } from './container-starter.ts';
import { formatPod, identityOf } from './identity.ts';
import { MountedVolumes } from './mounted-volumes.ts';
import { type ObservedContainer, readySandbox } from './observed.ts';
import { earliest, PodActions } from './pod-actions.ts';
import type { PodContext } from './pod-context.ts';
import { PodEnding } from './pod-ending.ts';
import { recordPodEvent } from './pod-events.ts';
import { collectGarbage } from './pod-garbage.ts';
import { deadlineOf, type PodPlan, planPod } from './pod-plan.ts';
import type { Verdict } from './pod-status.ts';
import { PodView } from './pod-view.ts';
import { Resizes } from './resizes.ts';
import { StatusTeller } from './status-teller.ts';

/** How long CRI's view may take to follow an event, in milliseconds, before it is asked again. */
const lag = 20;
/** Milliseconds after which a resize that the runtime refused is tried again. */
const resizeRetry = 5000;
const retryDelays = { first: 500, longest: 60_000 } as const;

export interface PodWorkerOptions {
  /** The pod is a file's; the API shows it by another, which `mirrored` tells. */
  readonly isStatic?: boolean;
  /** The runtime cannot have anything of it yet. */
  readonly isNew?: boolean;
}

export class PodWorker {
  readonly #context: PodContext;
  readonly #view: PodView;
  readonly #prober: Prober;
  readonly #starter: ContainerStarter;
  readonly #actions: PodActions;
  readonly #ending: PodEnding;
  readonly #teller: StatusTeller;
  readonly #volumes: MountedVolumes;
  readonly #resizes: Resizes;
  readonly #allocation: Allocation;
  /** As the API last told it; what the worker goes by has the resources that are allocated. */
  #wanted: Pod;
  readonly #isStatic: boolean;
  #isNew: boolean;
  #mirror: Pod | undefined;
  #removed = false;
  /** Aborts when the pod is to end, whoever wants that. */
  readonly #leaving = new AbortController();
  readonly #deleted = new AbortController();
  #released = false;
  readonly #cleared = Promise.withResolvers<void>();
  /** That leave the node so that there is room for this one. */
  #others: readonly PodWorker[] = [];
  #startBy = 0;
  #isTerminated = false;
  #verdict: Verdict | undefined;
  #mostGrace = Number.POSITIVE_INFINITY;
  #plan: PodPlan | undefined;
  /** Ended, but CRI may still say that they run: its own view lags behind the event by some milliseconds. */
  readonly #exited = new Set<string>();
  /** Ids of containers that were ended for resources that only a new start can give. */
  readonly #replaced = new Set<string>();
  #failures = 0;
  #dirty = false;
  #active = false;
  #stopped = false;
  #wake: Timer | undefined;

  constructor(pod: Pod, context: PodContext, { isStatic = false, isNew = false }: PodWorkerOptions = {}) {
    this.#isStatic = isStatic;
    this.#wanted = pod;
    this.#isNew = isNew;
    this.#context = context;
    this.#view = new PodView(pod, context);
    this.#starter = new ContainerStarter(context);
    this.#volumes = new MountedVolumes(context);
    this.#resizes = new Resizes(context, (pod, how) => this.#starter.limitPod(pod, how));
    const { clock, cri } = context.options;
    const event = (text: EventText, container?: Container) => this.#event(text, container);
    this.#allocation = new Allocation(pod, { refusal: context.resizeRefusal, event });
    const killer = new ContainerKiller({ cri, clock, event });
    const parts = { context, view: this.#view, starter: this.#starter, killer };
    this.#actions = new PodActions({
      ...parts,
      volumes: this.#volumes,
      event,
      gracePeriod: () => this.#gracePeriod(),
      publish: () => this.#publish(),
      signal: this.#leaving.signal,
      deleted: this.#deleted.signal,
    });
    this.#ending = new PodEnding({ ...parts, wake: () => this.wake() });
    this.#teller = new StatusTeller({
      options: context.options,
      target: () => (this.#isStatic ? this.#mirror : this.#view.pod),
      look: () => this.#look(),
    });
    this.#prober = new Prober({
      clock,
      changed: () => this.wake(),
      probed: (container, probed) =>
        this.#context.probeMetrics.add({ pod: this.pod, container: container.name, ...probed }),
      unhealthy: (container, message) => event({ type: 'Warning', reason: 'Unhealthy', message }, container),
      warning: (container, message) => event({ type: 'Warning', reason: 'ProbeWarning', message }, container),
      probe: (container, containerId, probe) =>
        runProbe(probe, { cri, clock, containerId, container, podIP: this.#view.podIP }, probe.timeoutSeconds ?? 1),
    });
  }

  /** Ends the pod as Failed, whatever its containers do; `grace` in seconds at the most. The first verdict counts. */
  end(verdict: Verdict, grace = Number.POSITIVE_INFINITY): void {
    if (this.#verdict) return;
    this.#verdict = verdict;
    this.#mostGrace = grace;
    this.#leaving.abort();
    this.#event({
      // That a deadline is over is nobody's fault.
      type: verdict.reason === 'DeadlineExceeded' ? 'Normal' : 'Warning',
      reason: verdict.reason,
      message: verdict.message.replace(/^Pod was rejected: /, ''),
      annotations: verdict.annotations,
    });
    this.wake();
  }

  /** Starts nothing before the others have left the node, or had more than enough time to. */
  startAfter(others: readonly PodWorker[]): void {
    if (others.length === 0) return;
    this.#others = others;
    this.#startBy = this.#context.options.clock.monotonic() + Math.max(...others.map(({ pod }) => mostToEnd(pod)));
    for (const other of others) void other.cleared.then(() => this.wake());
  }

  get pod(): Pod {
    return this.#view.pod;
  }

  /** The status as it was last told, or is about to be. */
  get status(): PodStatus | undefined {
    return this.#teller.status;
  }

  /** Whether the pod holds ports and resources of the node: not one that has ended, was refused or is gone. */
  get holdsResources(): boolean {
    return !this.#removed && !this.#released && !this.#isOver();
  }

  /** Whether it has ended and left its volumes. */
  get isCleared(): boolean {
    return this.#released || this.#volumes.isReleased;
  }

  /** Resolves when it {@link isCleared}. */
  get cleared(): Promise<void> {
    return this.#cleared.promise;
  }

  /** Where its volumes are on the node, by name. */
  get volumePaths(): ReadonlyMap<string, string> {
    return this.#volumes.current?.paths ?? new Map();
  }

  /** Containers that run, as they were last seen. */
  get running(): readonly ObservedContainer[] {
    return this.#view.running;
  }

  /** The pod that shows a static pod in the API. */
  mirrored(mirror: Pod | undefined): void {
    this.#mirror = mirror;
    this.wake();
  }

  update(pod: Pod): void {
    const old = this.#wanted;
    const isOver = isPodTerminal(pod) && !isPodTerminal(old);
    const isOther = asksForMore(pod, old);
    if (pod.metadata.deletionTimestamp) this.#isDeleted();
    const isNews = isOver || isOther || !this.#teller.isOwnWord(pod.status);
    if (isOther) this.#actions.retryNow();
    this.#wanted = pod;
    this.#view.pod = this.#allocation.of(pod);
    if (isNews) this.wake();
  }

  /** The pod is gone from the API: what runs of it is ended. */
  remove(): void {
    this.#removed = true;
    this.#isDeleted();
    this.wake();
  }

  #isDeleted(): void {
    this.#leaving.abort();
    this.#deleted.abort();
  }

  /** Leaves everything running; for the end of the process. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.cancel();
    this.#teller.cancel();
    this.#prober.stop();
    this.#context.probeMetrics.forget(this.pod);
  }

  owns(containerId: string): boolean {
    return this.#view.owns(containerId);
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
        log(`pod ${formatPod(identityOf(this.pod))}: ${errorMessage(error)}`);
        wakeAt = clock.monotonic() + Math.min(retryDelays.first * 2 ** (this.#failures - 1), retryDelays.longest);
      }
      if (this.#exited.size > 0) wakeAt = earliest(wakeAt, clock.monotonic() + lag);
      if (!this.#dirty && wakeAt !== undefined && !this.#stopped) {
        this.#wake = clock.after(Math.max(0, wakeAt - clock.monotonic()), () => this.wake());
      }
    }
    this.#active = false;
  }

  /** Returns when to look again although nothing happened (milliseconds, as the clock's `monotonic`). */
  async #pass(): Promise<number | undefined> {
    if (!this.#isNew) await this.#view.look();
    this.#isNew = false;
    this.#seen();
    if (this.#removed || this.pod.metadata.deletionTimestamp) return this.#terminate();
    // What the API was told of a pod that has ended stays, though its containers may be gone by now.
    if (isPodTerminal(this.pod) && this.running.length === 0) {
      const sandbox = readySandbox(this.#view.observed);
      if (sandbox) await this.#context.options.cri.stopPodSandbox(sandbox.id);
      await this.#volumes.release(this.pod);
      this.#cleared.resolve();
      return undefined;
    }
    if (!this.#hasRoom()) return this.#startBy;
    const resizeAt = await this.#resize();
    const retryAt = await this.#carryOut();
    await this.#publish();
    const plan = this.#plan;
    const deadline = plan?.finished ? undefined : this.#deadline();
    const refresh = plan?.finished ? undefined : await this.#volumes.refresh(this.pod, this.#view.addresses);
    return earliest(resizeAt, retryAt, this.#steady(plan?.wakeAt), refresh, this.#steady(deadline));
  }

  /** What the wall's clock shows by then, as the runtime and objects tell times, by the clock that nobody sets. */
  #steady(time: number | undefined): number | undefined {
    const { clock } = this.#context.options;
    return time === undefined ? undefined : clock.monotonic() + time - clock.now();
  }

  /** Gives running containers the resources that are allocated. Returns when to try again what the runtime refused. */
  async #resize(): Promise<number | undefined> {
    // What did not fit may fit by now.
    this.#view.pod = this.#allocation.of(this.#wanted);
    if (this.#allocation.isInProgress) await this.#publish();
    try {
      await this.#resizes.apply(this.pod, this.running, (container, observed) => {
        this.#replaced.add(observed.id);
        return this.#actions.kill(observed, `Container ${container.name} resize requires restart`);
      });
      this.#allocation.completed(this.pod);
      return undefined;
    } catch (error) {
      if (!this.#allocation.isInProgress) throw error;
      this.#allocation.failed(this.pod, errorMessage(error));
      return this.#context.options.clock.monotonic() + resizeRetry;
    }
  }

  /** Plans and acts until nothing is left to do, something has to wait (returns until when), or there is news. */
  async #carryOut(): Promise<number | undefined> {
    let retryAt: number | undefined;
    let hasActed = false;
    for (let plan = this.#replan(); plan.actions.length > 0; plan = this.#replan()) {
      if (this.#stopped || (hasActed && (this.#dirty || retryAt !== undefined))) break;
      // The API is told while the runtime works.
      this.#teller.tellLater();
      retryAt = await this.#actions.act(plan);
      hasActed = true;
      this.#seen();
    }
    if (this.#plan) this.#actions.tellBackoffs(this.#plan);
    if (hasActed)
      await collectGarbage(this.pod, this.#view.observed, { context: this.#context, starter: this.#starter });
    return retryAt;
  }

  #hasRoom(): boolean {
    const { clock } = this.#context.options;
    if (clock.monotonic() >= this.#startBy || this.#others.every(({ isCleared }) => isCleared)) this.#others = [];
    return this.#others.length === 0;
  }

  /** Whether the pod has ended, or is to end, whatever its containers do. */
  #isOver(): boolean {
    return this.#verdict !== undefined || isPodTerminal(this.pod);
  }

  /** When activeDeadlineSeconds are over (milliseconds since the epoch); a pod past it is ended. */
  #deadline(): number | undefined {
    const end = this.#verdict ? undefined : deadlineOf(this.pod, parseTime(this.status?.startTime ?? '') ?? 0);
    if (end === undefined || this.#context.options.clock.now() < end) return end;
    const message = 'Pod was active on the node longer than the specified deadline';
    this.end({ reason: 'DeadlineExceeded', message });
    return undefined;
  }

  /** What follows from what the view shows now. */
  #seen(): void {
    this.#prober.sync(this.pod, this.#view.observed.containers);
    for (const id of this.#exited) if (!this.#view.isAlive(id)) this.#exited.delete(id);
  }

  #replan(): PodPlan {
    const plan = planPod({
      pod: this.pod,
      observed: this.#view.observed,
      probes: this.#prober,
      backoffs: this.#actions.backoffs,
      replaced: this.#replaced,
      stopped: this.#actions.stopped,
      now: this.#context.options.clock.now(),
      over: this.#isOver(),
    });
    this.#plan = plan;
    return plan;
  }

  #gracePeriod(): number {
    const { metadata, spec } = this.pod;
    const wanted = metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30;
    return Math.min(wanted, this.#mostGrace);
  }

  /** For a pod that is deleted: ends the containers while the status follows, then takes everything away. */
  async #terminate(): Promise<number | undefined> {
    const grace = Math.max(this.#gracePeriod(), 1);
    this.#prober.stopLiveness();
    if (this.running.length > 0) {
      this.#ending.killAll(this.running, grace);
      await this.#publish();
      return undefined;
    }
    await this.#ending.stopSandboxes();
    this.#isTerminated = true;
    await this.#publish();
    this.#released = true;
    this.#cleared.resolve();
    await this.#ending.remove({ isInApi: !this.#removed });
    this.stop();
    this.#context.finished(this.pod);
    return undefined;
  }

  async #publish(): Promise<void> {
    if (this.#removed) this.#teller.cancel();
    else await this.#teller.tell();
  }

  #look() {
    return {
      pod: this.pod,
      observed: this.#view.observed,
      started: this.#prober.started,
      ready: this.#prober.ready,
      waiting: new Map([...this.#actions.waiting(), ...(this.#plan?.waiting ?? [])]),
      isTerminated: this.#isTerminated,
      replaced: this.#replaced,
      verdict: this.#verdict,
      resize: this.#allocation.conditions,
      actual: this.#resizes.actual,
    };
  }

  #event(event: EventText, container?: Container): void {
    recordPodEvent(this.#context.recorder, this.#mirror ?? this.pod, event, container);
  }
}

/** Milliseconds after which nobody waits for a pod's end any more (kubelet's killPodNow). */
function mostToEnd({ spec: { terminationGracePeriodSeconds: grace = 30 } }: Pod): number {
  return Math.max(10, 1.5 * grace) * 1000;
}

/** Whether a pod differs from what it was in more than its status. */
function asksForMore(pod: Pod, old: Pod): boolean {
  const wishes = ({ spec, metadata: { labels, annotations, deletionTimestamp, deletionGracePeriodSeconds } }: Pod) => {
    return { spec, labels, annotations, deletionTimestamp, deletionGracePeriodSeconds };
  };
  return !jsonEqual(wishes(pod), wishes(old));
}
