// The scheduler's loop: pods without a node get one.
import type { Binding, Namespace, Node, Pod, PodCondition } from '../api/core/v1/types.generated.ts';
import { jsonCopy } from '../apimachinery/json/value.ts';
import { objectKey } from '../apimachinery/object.ts';
import { isConflict, isNotFound } from '../apimachinery/status.ts';
import { formatTime } from '../apimachinery/time.ts';
import { createEventRecorder, type EventRecorder } from '../client/events.ts';
import { namespaces, nodes, pods } from '../client/resources.ts';
import type { Client, Informer, Informers, ResourceClient } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import { SchedulerCache } from './cache.ts';
import { decide } from './decide.ts';
import { SchedulingQueue } from './queue.ts';

export interface SchedulerOptions {
  readonly client: Client;
  /** Run by the caller, who may share them with others. */
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Pods with this `spec.schedulerName` are ours. Default `default-scheduler`. */
  readonly schedulerName?: string;
  /** Told of failures that are retried. */
  readonly onError?: (error: unknown, what: string) => void;
}

/** After so many decisions others in the process get their turn. */
const decisionsInARow = 50;

/** Runs until the signal aborts. */
export async function runScheduler(options: SchedulerOptions): Promise<void> {
  await new Scheduler(options).run(options.signal);
}

class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #name: string;
  readonly #cache = new SchedulerCache();
  readonly #queue: SchedulingQueue;
  readonly #recorder: EventRecorder;
  readonly #pods: ResourceClient<Pod>;
  readonly #podInformer: Informer<Pod>;
  readonly #nodeInformer: Informer<Node>;
  readonly #namespaceInformer: Informer<Namespace>;
  #start = 0;

  constructor(options: SchedulerOptions) {
    const { client, informers, clock, random } = options;
    this.#options = options;
    this.#name = options.schedulerName ?? 'default-scheduler';
    this.#queue = new SchedulingQueue(clock);
    this.#recorder = createEventRecorder({ client, clock, random, component: this.#name });
    this.#pods = client.resource<Pod>(pods);
    this.#podInformer = informers.informer<Pod>(pods);
    this.#nodeInformer = informers.informer<Node>(nodes);
    this.#namespaceInformer = informers.informer<Namespace>(namespaces);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#follow();
    try {
      const informers = [this.#podInformer, this.#nodeInformer, this.#namespaceInformer];
      await Promise.all(informers.map((informer) => informer.synced(signal)));
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    while (!signal.aborted) {
      await this.#queue.ready(signal);
      for (let i = 0; i < decisionsInARow; i += 1) {
        const pod = this.#queue.pop();
        if (!pod) break;
        this.#schedule(pod);
      }
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  #follow(): void {
    this.#nodeInformer.addHandler({
      added: (node) => this.#nodeChanged(node),
      updated: (node, old) => factsOf(node) !== factsOf(old) && this.#nodeChanged(node),
      deleted: (node) => this.#cache.removeNode(node.metadata.name),
    });
    this.#podInformer.addHandler({
      added: (pod) => this.#podSeen(pod, undefined),
      updated: (pod, old) => this.#podSeen(pod, old),
      deleted: (pod) => {
        this.#queue.remove(objectKey(pod));
        this.#cache.removePod(pod);
        if (pod.spec.nodeName) this.#queue.clusterChanged();
      },
    });
  }

  #nodeChanged(node: Readonly<Node>): void {
    this.#cache.setNode(node);
    this.#queue.clusterChanged();
  }

  #podSeen(pod: Readonly<Pod>, old: Readonly<Pod> | undefined): void {
    const key = objectKey(pod);
    const ended = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    if (ended) {
      this.#queue.remove(key);
      this.#cache.removePod(pod);
      this.#queue.clusterChanged();
    } else if (pod.spec.nodeName) {
      this.#queue.remove(key);
      // Only what the decision depends on is counted anew; a status is not.
      if (old?.spec.nodeName && sameDemand(pod, old)) return;
      this.#cache.setPod(pod);
      this.#queue.clusterChanged();
    } else if (this.#isOurs(pod)) {
      if (this.#cache.isAssumed(key)) return;
      if (this.#queue.has(key) && old && sameDemand(pod, old)) this.#queue.refresh(pod);
      else this.#queue.add(pod);
    } else {
      this.#queue.remove(key);
    }
  }

  #isOurs({ metadata, spec }: Readonly<Pod>): boolean {
    const mine = (spec.schedulerName ?? 'default-scheduler') === this.#name;
    return mine && !metadata.deletionTimestamp && (spec.schedulingGates ?? []).length === 0;
  }

  #schedule(pod: Readonly<Pod>): void {
    const all = this.#cache.nodes();
    const namespaceLabels = (name: string) => this.#namespaceInformer.lister.get(name)?.metadata.labels;
    const dice = (bound: number) => this.#options.random.int(bound);
    const decision = decide({ pod, nodes: all, namespaceLabels }, { start: this.#start, dice });
    if (decision.kind === 'none') {
      this.#queue.failed(pod);
      this.#report(pod, decision.message);
      return;
    }
    this.#start = (this.#start + decision.examined) % Math.max(1, all.length);
    this.#cache.assume(pod, decision.name);
    void this.#bind(pod, decision.name);
  }

  async #bind(pod: Readonly<Pod>, nodeName: string): Promise<void> {
    const { name, namespace = '', uid } = pod.metadata;
    const binding: Binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, ...(uid && { uid }) },
      target: { kind: 'Node', name: nodeName },
    };
    try {
      await this.#options.client.resource<Binding>(pods).create(binding, { subresource: 'binding' });
      this.#queue.remove(objectKey(pod));
      const message = `Successfully assigned ${namespace}/${name} to ${nodeName}`;
      this.#recorder.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, { type: 'Normal', reason: 'Scheduled', message });
    } catch (error) {
      this.#cache.forget(pod);
      if (isNotFound(error) && !this.#podInformer.lister.get(name, namespace)) {
        this.#queue.remove(objectKey(pod));
        return;
      }
      this.#queue.retry(pod);
      if (!this.#options.signal.aborted) this.#options.onError?.(error, `scheduler: binding of ${namespace}/${name}`);
    }
  }

  /** Says why, in an Event and in the pod's condition. */
  #report(pod: Readonly<Pod>, message: string): void {
    const kind = { apiVersion: 'v1', kind: 'Pod' };
    this.#recorder.event({ ...pod, ...kind }, { type: 'Warning', reason: 'FailedScheduling', message });
    const present = pod.status?.conditions?.find((c) => c.type === 'PodScheduled');
    if (present?.status === 'False' && present.reason === 'Unschedulable' && present.message === message) return;
    void this.#writeCondition(pod, message, present);
  }

  async #writeCondition(
    pod: Readonly<Pod>,
    message: string,
    present: Readonly<PodCondition> | undefined,
  ): Promise<void> {
    const now = formatTime(this.#options.clock.now());
    const lastTransitionTime = present?.status === 'False' ? (present.lastTransitionTime ?? now) : now;
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, lastTransitionTime };
    const copy = jsonCopy(pod) as Pod;
    const others = (copy.status?.conditions ?? []).filter((c) => c.type !== 'PodScheduled');
    copy.status = { ...copy.status, conditions: [...others, condition] };
    try {
      await this.#pods.update(copy, { subresource: 'status' });
    } catch (error) {
      // The pod has changed or gone: what is said now comes with the next try.
      if (isConflict(error) || isNotFound(error) || this.#options.signal.aborted) return;
      this.#options.onError?.(error, `scheduler: condition of ${objectKey(pod)}`);
    }
  }
}

/** What of a node decides whether pods fit; heartbeats change far more often. */
function factsOf({ metadata, spec, status }: Readonly<Node>): string {
  return JSON.stringify([metadata.labels, spec?.taints, spec?.unschedulable, status?.allocatable]);
}

function sameDemand(pod: Readonly<Pod>, old: Readonly<Pod>): boolean {
  const facts = ({ metadata, spec }: Readonly<Pod>) =>
    JSON.stringify([metadata.uid, metadata.labels, metadata.deletionTimestamp !== undefined, spec.nodeName, spec]);
  return facts(pod) === facts(old);
}
