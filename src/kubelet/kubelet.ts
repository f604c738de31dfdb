// The kubelet: one worker per pod of this node, woken by the API, by the runtime's events and by probes.
import { mkdir } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { Node, Pod, Service } from '../api/core/v1/types.generated.ts';
import { objectKey } from '../apimachinery/object.ts';
import { createEventRecorder, type EventRecorder } from '../client/events.ts';
import { nodes, pods, services } from '../client/resources.ts';
import type { TunnelHandler } from '../client/tunnel.ts';
import type { Informer } from '../client/types.ts';
import { watchExits } from './cri/events.ts';
import { Housekeeping } from './housekeeping.ts';
import { NodeAgent } from './node/node-agent.ts';
import { nodeReference } from './node/node-events.ts';
import type { KubeletOptions } from './options.ts';
import { type Admission, admission, resizeRefusal } from './pod/admission.ts';
import type { ResizeRefusal } from './pod/allocation.ts';
import { cgroupMount, isUnified } from './pod/cgroups.ts';
import { type ClusterDNS, parseResolvConf } from './pod/dns-settings.ts';
import { ImagePuller } from './pod/images.ts';
import { endOrphans } from './pod/orphans.ts';
import type { PodContext } from './pod/pod-context.ts';
import { PodSources } from './pod/pod-sources.ts';
import { PodWorker } from './pod/pod-worker.ts';
import { preempted } from './pod/preemption.ts';
import { RuntimeReader } from './pod/runtime.ts';
import { UserNamespaces } from './pod/user-namespaces.ts';
import { ProbeMetrics } from './probes/probe-metrics.ts';
import { kubeletHandler } from './server.ts';
import { isMirror } from './static/static-pod.ts';
import { StaticPods } from './static/static-pods.ts';
import { DetailReader } from './stats/detail.ts';
import { UsageMeter } from './stats/usage-meter.ts';
import { LocalFolders } from './volumes/local-folders.ts';
import { VolumeManager } from './volumes/volume-manager.ts';

/** Without the runtime's events, pods are looked at this often (ms); with them this is the net below. */
const relist = 10_000;
const eventsRetry = 500;

export class Kubelet {
  readonly #options: KubeletOptions;
  readonly #workers = new Map<string, PodWorker>();
  readonly #pods: Informer<Pod>;
  readonly #services: Informer<Service>;
  readonly #nodes: Informer<Node>;
  readonly #recorder: EventRecorder;
  readonly #context: PodContext;
  readonly #agent: NodeAgent;
  readonly #housekeeping: Housekeeping;
  readonly #static: StaticPods;
  readonly #usage: UsageMeter;

  constructor(options: KubeletOptions) {
    this.#options = options;
    const { client, clock, random, nodeName, informers, cri, exec, rootDir } = options;
    this.#pods = informers.informer<Pod>(pods, { fieldSelector: `spec.nodeName=${nodeName}` });
    this.#services = informers.informer<Service>(services);
    this.#nodes = informers.informer<Node>(nodes);
    this.#recorder = createEventRecorder({ client, clock, random, component: 'kubelet', host: nodeName });
    this.#usage = new UsageMeter({ cri, clock, rootDir });
    this.#static = new StaticPods({
      client,
      nodeName,
      log: options.log,
      start: (pod) => {
        this.#begin(new PodWorker(pod, this.#context, { isStatic: true }));
      },
      remove: (uid) => {
        this.#workers.get(uid)?.remove();
        return this.#workers.has(uid);
      },
      mirrored: (uid, mirror) => this.#workers.get(uid)?.mirrored(mirror),
    });
    const volumes = new VolumeManager({ exec, rootDir });
    this.#context = {
      options,
      recorder: this.#recorder,
      reader: new RuntimeReader(cri),
      volumes,
      userNamespaces: new UserNamespaces({ podDir: (uid) => volumes.podDir(uid), known: () => volumes.known() }),
      images: new ImagePuller(cri, clock),
      sources: new PodSources(client, clock),
      services: this.#services.lister,
      nodes: this.#nodes.lister,
      dns: () => this.#dns(),
      resizeRefusal: (pod) => this.#resizeRefusal(pod),
      probeMetrics: new ProbeMetrics(),
      logRoot: this.logRoot,
      nodeResources: { nodeMemory: totalmem(), isUnified: isUnified(cgroupMount) },
      finished: (pod) => {
        this.#workers.delete(pod.metadata.uid ?? '');
        this.#static.ended(pod);
      },
    };
    this.#housekeeping = new Housekeeping({
      kubelet: options,
      volumes: this.#context.volumes,
      logRoot: this.logRoot,
      workers: () => this.#workers.values(),
      changed: () => this.#agent.wake(),
      event: (event) => this.#recorder.event(nodeReference(nodeName), event),
    });
    this.#agent = new NodeAgent({
      kubelet: options,
      recorder: this.#recorder,
      pressures: () => this.#housekeeping.eviction.pressures(),
    });
  }

  /** Folder of the pods' logs, laid out as /var/log/pods. */
  get logRoot(): string {
    return join(this.#options.rootDir, 'log', 'pods');
  }

  /** The pods of this node with their status, as this kubelet knows them. */
  pods(): readonly Pod[] {
    return [...this.#workers.values()].map(({ pod, status }) => ({ ...pod, ...(status && { status }) }));
  }

  /**
   * Path of the network namespace of the pod that has the address; undefined for the node's own. Rejects where no pod of this
   * node has it.
   */
  async networkNamespaceOf(address: string): Promise<string | undefined> {
    const path = await this.#context.reader.networkNamespaceOf(address);
    const isOfHost = (pod: Pod) => pod.spec.hostNetwork && pod.status?.podIPs?.some(({ ip }) => ip === address);
    if (path !== undefined || this.pods().some(isOfHost)) return path;
    throw new Error(`no pod of ${this.#options.nodeName} has the address ${address}`);
  }

  /** Serves the kubelet's own API (logs, exec, attach, port-forward, …) to the tunnel. */
  get handler(): TunnelHandler {
    const { cri, clock, nodeName, cgroupRoot } = this.#options;
    const { reader, probeMetrics } = this.#context;
    const observe = (uid: string) => reader.observe(uid);
    const localFolders = new LocalFolders(this.#options.rootDir);
    const pods = () => this.pods();
    const detail = new DetailReader({
      ...this.#options,
      logRoot: this.logRoot,
      volumePaths: (uid) => this.#workers.get(uid)?.volumePaths ?? new Map(),
    });
    return kubeletHandler({
      cri,
      clock,
      nodeName,
      nodeInfo: () => this.#nodes.lister.get(nodeName)?.status?.nodeInfo ?? {},
      cgroupRoot,
      probeMetrics,
      logRoot: this.logRoot,
      localFolders,
      usage: this.#usage,
      detail,
      pods,
      observe,
    });
  }

  /** Runs until the signal aborts. Containers go on running; the next kubelet finds them. */
  async run(signal: AbortSignal): Promise<void> {
    await mkdir(this.logRoot, { recursive: true });
    const agent = this.#agent.run(signal);
    await Promise.all([this.#pods.synced(signal), this.#services.synced(signal), this.#nodes.synced(signal)]);
    // Pods that come after those of the first list are of nobody before this kubelet.
    let isNew = false;
    this.#pods.addHandler({
      added: (pod) => this.#added(pod as Pod, { isNew }),
      updated: (pod, old) => {
        if (old.metadata.uid !== pod.metadata.uid) this.#workers.get(old.metadata.uid ?? '')?.remove();
        this.#added(pod as Pod, { isNew });
      },
      deleted: (pod) => {
        if (isMirror(pod)) this.#static.seen(objectKey(pod), undefined);
        else this.#workers.get(pod.metadata.uid ?? '')?.remove();
      },
    });
    isNew = true;
    const { running: folder } = await this.#startStaticPods(signal);
    await Promise.all([
      agent,
      folder,
      this.#endOrphans(signal),
      this.#followRuntime(signal),
      this.#relist(signal),
      this.#housekeeping.run(signal),
    ]);
    for (const worker of this.#workers.values()) worker.stop();
  }

  #added(pod: Pod, { isNew }: { readonly isNew: boolean }): void {
    if (isMirror(pod)) {
      this.#static.seen(objectKey(pod), pod);
      return;
    }
    const uid = pod.metadata.uid ?? '';
    const known = this.#workers.get(uid);
    if (known) {
      known.update(pod);
      return;
    }
    this.#begin(new PodWorker(pod, this.#context, { isNew: isNew && !pod.status?.startTime }));
  }

  /** A worker's first step: its pod runs, or is refused, and pods that must end for it do. */
  #begin(worker: PodWorker): void {
    const { pod } = worker;
    const { refused, preempted: victims = [] } = this.#admission(pod);
    const leaving = victims.flatMap(({ metadata }) => this.#workers.get(metadata.uid ?? '') ?? []);
    for (const victim of leaving) {
      const { name, namespace } = victim.pod.metadata;
      this.#options.log(`ending ${namespace}/${name} so that ${pod.metadata.namespace}/${pod.metadata.name} fits`);
      victim.end(preempted);
    }
    worker.startAfter(leaving);
    this.#workers.set(pod.metadata.uid ?? '', worker);
    if (refused) worker.end(refused);
    else worker.wake();
  }

  /** Whether a pod that is new to this node may run on it. */
  #admission(pod: Pod): Admission {
    const node = this.#nodes.lister.get(this.#options.nodeName);
    if (!node || pod.status?.startTime || pod.metadata.deletionTimestamp) return {};
    const underPressure = this.#housekeeping.eviction.refusal(pod);
    if (underPressure) return { refused: underPressure };
    const { allowedUnsafeSysctls: allowedSysctls = [] } = this.#options;
    return admission({ pod, node, others: this.#othersThan(pod), allowedSysctls });
  }

  #resizeRefusal(pod: Pod): ResizeRefusal | undefined {
    const node = this.#nodes.lister.get(this.#options.nodeName);
    return node && resizeRefusal({ pod, node, others: this.#othersThan(pod) });
  }

  /** The other pods that hold ports and resources of the node. */
  #othersThan({ metadata: { uid } }: Pod): Pod[] {
    const holders = [...this.#workers.values()].filter((worker) => worker.holdsResources);
    return holders.map((worker) => worker.pod).filter((pod) => pod.metadata.uid !== uid);
  }

  /** Resolves when the folder's pods are known; `running` resolves at its end. */
  async #startStaticPods(signal: AbortSignal): Promise<{ readonly running?: Promise<void> }> {
    const { staticPodPath: path, nodeName, clock, log } = this.#options;
    if (path === undefined) return {};
    await mkdir(path, { recursive: true });
    const { ManifestFolder } = await import('./static/manifest-folder.ts');
    const known = Promise.withResolvers<void>();
    const changed = (found: readonly Pod[]) => {
      this.#static.changed(found);
      known.resolve();
    };
    const running = new ManifestFolder({ path, nodeName, clock, log, changed }).run(signal);
    await Promise.race([known.promise, running]);
    return { running };
  }

  async #endOrphans(signal: AbortSignal): Promise<void> {
    const isKnown = (uid: string) => this.#workers.has(uid);
    const end = (pod: Pod) => {
      const worker = new PodWorker(pod, this.#context);
      this.#workers.set(pod.metadata.uid ?? '', worker);
      worker.remove();
    };
    await endOrphans({ ...this.#options, volumes: this.#context.volumes, isKnown, end }, signal);
  }

  async #followRuntime(signal: AbortSignal): Promise<void> {
    const { clock, cri, runtimeSocket } = this.#options;
    let isAway = false;
    while (!signal.aborted) {
      try {
        if (isAway) {
          await cri.version();
          isAway = false;
          this.#agent.wake();
        }
        await watchExits({ socketPath: runtimeSocket, signal, onExit: (id) => this.#exited(id) });
      } catch {
        // The runtime is away, or restarts: whatever ended meanwhile is found by looking at every pod.
        for (const worker of this.#workers.values()) worker.wake();
        // What the node lacks is told at once, and so is that it is back.
        if (!isAway && !signal.aborted) this.#agent.wake();
        isAway = true;
      }
      await clock.sleep(eventsRetry, signal).catch(() => {});
    }
  }

  /** A container that ended before its worker knew it may be anyone's. */
  #exited(containerId: string): void {
    const workers = [...this.#workers.values()];
    const owner = workers.find((w) => w.owns(containerId));
    for (const worker of owner ? [owner] : workers) worker.exited(containerId);
  }

  async #relist(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(relist, signal).catch(() => {});
      if (signal.aborted) return;
      for (const worker of this.#workers.values()) worker.wake();
      this.#static.syncAll();
    }
  }

  async #dns(): Promise<ClusterDNS> {
    const { files, clusterDNS, clusterDomain = 'cluster.local' } = this.#options;
    const node = parseResolvConf((await files.read('/etc/resolv.conf')) ?? '');
    return { servers: clusterDNS, domain: clusterDomain, node };
  }
}
