// Probes the running containers of one pod and keeps the verdicts that the plan and the status go by.
import type { Container, Pod, Probe } from '../../api/core/v1/types.generated.ts';
import type { Clock, Timer } from '../../system/clock.ts';
import { statusesOf } from '../pod/containers.ts';
import type { ObservedContainer } from '../pod/observed.ts';
import type { ProbeOutcome } from './probe.ts';

/** A container failed its liveness or startup probe. */
export interface ProbeFailure {
  /** What the container did: `failed liveness probe`. */
  readonly message: string;
  /** Seconds that the probe gives the container to end, if it says. */
  readonly grace?: number;
}

type Kind = 'startup' | 'liveness' | 'readiness';

/** As messages and metrics name the kinds. */
const titles = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' } as const;

export type ProbeType = (typeof titles)[Kind];
export const probeTypes: readonly ProbeType[] = Object.values(titles);

/** A probe that could be made. */
export interface Probed {
  readonly type: ProbeType;
  readonly success: boolean;
  readonly seconds: number;
}

export interface ProberOptions {
  readonly clock: Clock;
  readonly probe: (container: Container, id: string, probe: Probe) => Promise<ProbeOutcome>;
  readonly probed: (container: Container, probed: Probed) => void;
  /** A verdict changed. */
  readonly changed: () => void;
  readonly unhealthy: (container: Container, message: string) => void;
  /** One succeeded in a way that is to be told. */
  readonly warning: (container: Container, message: string) => void;
}

interface Worker {
  readonly kind: Kind;
  readonly container: Container;
  readonly probe: Probe;
  readonly id: string;
  readonly startedAt: number;
  timer: Timer | undefined;
  successes: number;
  failures: number;
  stopped: boolean;
}

/** Of a probe that cannot be made, before it is left for the next time. */
const mostTries = 3;

export class Prober {
  readonly #options: ProberOptions;
  readonly #workers = new Map<string, Worker>();
  readonly #known = new Set<string>();
  /** Ids of containers. */
  readonly started = new Set<string>();
  readonly ready = new Set<string>();
  readonly failed = new Map<string, ProbeFailure>();

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Starts probing containers that run now and stops for those that no longer do. */
  sync(pod: Pod, observed: readonly ObservedContainer[]): void {
    const running = new Map(observed.filter((c) => c.state === 'running').map((c) => [c.id, c]));
    for (const id of this.#known) if (!running.has(id)) this.#forget(id);
    const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
    for (const [id, { name, startedAt }] of running) {
      const container = containers.find((c) => c.name === name);
      if (!container || this.#known.has(id)) continue;
      this.#known.add(id);
      this.#begin(pod, container, { id, startedAt });
    }
  }

  /** For a pod that is being deleted: only readiness is still asked for. */
  stopLiveness(): void {
    for (const worker of this.#workers.values()) if (worker.kind !== 'readiness') this.#stop(worker);
    this.failed.clear();
  }

  stop(): void {
    for (const id of [...this.#known]) this.#forget(id);
  }

  #begin(pod: Pod, container: Container, { id, startedAt }: { readonly id: string; readonly startedAt: number }): void {
    // What was ready before this process came stays ready until a probe says otherwise.
    const before = statusesOf(pod).find(({ containerID }) => containerID?.endsWith(id));
    if (!container.startupProbe || before?.started) this.started.add(id);
    if (this.started.has(id) && (!container.readinessProbe || before?.ready)) this.ready.add(id);
    const probes = {
      startup: before?.started ? undefined : container.startupProbe,
      liveness: container.livenessProbe,
      readiness: container.readinessProbe,
    };
    for (const kind of ['startup', 'liveness', 'readiness'] as const) {
      const probe = probes[kind];
      if (!probe) continue;
      const worker: Worker = {
        kind,
        container,
        probe,
        id,
        startedAt,
        timer: undefined,
        successes: 0,
        failures: 0,
        stopped: false,
      };
      this.#workers.set(`${id}/${kind}`, worker);
      if (kind === 'startup' || this.started.has(id)) this.#schedule(worker, this.#firstDelay(worker));
    }
  }

  #firstDelay({ startedAt, probe }: Worker): number {
    const delay = (probe.initialDelaySeconds ?? 0) * 1000;
    // A start that is still to come says that the time was set back since.
    return Math.min(delay, Math.max(0, startedAt + delay - this.#options.clock.now()));
  }

  #schedule(worker: Worker, delay: number): void {
    if (worker.stopped) return;
    worker.timer = this.#options.clock.after(delay, () => void this.#probe(worker));
  }

  async #probe(worker: Worker): Promise<void> {
    const { container, id, probe, kind } = worker;
    const { clock } = this.#options;
    const begun = clock.monotonic();
    let outcome = await this.#options.probe(container, id, probe);
    for (let tries = 1; outcome.isUnknown && tries < mostTries && !worker.stopped; tries++)
      outcome = await this.#options.probe(container, id, probe);
    if (worker.stopped) return;
    if (outcome.isUnknown)
      this.#options.unhealthy(
        container,
        `${titles[kind]} probe errored and resulted in unknown state: ${outcome.message}`,
      );
    else {
      const seconds = (clock.monotonic() - begun) / 1000;
      this.#options.probed(container, { type: titles[kind], success: outcome.success, seconds });
      this.#count(worker, outcome);
    }
    this.#schedule(worker, (worker.probe.periodSeconds ?? 10) * 1000);
  }

  #count(worker: Worker, outcome: ProbeOutcome): void {
    if (outcome.success) {
      if (outcome.isWarning)
        this.#options.warning(worker.container, `${titles[worker.kind]} probe warning: ${outcome.message}`);
      worker.successes += 1;
      worker.failures = 0;
      if (worker.successes >= (worker.probe.successThreshold ?? 1)) this.#succeeded(worker);
      return;
    }
    worker.failures += 1;
    worker.successes = 0;
    this.#options.unhealthy(worker.container, `${titles[worker.kind]} probe failed: ${outcome.message}`);
    if (worker.failures >= (worker.probe.failureThreshold ?? 3)) this.#gaveUp(worker);
  }

  #succeeded(worker: Worker): void {
    const { kind, id } = worker;
    if (kind === 'readiness' && !this.ready.has(id)) {
      this.ready.add(id);
      this.#options.changed();
    }
    if (kind !== 'startup') return;
    this.#stop(worker);
    this.started.add(id);
    if (!worker.container.readinessProbe) this.ready.add(id);
    for (const other of this.#workers.values()) {
      if (other.id === id && other.kind !== 'startup') this.#schedule(other, this.#firstDelay(other));
    }
    this.#options.changed();
  }

  #gaveUp(worker: Worker): void {
    const { kind, id, probe } = worker;
    if (kind === 'readiness') {
      if (this.ready.delete(id)) this.#options.changed();
      return;
    }
    this.#stop(worker);
    const grace = probe.terminationGracePeriodSeconds;
    this.failed.set(id, { message: `failed ${kind} probe`, ...(grace !== undefined && { grace }) });
    this.#options.changed();
  }

  #stop(worker: Worker): void {
    worker.stopped = true;
    worker.timer?.cancel();
    this.#workers.delete(`${worker.id}/${worker.kind}`);
  }

  #forget(id: string): void {
    for (const worker of [...this.#workers.values()]) if (worker.id === id) this.#stop(worker);
    this.#known.delete(id);
    this.started.delete(id);
    this.ready.delete(id);
    this.failed.delete(id);
  }
}
