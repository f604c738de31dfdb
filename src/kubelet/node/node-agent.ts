// Registers the Node, keeps its status and its Lease.

import { readFile, statfs } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import type { Lease } from '../../api/coordination/v1/types.generated.ts';
import { isNodeReady } from '../../api/core/v1/node/facts.ts';
import type { Node } from '../../api/core/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../apimachinery/status.ts';
import { formatMicroTime } from '../../apimachinery/time.ts';
import type { EventRecorder, EventText } from '../../client/events.ts';
import { reportOnce } from '../../client/report-once.ts';
import { leases, nodes } from '../../client/resources.ts';
import { overlaps, parseCIDR } from '../../net/cidr.ts';
import { Wakeup } from '../../system/wakeup.ts';
import type { RuntimeCondition } from '../cri/client.ts';
import type { Pressure } from '../eviction/eviction-manager.ts';
import type { Threshold } from '../eviction/thresholds.ts';
import { housekeepingSettings } from '../housekeeping.ts';
import type { KubeletOptions } from '../options.ts';
import { nodeEvents, nodeReference, schedulableEvent, starting } from './node-events.ts';
import { type NodeFacts, newNode, nodeLabels, nodeStatus, withoutHeartbeats } from './node-status.ts';

/** Milliseconds: the node is looked at, and a status without news is told, as by kubelet; a network that is away is asked for. */
const intervals = { look: 10_000, report: 300_000, retry: 200, network: 1000 } as const;
/** Seconds; a Lease is renewed after a quarter of it. */
const defaultLeaseDuration = 40;
const leaseNamespace = 'kube-node-lease';

async function text(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim();
}

/** What the runtime itself says that it lacks. */
function notReady(
  conditions: readonly RuntimeCondition[],
  wanted: 'RuntimeReady' | 'NetworkReady',
): string | undefined {
  const found = conditions.find(({ type, status }) => type === wanted && !status);
  return found && `${wanted}=false reason:${found.reason} message:${found.message}`;
}

/** In the words of containerd without a configuration of CNI: the node's own part of its network is not done. */
const noNetworkYet =
  'NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized';

/** Pods' cgroups are named by their paths, which a runtime that leaves cgroups to systemd does not take. */
const otherDriver = "its cgroup driver is systemd: set SystemdCgroup = false in containerd's configuration";

function prefixed(what: string, why: string | undefined): string | undefined {
  return why === undefined ? undefined : `${what}: ${why}`;
}

export interface NodeAgentOptions {
  readonly kubelet: KubeletOptions;
  readonly recorder: EventRecorder;
  /** What the node runs short of. */
  readonly pressures: () => readonly Pressure[];
}

export class NodeAgent {
  readonly #options: KubeletOptions;
  readonly #recorder: EventRecorder;
  readonly #failed: (error: unknown, what: string) => void;
  #wasUnschedulable: boolean | undefined;
  #networkReady = false;
  #networkProblem: string | undefined;
  #runtimeProblem: string | undefined;
  #isFirstLook = true;
  /** As the clock's `monotonic`. */
  #reportedAt = Number.NEGATIVE_INFINITY;
  readonly #pressures: () => readonly Pressure[];
  readonly #evictionHard: readonly Threshold[];
  readonly #wakeup = new Wakeup();

  constructor({ kubelet, recorder, pressures }: NodeAgentOptions) {
    this.#options = kubelet;
    this.#recorder = recorder;
    this.#failed = reportOnce(kubelet.log, kubelet.clock);
    this.#pressures = pressures;
    // What is kept free is settled at the start, also where thresholds come later, as tests have them.
    this.#evictionHard = [...housekeepingSettings(kubelet.housekeeping).evictionHard];
  }

  /** Looks at the node, and tells what changed, at once. */
  wake(): void {
    this.#wakeup.wake();
  }

  #say(event: EventText): void {
    this.#recorder.event(nodeReference(this.#options.nodeName), event);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#say(starting);
    void this.#options.networkReady.then(() => {
      this.#networkReady = true;
      this.wake();
    });
    await Promise.all([this.#keepStatus(signal), this.#keepLease(signal)]);
  }

  async #keepStatus(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let delay: number = intervals.look;
      try {
        await this.#report();
        // Nothing tells when the runtime has taken in the configuration of its network plugin.
        if (this.#networkReady && this.#networkProblem !== undefined) delay = intervals.network;
      } catch (error) {
        delay = intervals.retry * 5;
        this.#failed(error, 'node status');
      }
      await this.#wakeup.wait(signal, { clock: this.#options.clock, ms: delay });
    }
  }

  async #report(): Promise<void> {
    const { client, clock, nodeName } = this.#options;
    const api = client.resource<Node>(nodes);
    const facts = await this.#facts();
    const node = await this.#registered(facts);
    if (this.#isTooEarly(node)) return;
    const status = nodeStatus(facts, node.status, clock.now());
    const cordoned = schedulableEvent(node, this.#wasUnschedulable);
    if (cordoned) this.#say(cordoned);
    this.#wasUnschedulable = node.spec?.unschedulable ?? false;
    const news = !jsonEqual(withoutHeartbeats({ ...node.status, ...status }), withoutHeartbeats(node.status));
    const now = clock.monotonic();
    if (!news && now - this.#reportedAt < intervals.report) return;
    // What is advertised no longer, pods cannot have.
    const gone = Object.keys(node.status?.allocatable ?? {}).filter((name) => !(name in (status.capacity ?? {})));
    const allocatable = { ...status.allocatable, ...Object.fromEntries(gone.map((name) => [name, null])) };
    const body = { metadata: { resourceVersion: node.metadata.resourceVersion }, status: { ...status, allocatable } };
    try {
      await api.patch({ name: nodeName, type: 'merge', body }, { subresource: 'status' });
    } catch (error) {
      if (!isConflict(error)) throw error;
      // Somebody wrote meanwhile, perhaps a condition of theirs: the node is looked at anew.
      this.wake();
      return;
    }
    this.#reportedAt = now;
    for (const event of nodeEvents(nodeName, node.status, status)) this.#say(event);
  }

  /**
   * An agent that was started anew finds its pod network as it was, in a moment: a node that is Ready stays so until the
   * next look, so that nobody takes its pods out of their Services.
   */
  #isTooEarly(node: Node): boolean {
    const isFirst = this.#isFirstLook;
    this.#isFirstLook = false;
    return isFirst && this.#networkProblem !== undefined && isNodeReady(node);
  }

  /** The Node object, made when it is not there, with our labels on it. */
  async #registered(facts: NodeFacts): Promise<Node> {
    const api = this.#options.client.resource<Node>(nodes);
    try {
      const node = await api.get(facts.nodeName);
      const labels = nodeLabels(facts);
      if (Object.entries(labels).every(([key, value]) => node.metadata.labels?.[key] === value)) return node;
      return await api.patch({ name: facts.nodeName, type: 'merge', body: { metadata: { labels } } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    try {
      return await api.create(newNode(facts, await this.#freePodCIDRs()));
    } catch (error) {
      if (isAlreadyExists(error)) return api.get(facts.nodeName);
      throw error;
    }
  }

  /** A node whose object somebody deleted comes back with the ranges that its pods have addresses of, while they are free. */
  async #freePodCIDRs(): Promise<readonly string[]> {
    const podCIDRs = await this.#options.podCIDRs();
    if (podCIDRs.length === 0) return [];
    const { items } = await this.#options.client.resource<Node>(nodes).list();
    const taken = items.flatMap(({ spec }) => spec?.podCIDRs ?? []).flatMap((text) => parseCIDR(text) ?? []);
    const had = podCIDRs.flatMap((text) => parseCIDR(text) ?? []);
    return had.some((cidr) => taken.some((other) => overlaps(cidr, other))) ? [] : podCIDRs;
  }

  #logRuntime(problem: string | undefined): void {
    if (problem === this.#runtimeProblem) return;
    this.#runtimeProblem = problem;
    this.#options.log(problem ?? 'the container runtime answers');
  }

  async #facts(): Promise<NodeFacts> {
    const { cri, nodeName, nodeIPs, rootDir, version } = this.#options;
    const asked = [cri.version(), cri.listImages(), cri.status(), cri.usesSystemd()] as const;
    const found = await Promise.all(asked).catch((error: Error) => error);
    const [runtime, images = [], runtimeStatus, usesSystemd] = found instanceof Error ? [] : found;
    const conditions = runtimeStatus?.conditions ?? [];
    const lack = notReady(conditions, 'RuntimeReady') ?? (usesSystemd ? otherDriver : undefined);
    const runtimeProblem =
      found instanceof Error
        ? `container runtime is down: ${found.message}`
        : prefixed('container runtime not ready', lack);
    this.#logRuntime(runtimeProblem);
    const networkProblem = this.#networkReady ? notReady(conditions, 'NetworkReady') : noNetworkYet;
    this.#networkProblem = prefixed('container runtime network not ready', networkProblem);
    const problems = [runtimeProblem, this.#networkProblem].filter((problem) => problem !== undefined);
    const disk = await statfs(rootDir).catch(() => undefined);
    const osRelease = await text('/etc/os-release');
    return {
      nodeName,
      nodeIPs,
      cpus: cpus().length,
      memory: totalmem(),
      ephemeralStorage: disk ? disk.blocks * disk.bsize : 0,
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      kernelVersion: release(),
      osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(osRelease)?.[1] ?? 'Linux',
      machineID: await text('/etc/machine-id'),
      bootID: await text('/proc/sys/kernel/random/boot_id'),
      runtimeVersion: runtime ? `${runtime.runtimeName}://${runtime.runtimeVersion}` : 'containerd://unknown',
      kubeletVersion: version,
      features: runtimeStatus?.features,
      runtimeHandlers: runtimeStatus?.handlers,
      images: images.map((i) => ({ names: [...i.repoDigests, ...i.repoTags], sizeBytes: i.size })),
      problems,
      pressures: this.#pressures(),
      evictionHard: this.#evictionHard,
    };
  }

  async #keepLease(signal: AbortSignal): Promise<void> {
    const { clock, nodeLeaseDurationSeconds = defaultLeaseDuration } = this.#options;
    const renewal = nodeLeaseDurationSeconds * 250;
    let lease: Lease | undefined;
    let failures = 0;
    while (!signal.aborted) {
      try {
        lease = await this.#renew(lease);
        failures = 0;
      } catch (error) {
        failures += 1;
        lease = undefined;
        if (failures > 3) this.#failed(error, 'node lease');
      }
      const delay = failures === 0 ? renewal : Math.min(intervals.retry * 2 ** failures, 7000);
      await clock.sleep(delay, signal).catch(() => {});
    }
  }

  async #renew(known: Lease | undefined): Promise<Lease> {
    const {
      client,
      clock,
      nodeName,
      nodeLeaseDurationSeconds: leaseDurationSeconds = defaultLeaseDuration,
    } = this.#options;
    const api = client.resource<Lease>(leases);
    const renewTime = formatMicroTime(clock.now());
    const spec = { holderIdentity: nodeName, leaseDurationSeconds, renewTime };
    try {
      const lease = known ?? (await api.get(nodeName, leaseNamespace));
      return await api.update({ ...lease, spec: { ...lease.spec, ...spec } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    const node = await client.resource<Node>(nodes).get(nodeName);
    const owner = { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid ?? '' };
    return api.create({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: nodeName, namespace: leaseNamespace, ownerReferences: [owner] },
      spec,
    });
  }
}
