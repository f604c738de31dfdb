// Registers hollow nodes, keeps their Leases, and plays the kubelet of each.
import type { Lease } from '../../api/coordination/v1/types.generated.ts';
import type { Node, Pod } from '../../api/core/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../apimachinery/status.ts';
import { formatMicroTime } from '../../apimachinery/time.ts';
import { leases, nodes, pods } from '../../client/resources.ts';
import type { Client, Informer, Informers, ResourceClient } from '../../client/types.ts';
import { WorkQueue } from '../../client/work-queue.ts';
import type { Clock } from '../../system/clock.ts';
import { type NodeFacts, newNode, nodeStatus } from '../node/node-status.ts';
import { mostHollowNodes, nodeIPOf, PodAddresses, podCIDROf } from './addresses.ts';
import { playPod } from './play.ts';

export interface HollowNodesOptions {
  readonly client: Client;
  /** Run by the caller, who shares them with others. */
  readonly informers: Informers;
  readonly clock: Clock;
  /** 1 to {@link mostHollowNodes}. */
  readonly count: number;
  /** Shown as the nodes' kubeletVersion. */
  readonly version: string;
  readonly signal: AbortSignal;
  readonly onError?: (error: unknown, what: string) => void;
}

/** Milliseconds and seconds: kubelet's defaults. */
const leasePeriod = 10_000;
const leaseDurationSeconds = 40;
const leaseNamespace = 'kube-node-lease';
const workers = 20;
/** Milliseconds. No kubelet ends a pod sooner, and `kubectl delete` misses the end of one whose name comes back at once. */
const stopTime = 250;

/** Runs until the signal aborts. The nodes stay: a server that starts again goes on with them. */
export async function runHollowNodes(options: HollowNodesOptions): Promise<void> {
  await new HollowNodes(options).run(options.signal);
}

class HollowNodes {
  readonly #options: HollowNodesOptions;
  readonly #pods: ResourceClient<Pod>;
  readonly #leases: ResourceClient<Lease>;
  readonly #informer: Informer<Pod>;
  readonly #queue: WorkQueue;
  readonly #registered = new Set<string>();
  /** When pods whose containers are being stopped will have ended, by their uids. */
  readonly #stopping = new Map<string, number>();
  readonly #addresses = new Map<string, { readonly nodeIP: string; readonly pods: PodAddresses }>();

  constructor(options: HollowNodesOptions) {
    this.#options = options;
    this.#pods = options.client.resource<Pod>(pods);
    this.#leases = options.client.resource<Lease>(leases);
    this.#informer = options.informers.informer<Pod>(pods);
    this.#queue = new WorkQueue({ clock: options.clock, maxDelay: 10_000 });
    for (let index = 0; index < Math.min(options.count, mostHollowNodes); index += 1) {
      this.#addresses.set(nameOf(index), { nodeIP: nodeIPOf(index), pods: new PodAddresses(index) });
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const see = (pod: Readonly<Pod>) => {
      if (this.#addresses.has(pod.spec.nodeName ?? '')) this.#queue.add(objectKey(pod));
    };
    signal.addEventListener('abort', () => this.#queue.shutDown(), { once: true });
    this.#informer.addHandler({
      added: (pod) => {
        this.#keepAddress(pod);
        see(pod);
      },
      updated: see,
      deleted: (pod) => {
        this.#stopping.delete(pod.metadata.uid ?? '');
        this.#addresses.get(pod.spec.nodeName ?? '')?.pods.release(objectKey(pod));
      },
    });
    try {
      await this.#informer.synced(signal);
      await Promise.all([this.#register(signal), ...Array.from({ length: workers }, () => this.#work(signal))]);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** After a restart pods keep the addresses that they had. */
  #keepAddress(pod: Readonly<Pod>): void {
    const { podIP } = pod.status ?? {};
    if (podIP === undefined || pod.spec.hostNetwork) return;
    this.#addresses.get(pod.spec.nodeName ?? '')?.pods.of(objectKey(pod), podIP);
  }

  async #register(signal: AbortSignal): Promise<void> {
    const names = [...this.#addresses.keys()];
    // Spread over the period, so that a thousand nodes do not beat at once.
    const groups = Math.min(names.length, 10);
    const beat = async (group: number) => {
      while (!signal.aborted) {
        for (const [i, name] of names.entries()) {
          if (i % groups !== group || signal.aborted) continue;
          await this.#tell(`node ${name}`, async () => {
            if (this.#registered.has(name)) return this.#renew(name);
            await this.#registerNode(i, name);
            this.#registered.add(name);
            await this.#lease(name).catch(() => this.#renew(name));
          });
        }
        await this.#options.clock.sleep(leasePeriod, signal).catch(() => {});
      }
    };
    await Promise.all(Array.from({ length: groups }, (_, group) => beat(group)));
  }

  async #registerNode(index: number, name: string): Promise<void> {
    const { client, clock, version } = this.#options;
    const api = client.resource<Node>(nodes);
    const facts = factsOf(name, nodeIPOf(index), version);
    const fresh = newNode(facts);
    const podCIDR = podCIDROf(index);
    fresh.metadata.labels = { ...fresh.metadata.labels, 'portico.dev/hollow': 'true' };
    fresh.spec = { podCIDR, podCIDRs: [podCIDR], providerID: `hollow://${name}` };
    fresh.status = nodeStatus(facts, undefined, clock.now());
    try {
      await api.create(fresh);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const status = nodeStatus(facts, (await api.get(name)).status, clock.now());
      // A patch: controllers write to a node at the same moment.
      await api.patch({ name, type: 'merge', body: { status } }, { subresource: 'status' });
    }
  }

  /** Makes the Lease of a node that has none. */
  async #lease(name: string): Promise<void> {
    const renewTime = formatMicroTime(this.#options.clock.now());
    const spec = { holderIdentity: name, leaseDurationSeconds, renewTime };
    const metadata = { name, namespace: leaseNamespace };
    await this.#leases.create({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec });
  }

  async #renew(name: string): Promise<void> {
    const renewTime = formatMicroTime(this.#options.clock.now());
    try {
      await this.#leases.patch({ name, namespace: leaseNamespace, type: 'merge', body: { spec: { renewTime } } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await this.#lease(name);
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.#queue.get();
      if (key === undefined) return;
      const worked = await this.#tell(`pod ${key}`, () => this.#sync(key));
      if (worked) this.#queue.forget(key);
      else if (!signal.aborted) this.#queue.addRateLimited(key);
      this.#queue.done(key);
    }
  }

  async #sync(key: string): Promise<void> {
    const [namespace = '', name = ''] = key.split('/');
    const pod = this.#informer.lister.get(name, namespace);
    const place = this.#addresses.get(pod?.spec.nodeName ?? '');
    if (!pod || !place) return;
    const podIP = () => place.pods.of(key, pod.status?.podIP);
    const play = playPod({ pod, nodeIP: place.nodeIP, podIP, now: this.#options.clock.now() });
    if (play.status) {
      await this.#pods.update({ ...(jsonCopy(pod) as Pod), status: play.status }, { subresource: 'status' });
    }
    if (play.end) await this.#stop(key, pod);
    if (play.wakeAfter !== undefined) this.#queue.addAfter(key, play.wakeAfter);
  }

  async #stop(key: string, { metadata: { name = '', namespace = '', uid = '' } }: Readonly<Pod>): Promise<void> {
    const now = this.#options.clock.now();
    const stopped = this.#stopping.get(uid) ?? now + stopTime;
    this.#stopping.set(uid, stopped);
    if (stopped > now) {
      this.#queue.addAfter(key, stopped - now);
      return;
    }
    await this.#pods.delete(name, namespace, { gracePeriodSeconds: 0, preconditions: { uid } });
  }

  /** False when it failed; a view that was behind is nothing to tell. */
  async #tell(what: string, act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      if (isNotFound(error)) return true;
      const { signal, onError } = this.#options;
      if (!signal.aborted && !isConflict(error)) onError?.(error, `hollow ${what}`);
      return false;
    }
  }
}

function nameOf(index: number): string {
  return `hollow-${index + 1}`;
}

function factsOf(nodeName: string, nodeIP: string, version: string): NodeFacts {
  return {
    nodeName,
    nodeIPs: [nodeIP],
    cpus: 32,
    memory: 256 * 2 ** 30,
    ephemeralStorage: 512 * 2 ** 30,
    architecture: 'amd64',
    kernelVersion: 'none',
    osImage: 'hollow',
    machineID: nodeName,
    bootID: nodeName,
    runtimeVersion: `hollow://${version}`,
    kubeletVersion: version,
    images: [],
    problems: [],
  };
}
