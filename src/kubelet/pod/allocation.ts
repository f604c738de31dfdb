// What a pod's containers hold of cpu and memory, beside what the pod asks for now: a resize takes effect when it fits (KEP-1287).
// Reasons and words are upstream's (pkg/kubelet/allocation, pkg/kubelet/events).
import { isSidecar, lastingContainers } from '../../api/core/v1/pod/facts.ts';
import type { Container, Pod, ResourceRequirements } from '../../api/core/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import type { EventText } from '../../client/events.ts';
import { statusesOf } from './containers.ts';

export interface ResizeRefusal {
  /** Infeasible: never on this node; Deferred: when others have gone. */
  readonly reason: 'Deferred' | 'Infeasible';
  readonly message: string;
}

/** A condition that is True while it is there. */
export interface ResizeCondition {
  readonly type: 'PodResizePending' | 'PodResizeInProgress';
  readonly reason?: string;
  readonly message?: string;
}

/** Conditions that only the kubelet sets, and that are not there when they are not true. */
export const resizeConditions: readonly string[] = ['PodResizePending', 'PodResizeInProgress'];

export interface AllocationOptions {
  /** Why the pod cannot have what it asks for; undefined when it can. */
  readonly refusal: (pod: Pod) => ResizeRefusal | undefined;
  readonly event: (event: EventText) => void;
}

export class Allocation {
  readonly #options: AllocationOptions;
  /** By container name. */
  #held: Map<string, ResourceRequirements>;
  #pending: ResizeRefusal | undefined;
  #progress: { readonly error?: string } | undefined;

  /** A pod that this kubelet, or the one before it, told of holds what it told. */
  constructor(pod: Pod, options: AllocationOptions) {
    this.#options = options;
    this.#held = heldBy(pod);
  }

  /** The pod with the resources that its containers may have now: those it asks for, where they fit. */
  of(wanted: Pod): Pod {
    const pod = withResources(wanted, this.#held);
    if (pod === wanted) {
      this.#pending = undefined;
      return wanted;
    }
    const refusal = this.#options.refusal(wanted);
    if (refusal) {
      if (!jsonEqual(refusal, this.#pending)) {
        const { reason, message } = refusal;
        this.#say('Warning', { reason: `Resize${reason}`, what: reason, pod: wanted, error: message });
      }
      this.#pending = refusal;
      return pod;
    }
    this.#pending = undefined;
    this.#held = new Map(lastingContainers(wanted).map(({ name, resources = {} }) => [name, resources]));
    this.#progress = {};
    this.#say('Normal', { reason: 'ResizeStarted', what: 'started', pod: wanted });
    return wanted;
  }

  /** Whether a resize is allocated that the runtime was not told of yet, or refused. */
  get isInProgress(): boolean {
    return this.#progress !== undefined;
  }

  /** The runtime has what was allocated. */
  completed(pod: Pod): void {
    if (!this.#progress) return;
    this.#progress = undefined;
    this.#say('Normal', { reason: 'ResizeCompleted', what: 'completed', pod });
  }

  /** The runtime refused what was allocated; it is tried again. */
  failed(pod: Pod, error: string): void {
    if (this.#progress?.error !== error) this.#say('Warning', { reason: 'ResizeError', what: 'error', pod, error });
    this.#progress = { error };
  }

  get conditions(): readonly ResizeCondition[] {
    const error = this.#progress?.error;
    return [
      ...(this.#pending ? [{ type: 'PodResizePending', ...this.#pending } as const] : []),
      ...(this.#progress
        ? [{ type: 'PodResizeInProgress', ...(error !== undefined && { reason: 'Error', message: error }) } as const]
        : []),
    ];
  }

  #say(type: EventText['type'], { reason, what, pod, error }: Said): void {
    const list = (containers: readonly Container[] | undefined) =>
      (containers ?? []).map(({ name, resources: { limits, requests } = {} }) => ({
        name,
        resources: { limits, requests },
      }));
    const init = list(pod.spec.initContainers?.filter(isSidecar));
    const summary = {
      ...(init.length > 0 && { initContainers: init }),
      containers: list(pod.spec.containers),
      generation: pod.metadata.generation ?? 0,
      ...(error !== undefined && { error }),
    };
    this.#options.event({ type, reason, message: `Pod resize ${what}: ${JSON.stringify(summary)}` });
  }
}

interface Said {
  readonly reason: string;
  readonly what: string;
  readonly pod: Pod;
  readonly error?: string;
}

/** What the status says that containers hold, else what the pod asks for. */
function heldBy(pod: Pod): Map<string, ResourceRequirements> {
  return new Map(
    lastingContainers(pod).map(({ name, resources = {} }) => {
      const told = statusesOf(pod).find((status) => status.name === name);
      const limits = told?.resources?.limits;
      if (!told?.allocatedResources) return [name, resources];
      const { limits: _, ...others } = resources;
      return [name, { ...others, ...(limits && { limits }), requests: told.allocatedResources }];
    }),
  );
}

/** The same pod where nothing differs. */
function withResources(pod: Pod, held: ReadonlyMap<string, ResourceRequirements>): Pod {
  let differs = false;
  const change = (container: Container): Container => {
    const resources = held.get(container.name);
    if (!resources || jsonEqual(resources, container.resources ?? {})) return container;
    differs = true;
    return { ...container, resources };
  };
  const { containers, initContainers } = pod.spec;
  const spec = { ...pod.spec, containers: containers.map(change) };
  if (initContainers) spec.initContainers = initContainers.map((one) => (isSidecar(one) ? change(one) : one));
  return differs ? { ...pod, spec } : pod;
}
