// Ends containers as their pod wants it: preStop hook, stop signal, and after the grace period SIGKILL. Runs hooks.
import type { Container, LifecycleHandler } from '../../api/core/v1/types.generated.ts';
import type { EventText } from '../../client/events.ts';
import type { Clock } from '../../system/clock.ts';
import type { Cri } from '../cri/client.ts';
import { runHook } from '../probes/hook.ts';
import type { ProbeOutcome } from '../probes/probe.ts';
import type { PodIdentity } from './identity.ts';
import type { ObservedContainer } from './observed.ts';

export interface ContainerKillerOptions {
  readonly cri: Cri;
  readonly clock: Clock;
  readonly event: (event: EventText, container: Container) => void;
}

export interface Target {
  readonly pod: PodIdentity;
  readonly container: Container;
  readonly id: string;
  readonly podIP: string;
  /** Ends the hook early. */
  readonly signal?: AbortSignal;
}

export interface Victim {
  readonly pod: PodIdentity;
  readonly observed: ObservedContainer;
  /** Undefined when the pod's specification is not known any more: then there are no hooks. */
  readonly container: Container | undefined;
  readonly podIP: string;
}

/** Seconds that a container has at the least to end after its hook, as upstream. */
const minimumGrace = 2;

export class ContainerKiller {
  readonly #options: ContainerKillerOptions;

  constructor(options: ContainerKillerOptions) {
    this.#options = options;
  }

  /** `timeout` in seconds; without it there is no limit. Never rejects. */
  runHook({ id: containerId, ...target }: Target, hook: LifecycleHandler, timeout?: number): Promise<ProbeOutcome> {
    return runHook(hook, { ...this.#options, ...target, containerId }, timeout);
  }

  /** Runs the preStop hook within the grace period (seconds), then stops the container with what is left of it. */
  async kill(
    { observed, pod, container, podIP }: Victim,
    how: { readonly message: string; readonly grace: number },
  ): Promise<void> {
    const { cri, clock, event } = this.#options;
    if (container) event({ type: 'Normal', reason: 'Killing', message: how.message }, container);
    let left = how.grace;
    const hook = container?.lifecycle?.preStop;
    if (container && hook && how.grace > 0 && observed.state === 'running') {
      const started = clock.monotonic();
      const limit = clock.sleep(how.grace * 1000).then((): ProbeOutcome => ({ success: true, message: '' }));
      const outcome = await Promise.race([
        this.runHook({ pod, container, id: observed.id, podIP }, hook, how.grace),
        limit,
      ]);
      if (!outcome.success)
        event({ type: 'Warning', reason: 'FailedPreStopHook', message: 'PreStopHook failed' }, container);
      left -= Math.floor((clock.monotonic() - started) / 1000);
    }
    await cri.stopContainer(observed.id, how.grace > 0 ? Math.max(left, minimumGrace) : 0);
  }

  /** All containers at once, then sidecars from the last to the first, all within one grace period. */
  async killAll(
    victims: readonly Victim[],
    { grace, sidecars }: { readonly grace: number; readonly sidecars: readonly string[] },
  ): Promise<void> {
    const { clock } = this.#options;
    const end = clock.monotonic() + grace * 1000;
    const kill = (victim: Victim, seconds: number) =>
      this.kill(victim, { message: `Stopping container ${victim.observed.name}`, grace: seconds });
    await Promise.all(victims.filter((v) => !sidecars.includes(v.observed.name)).map((v) => kill(v, grace)));
    for (const name of [...sidecars].reverse()) {
      const sidecar = victims.find((v) => v.observed.name === name);
      if (sidecar) await kill(sidecar, Math.max(1, Math.ceil((end - clock.monotonic()) / 1000)));
    }
  }
}
