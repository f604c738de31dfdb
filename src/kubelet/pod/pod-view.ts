// One pod as its worker sees it: what the API wants and what the runtime has, with what follows from the two.
import { isSidecar } from '../../api/core/v1/pod/facts.ts';
import type { Container, Pod } from '../../api/core/v1/types.generated.ts';
import type { Victim } from './container-killer.ts';
import { containerOf } from './containers.ts';
import { identityOf } from './identity.ts';
import type { Addresses } from './mounted-volumes.ts';
import { latest, nothing, type ObservedContainer, type ObservedPod, readySandbox, withNewest } from './observed.ts';
import type { PodContext } from './pod-context.ts';

export class PodView {
  readonly #context: PodContext;
  /** As the API last told it. */
  pod: Pod;
  /** As the runtime was last seen. */
  observed: ObservedPod = nothing;

  constructor(pod: Pod, context: PodContext) {
    this.pod = pod;
    this.#context = context;
  }

  /** Looks at everything that the runtime has of the pod. */
  async look(): Promise<void> {
    this.observed = await this.#context.reader.observe(this.pod.metadata.uid ?? '');
  }

  /** Looks at a sandbox that was just made. */
  async lookAtSandbox(id: string): Promise<void> {
    const sandbox = await this.#context.reader.sandbox(id);
    if (sandbox) this.observed = { ...this.observed, sandboxes: withNewest(this.observed.sandboxes, sandbox) };
  }

  /** Looks at a container that was just made in the present sandbox. */
  async lookAtContainer(id: string): Promise<void> {
    const container = await this.#context.reader.container(id, this.observed.sandboxes[0]?.id ?? '');
    if (container) this.observed = { ...this.observed, containers: withNewest(this.observed.containers, container) };
  }

  /** What was seen, without a sandbox that is ready: all of them were stopped. */
  sandboxesStopped(): void {
    const sandboxes = this.observed.sandboxes.map((s) => ({ ...s, ready: false, ips: [] }));
    this.observed = { ...this.observed, sandboxes };
  }

  get running(): readonly ObservedContainer[] {
    return this.observed.containers.filter((c) => c.state === 'running');
  }

  /** Whether a container or sandbox of this id runs, as far as was seen. */
  isAlive(id: string): boolean {
    return this.running.some((c) => c.id === id) || this.observed.sandboxes.some((s) => s.id === id && s.ready);
  }

  owns(id: string): boolean {
    const { containers, sandboxes } = this.observed;
    return containers.some((c) => c.id === id) || sandboxes.some((s) => s.id === id);
  }

  /** A container of the specification, of whichever kind. */
  container(name: string): Container | undefined {
    return containerOf(this.pod, name);
  }

  /** Id of the container that an ephemeral one was made to look into, if it runs. */
  targetOf({ name }: Container): string | undefined {
    const { targetContainerName } = this.pod.spec.ephemeralContainers?.find((c) => c.name === name) ?? {};
    const target = targetContainerName ? latest(this.observed, targetContainerName) : undefined;
    return target?.state === 'running' ? target.id : undefined;
  }

  /** A container that is to end, with what its hooks need. */
  victim(observed: ObservedContainer): Victim {
    return { observed, pod: identityOf(this.pod), container: this.container(observed.name), podIP: this.podIP };
  }

  /** Names of the pod's sidecars, in their order. */
  get sidecars(): readonly string[] {
    return (this.pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
  }

  get podIPs(): readonly string[] {
    if (this.pod.spec.hostNetwork) return this.#context.options.nodeIPs;
    return readySandbox(this.observed)?.ips ?? [];
  }

  /** Where the pod's own ports answer. */
  get podIP(): string {
    return this.podIPs[0] ?? '127.0.0.1';
  }

  get addresses(): Addresses {
    const { nodes, options } = this.#context;
    return { podIPs: this.podIPs, allocatable: nodes.get(options.nodeName)?.status?.allocatable ?? {} };
  }
}
