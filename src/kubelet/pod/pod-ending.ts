// How a pod leaves the node: its containers end within the grace period and its sandboxes stop, its volumes go, the API hears of
// it, and last what is left on the node goes.
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { isConflict, isNotFound } from '../../apimachinery/status.ts';
import { pods } from '../../client/resources.ts';
import type { ContainerKiller } from './container-killer.ts';
import type { ContainerStarter } from './container-starter.ts';
import { formatPod, identityOf } from './identity.ts';
import type { ObservedContainer } from './observed.ts';
import type { PodContext } from './pod-context.ts';
import type { PodView } from './pod-view.ts';

/** Milliseconds after which containers that could not be ended are ended anew. */
const retry = 1000;

export interface PodEndingOptions {
  readonly context: PodContext;
  readonly view: PodView;
  readonly killer: ContainerKiller;
  readonly starter: ContainerStarter;
  /** Called when containers were ended, or could not be. */
  readonly wake: () => void;
}

export class PodEnding {
  readonly #options: PodEndingOptions;
  /** The ending under way with the shortest grace period, in seconds. */
  #underWay: { readonly grace: number } | undefined;
  /** Ids of containers that were ended, though CRI may still say for some milliseconds that they run. */
  readonly #ended = new Set<string>();

  constructor(options: PodEndingOptions) {
    this.#options = options;
  }

  /**
   * Ends the containers that run, in the background; a later call with a shorter grace period (seconds) hastens it. One that appears
   * only then, since its start took longer than anybody waited for it, is ended after the others.
   */
  killAll(running: readonly ObservedContainer[], grace: number): void {
    const left = running.filter(({ id }) => !this.#ended.has(id));
    if (left.length === 0 || (this.#underWay && grace >= this.#underWay.grace)) return;
    void this.#killAll(left, grace);
  }

  async #killAll(running: readonly ObservedContainer[], grace: number): Promise<void> {
    const { context, killer, view, wake } = this.#options;
    const victims = running.map((observed) => view.victim(observed));
    const own = { grace };
    this.#underWay = own;
    const finish = () => {
      if (this.#underWay === own) this.#underWay = undefined;
    };
    try {
      await killer.killAll(victims, { grace, sidecars: view.sidecars });
    } catch (error) {
      context.options.log(`stopping ${formatPod(identityOf(view.pod))}: ${errorMessage(error)}`);
      finish();
      context.options.clock.after(retry, wake);
      return;
    }
    for (const { id } of running) this.#ended.add(id);
    finish();
    wake();
  }

  /** Ends the sandboxes; their addresses are free from then on. */
  async stopSandboxes(): Promise<void> {
    const { context, view } = this.#options;
    for (const { id, ready } of view.observed.sandboxes) if (ready) await context.options.cri.stopPodSandbox(id);
    view.sandboxesStopped();
  }

  /** Removes all that is left of a pod whose containers ended, and the pod itself where the API still has it. */
  async remove({ isInApi }: { readonly isInApi: boolean }): Promise<void> {
    const { context, starter, view } = this.#options;
    const { pod, observed } = view;
    await context.volumes.tearDown(pod.metadata.uid ?? '');
    if (isInApi) await this.#deleteFromApi(pod);
    await starter.removeTraces(pod);
    // Last: by its sandbox the next kubelet knows a pod that this one did not come to an end with.
    for (const { id } of observed.sandboxes) await context.options.cri.removePodSandbox(id);
    context.reader.forget([...observed.containers, ...observed.sandboxes].map((x) => x.id));
    context.options.log(`pod ${formatPod(identityOf(pod))} ended`);
  }

  async #deleteFromApi({ metadata: { name, namespace, uid } }: Pod): Promise<void> {
    const preconditions = uid ? { preconditions: { uid } } : {};
    try {
      const client = this.#options.context.options.client.resource<Pod>(pods);
      await client.delete(name, namespace, { gracePeriodSeconds: 0, ...preconditions });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}
