// The scheduler's loop: pods without a node get one.
import { isPodTerminal } from '../api/core/v1/pod/facts.ts';
import { reportsResources } from '../api/core/v1/pod/resources.ts';
import type {
  Binding,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Service,
} from '../api/core/v1/types.generated.ts';
import type { PodDisruptionBudget } from '../api/policy/v1/types.generated.ts';
import type { CSINode, StorageClass, VolumeAttachment } from '../api/storage/v1/types.generated.ts';
import { errorMessage } from '../apimachinery/error-message.ts';
import { jsonEqual } from '../apimachinery/json/value.ts';
import { objectKey } from '../apimachinery/object.ts';
import { isConflict, isNotFound } from '../apimachinery/status.ts';
import { createEventRecorder, type EventRecorder } from '../client/events.ts';
import {
  csiNodes,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  podDisruptionBudgets,
  pods,
  services,
  storageClasses,
  volumeAttachments,
} from '../client/resources.ts';
import type { Client, Informer, Informers, ResourceClient } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import { SchedulerCache } from './cache.ts';
import { type Decision, decide, fitError, rejectionOn } from './decide.ts';
import { Evictor } from './evictor.ts';
import type { PodContext } from './plugin.ts';
import { writeCondition } from './pod-condition.ts';
import { podRequests } from './pod-resources.ts';
import { findPreemption, notEligible, type Preemption, priorityOf } from './preempt.ts';
import { SchedulingQueue } from './queue.ts';
import { ServiceSelectors } from './service-selectors.ts';
import { VolumeClaims } from './volume-claims.ts';
import { type Change, type Changes, mayHelp } from './wake.ts';

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

/** Why a pod has no node. */
interface Refusal {
  readonly message: string;
  /** By default `Unschedulable`. */
  readonly reason?: string;
  /** Where room is made for it, `''` for nowhere. Absent: that stays as it is. */
  readonly nominated?: string | undefined;
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
  readonly #evictor: Evictor;
  readonly #podInformer: Informer<Pod>;
  readonly #nodeInformer: Informer<Node>;
  readonly #namespaceInformer: Informer<Namespace>;
  readonly #claimInformer: Informer<PersistentVolumeClaim>;
  readonly #volumeInformer: Informer<PersistentVolume>;
  readonly #classInformer: Informer<StorageClass>;
  readonly #csiNodeInformer: Informer<CSINode>;
  readonly #attachmentInformer: Informer<VolumeAttachment>;
  readonly #budgetInformer: Informer<PodDisruptionBudget>;
  readonly #serviceInformer: Informer<Service>;
  readonly #serviceSelectors = new ServiceSelectors();
  readonly #volumeClaims: VolumeClaims;
  #start = 0;
  /** That the queue has not heard of. */
  #changes: Change[] = [];

  constructor(options: SchedulerOptions) {
    const { client, informers, clock, random } = options;
    this.#options = options;
    this.#name = options.schedulerName ?? 'default-scheduler';
    this.#queue = new SchedulingQueue(clock);
    this.#recorder = createEventRecorder({ client, clock, random, component: this.#name });
    this.#pods = client.resource<Pod>(pods);
    this.#evictor = new Evictor({ ...options, name: this.#name, recorder: this.#recorder });
    this.#podInformer = informers.informer<Pod>(pods);
    this.#nodeInformer = informers.informer<Node>(nodes);
    this.#namespaceInformer = informers.informer<Namespace>(namespaces);
    this.#claimInformer = informers.informer<PersistentVolumeClaim>(persistentVolumeClaims);
    this.#volumeInformer = informers.informer<PersistentVolume>(persistentVolumes);
    this.#classInformer = informers.informer<StorageClass>(storageClasses);
    this.#csiNodeInformer = informers.informer<CSINode>(csiNodes);
    this.#attachmentInformer = informers.informer<VolumeAttachment>(volumeAttachments);
    this.#budgetInformer = informers.informer<PodDisruptionBudget>(podDisruptionBudgets);
    this.#serviceInformer = informers.informer<Service>(services);
    const told: PodContext['volumes'] = {
      claim: (name, namespace) => this.#claimInformer.lister.get(name, namespace),
      volume: (name) => this.#volumeInformer.lister.get(name),
      all: () => this.#volumeInformer.lister.list(),
      storageClass: (name) => this.#classInformer.lister.get(name),
      csiNode: (nodeName) => this.#csiNodeInformer.lister.get(nodeName),
      attachments: () => this.#attachmentInformer.lister.list(),
    };
    const [claims, volumes] = [this.#claimInformer, this.#volumeInformer];
    this.#volumeClaims = new VolumeClaims({ client, clock, claims, volumes, told });
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#follow();
    try {
      const informers = [
        this.#podInformer,
        this.#nodeInformer,
        this.#namespaceInformer,
        this.#claimInformer,
        this.#volumeInformer,
        this.#classInformer,
        this.#csiNodeInformer,
        this.#attachmentInformer,
        this.#budgetInformer,
        this.#serviceInformer,
      ];
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
    this.#serviceSelectors.follow(this.#serviceInformer);
    this.#nodeInformer.addHandler({
      added: (now) => this.#nodeChanged({ now }),
      updated: (now, old) => this.#nodeChanged({ now, old }),
      deleted: (old) => {
        this.#cache.removeNode(old.metadata.name);
        this.#clusterChanged({ kind: 'node', old });
      },
    });
    this.#namespaceInformer.addHandler({
      added: (now) => this.#clusterChanged({ kind: 'namespace', now }),
      updated: (now, old) => this.#clusterChanged({ kind: 'namespace', now, old }),
    });
    this.#volumeClaims.follow();
    this.#claimInformer.addHandler({
      added: (now) => this.#clusterChanged({ kind: 'claim', now }),
      updated: (now, old) => this.#clusterChanged({ kind: 'claim', now, old }),
    });
    this.#volumeInformer.addHandler({
      added: (now) => this.#clusterChanged({ kind: 'volume', now }),
      updated: (now, old) => this.#clusterChanged({ kind: 'volume', now, old }),
    });
    this.#classInformer.addHandler({
      added: (now) => this.#clusterChanged({ kind: 'storageClass', now }),
      updated: (now, old) => this.#clusterChanged({ kind: 'storageClass', now, old }),
    });
    this.#csiNodeInformer.addHandler({
      added: (now) => this.#clusterChanged({ kind: 'csiNode', now }),
      updated: (now, old) => this.#clusterChanged({ kind: 'csiNode', now, old }),
    });
    this.#attachmentInformer.addHandler({ deleted: (old) => this.#clusterChanged({ kind: 'attachment', old }) });
    this.#podInformer.addHandler({
      added: (pod) => this.#podSeen(pod, undefined),
      updated: (pod, old) => this.#podSeen(pod, old),
      deleted: (pod) => {
        this.#queue.remove(objectKey(pod));
        this.#podLeft(pod);
      },
    });
  }

  /** Of many changes at once the queue hears once. */
  #clusterChanged(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length > 1) return;
    setImmediate(() => {
      const changes = this.#changes;
      this.#changes = [];
      this.#queue.clusterChanged(changes);
    });
  }

  #podLeft(pod: Readonly<Pod>): void {
    if (!this.#cache.removePod(pod)) return;
    const { nodeName } = pod.spec;
    for (const waiting of nodeName ? this.#cache.nominatedTo(nodeName) : []) this.#queue.hurry(objectKey(waiting));
    this.#clusterChanged({ kind: 'pod', old: pod });
  }

  #nodeChanged({ now, old }: { readonly now: Readonly<Node>; readonly old?: Readonly<Node> }): void {
    const isSame = old !== undefined && factsOf(now) === factsOf(old);
    if (isSame && jsonEqual(now.status?.images, old.status?.images)) return;
    this.#cache.setNode(now);
    if (!isSame) this.#clusterChanged({ kind: 'node', now, old });
  }

  #podSeen(pod: Readonly<Pod>, old: Readonly<Pod> | undefined): void {
    const key = objectKey(pod);
    if (isPodTerminal(pod)) {
      this.#queue.remove(key);
      this.#podLeft(pod);
    } else if (pod.spec.nodeName) {
      this.#queue.remove(key);
      // Only what the decision depends on is counted anew; of a status that is since when the pod runs.
      const isSame = old?.spec.nodeName !== undefined && sameDemand(pod, old);
      if (isSame && pod.status?.startTime === old.status?.startTime) return;
      this.#cache.setPod(pod);
      if (isSame) return;
      this.#clusterChanged({ kind: 'pod', now: pod, ...(old?.spec.nodeName && { old }) });
    } else if (this.#isOurs(pod)) {
      if (this.#cache.isAssumed(key)) {
        // Where its binding fails it is decided anew, as it is then.
        this.#queue.refresh(pod);
        return;
      }
      const nominated = pod.status?.nominatedNodeName;
      if (nominated) this.#cache.nominate(pod, nominated);
      else if (old?.status?.nominatedNodeName && this.#cache.nominate(pod, ''))
        this.#clusterChanged({ kind: 'pod', old });
      if (this.#queue.has(key) && old && sameDemand(pod, old)) this.#queue.refresh(pod);
      else this.#queue.add(pod);
    } else {
      this.#queue.remove(key);
      // It will not come, though it may be there for long.
      if (old && this.#cache.nominate(pod, '')) this.#clusterChanged({ kind: 'pod', old });
    }
  }

  #isOurs({ metadata, spec }: Readonly<Pod>): boolean {
    const mine = (spec.schedulerName ?? 'default-scheduler') === this.#name;
    return mine && !metadata.deletionTimestamp && (spec.schedulingGates ?? []).length === 0;
  }

  #schedule(pod: Readonly<Pod>): void {
    const context = this.#contextOf(pod);
    const dice = (bound: number) => this.#options.random.int(bound);
    const nominatedTo = (name: string) => this.#cache.nominatedTo(name);
    const decision = decide(context, { start: this.#start, dice, nominatedTo });
    if (decision.kind === 'none') {
      const { refusedBy } = decision;
      const { namespaceLabels } = context;
      // Without nodes nobody refuses.
      const helps = (changes: Changes) => refusedBy.size === 0 || mayHelp(refusedBy, { pod, namespaceLabels }, changes);
      this.#queue.failed(pod, helps);
      this.#makeRoom(context, decision);
      return;
    }
    this.#start = (this.#start + decision.examined) % Math.max(1, context.nodes.length);
    // Room that was made for it elsewhere is not needed.
    if (this.#cache.nominate(pod, decision.name)) this.#clusterChanged({ kind: 'pod', old: pod });
    this.#cache.assume(pod, decision.name);
    void this.#bind(pod, decision.name);
  }

  #contextOf(pod: Readonly<Pod>): PodContext {
    return {
      pod,
      nodes: this.#cache.nodes(),
      namespaceLabels: (name) => this.#namespaceInformer.lister.get(name)?.metadata.labels,
      serviceSelector: (pod) => this.#serviceSelectors.of(pod),
      imageNodes: (image) => this.#cache.imageNodes(image),
      volumes: this.#volumeClaims.view,
    };
  }

  /** Pushes less important pods aside where that helps, and says how it stands. */
  #makeRoom(context: PodContext, decision: Extract<Decision, { kind: 'none' }>): void {
    const { pod } = context;
    const { candidates } = decision;
    // A node on which nobody's end can help any more is given up.
    const nominated = candidates.find(({ node }) => node.metadata.name === pod.status?.nominatedNodeName);
    const refusal = notEligible(pod, nominated);
    if (refusal !== undefined) {
      this.#report(pod, { message: fitError(decision, { refusal }) });
      return;
    }
    const budgets = this.#budgetInformer.lister.list();
    const preemption = findPreemption({
      context,
      candidates,
      rejectionOn: (trial, info) => rejectionOn(trial, info, (name) => this.#cache.nominatedTo(name)),
      budgets,
    });
    if ('reasons' in preemption) {
      // Room that was made for it before has gone to others.
      if (this.#cache.nominate(pod, '')) this.#clusterChanged({ kind: 'pod', old: pod });
      this.#report(pod, { message: fitError(decision, preemption), nominated: '' });
      return;
    }
    this.#report(pod, { message: fitError(decision, 'preempted'), nominated: preemption.nodeName });
    this.#cache.nominate(pod, preemption.nodeName);
    void this.#evict(pod, preemption);
  }

  async #evict(pod: Readonly<Pod>, preemption: Preemption): Promise<void> {
    for (const other of this.#cache.nominatedTo(preemption.nodeName)) {
      if (priorityOf(other) >= priorityOf(pod)) continue;
      this.#cache.nominate(other, '');
      void this.#evictor.withdraw(other).then((now) => {
        if (now) this.#queue.refresh(now);
        // It finds another place, or makes one, when its turn comes.
        this.#queue.hurry(objectKey(other));
      });
    }
    // No victim's end will wake it.
    if (!(await this.#evictor.evict(pod, preemption))) this.#queue.retry(pod);
  }

  async #bind(pod: Readonly<Pod>, nodeName: string): Promise<void> {
    const { name, namespace = '', uid } = pod.metadata;
    const binding: Binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, ...(uid && { uid }) },
      target: { kind: 'Node', name: nodeName },
    };
    let step = 'PreBind plugin "VolumeBinding"';
    try {
      const node = this.#nodeInformer.lister.get(nodeName);
      const claims = node && this.#volumeClaims.bind(pod, node);
      if (claims) await claims;
      step = 'Bind plugin "DefaultBinder"';
      await this.#options.client.resource<Binding>(pods).create(binding, { subresource: 'binding' });
      const message = `Successfully assigned ${namespace}/${name} to ${nodeName}`;
      this.#recorder.event(pod, { type: 'Normal', reason: 'Scheduled', message });
    } catch (error) {
      this.#cache.forget(pod);
      this.#clusterChanged({ kind: 'pod', old: pod });
      if (this.#options.signal.aborted) return;
      const known = this.#podInformer.lister.get(name, namespace);
      if (isNotFound(error) && !known) return;
      this.#queue.retry(pod);
      const message = `running ${step}: ${errorMessage(error)}`;
      if (known?.metadata.uid === uid) this.#report(pod, { message, reason: 'SchedulerError' });
      this.#options.onError?.(error, `scheduler: binding of ${namespace}/${name}`);
    }
  }

  /** Says why, in an Event and in the pod's condition; and where room is made for it. */
  #report(pod: Readonly<Pod>, told: Refusal): void {
    const { message, reason = 'Unschedulable', nominated } = told;
    this.#recorder.event(pod, { type: 'Warning', reason: 'FailedScheduling', message });
    const present = pod.status?.conditions?.find((c) => c.type === 'PodScheduled');
    const isTold = present?.status === 'False' && present.reason === reason && present.message === message;
    if (isTold && (nominated === undefined || (pod.status?.nominatedNodeName ?? '') === nominated)) return;
    void this.#writeCondition(pod, { message, reason, nominated });
  }

  async #writeCondition(pod: Readonly<Pod>, { message, reason, nominated }: Refusal): Promise<void> {
    const condition = { type: 'PodScheduled', status: 'False', reason, message };
    const status = nominated === undefined ? {} : { nominatedNodeName: nominated || null };
    const isOver = ({ spec }: Readonly<Pod>) => spec.nodeName !== undefined;
    try {
      await writeCondition(pod, { client: this.#pods, clock: this.#options.clock, condition, status, isOver });
    } catch (error) {
      // The pod has gone.
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
    JSON.stringify([metadata.uid, metadata.labels, metadata.deletionTimestamp !== undefined, spec]);
  if (facts(pod) !== facts(old)) return false;
  // A status counts where it tells how far a resize has come.
  if (!reportsResources(pod) && !reportsResources(old)) return true;
  return jsonEqual(podRequests(pod), podRequests(old));
}
