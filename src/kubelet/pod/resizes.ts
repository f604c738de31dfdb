// In-place resize: containers that run get the resources that their pod asks for now (kubectl patch --subresource resize).

import type { Container, Pod, ResourceRequirements } from '../../api/core/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import { table } from '../../apimachinery/table.ts';
import type { LinuxContainerResources } from '../cri/messages.ts';
import { containersOf } from './containers.ts';
import type { ObservedContainer } from './observed.ts';
import type { PodContext } from './pod-context.ts';
import { containerResources } from './resources.ts';

/** Ends a container whose resources only a new start can change. */
export type Restart = (container: Container, observed: ObservedContainer) => Promise<void>;

/** Gives the pod's own cgroup what the pod may have (container-starter.ts). */
export type LimitPod = (pod: Pod, how: { readonly isGrowth: boolean }) => Promise<void>;

export class Resizes {
  readonly #context: PodContext;
  /** By container id, what it runs with. */
  readonly #applied = new Map<string, LinuxContainerResources>();
  /** By container id, the same as the API's requests and limits. */
  readonly #actual = new Map<string, ResourceRequirements>();
  readonly #limitPod: LimitPod;

  constructor(context: PodContext, limitPod: LimitPod) {
    this.#context = context;
    this.#limitPod = limitPod;
  }

  /** What running containers have, by their ids, as far as it is known. */
  get actual(): ReadonlyMap<string, ResourceRequirements> {
    return this.#actual;
  }

  /** Rejects when the runtime refuses, as it does a memory limit below what is used; it is tried again. */
  async apply(pod: Pod, running: readonly ObservedContainer[], restart: Restart): Promise<void> {
    let isChanged = false;
    for (const id of this.#applied.keys()) {
      if (running.some((c) => c.id === id)) continue;
      this.#applied.delete(id);
      this.#actual.delete(id);
    }
    for (const observed of running) {
      const found = containersOf(pod).find(({ container }) => container.name === observed.name);
      if (!found || found.kind === 'ephemeral') continue;
      const { container } = found;
      const wanted = containerResources(pod, container, this.#context.nodeResources);
      const present = this.#applied.get(observed.id);
      // A pod that was never changed runs with what it was made with; of others it is not known after a restart.
      const mayDiffer = present !== undefined || (pod.metadata.generation ?? 1) > 1;
      if (mayDiffer && !jsonEqual(present, wanted)) {
        // The pod's own cgroup first, where it grows; where it shrinks when all containers have.
        if (!isChanged) await this.#limitPod(pod, { isGrowth: true });
        isChanged = true;
        if (needsRestart(container, present, wanted)) await restart(container, observed);
        else await this.#context.options.cri.updateContainerResources(observed.id, wanted);
      }
      this.#applied.set(observed.id, wanted);
      this.#actual.set(observed.id, container.resources ?? {});
    }
    if (isChanged) await this.#limitPod(pod, { isGrowth: false });
  }
}

/** Whether the container's resizePolicy wants a restart for what changed. */
export function needsRestart(
  { resizePolicy = [] }: Container,
  present: LinuxContainerResources | undefined,
  wanted: LinuxContainerResources,
): boolean {
  if (!present) return false;
  const changed = table<boolean>({
    cpu: present.cpuShares !== wanted.cpuShares || present.cpuQuota !== wanted.cpuQuota,
    memory: present.memoryLimitInBytes !== wanted.memoryLimitInBytes,
  });
  return resizePolicy.some(
    ({ resourceName, restartPolicy }) => restartPolicy === 'RestartContainer' && changed[resourceName] === true,
  );
}
