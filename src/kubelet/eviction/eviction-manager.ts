// Looks every few seconds at what the machine has left and at pods that may fill disks, and ends one pod at a time.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import { qosClass } from '../../api/core/v1/pod/qos.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { EventText } from '../../client/events.ts';
import type { Clock } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import type { Cri } from '../cri/client.ts';
import { type ContainerStats, containerState } from '../cri/messages.ts';
import { cgroupMount } from '../pod/cgroups.ts';
import { formatPod, identityOf, isCritical, labels, logFolder } from '../pod/identity.ts';
import type { Verdict } from '../pod/pod-status.ts';
import { podCgroup } from '../pod/resources.ts';
import { processCount } from '../stats/cgroup-usage.ts';
import { diskUse } from '../stats/disk-meter.ts';
import { machineUsage } from '../stats/machine.ts';
import { ImageCollector } from './image-collector.ts';
import type { ImageLimits } from './image-garbage.ts';
import {
  type ContainerUsage,
  evicted,
  hasDiskLimits,
  overLimit,
  type PodUsage,
  pressureRefusal,
  rank,
} from './ranking.ts';
import { isOfDisk, type Resource, type Shortage, shortages, type Threshold } from './thresholds.ts';
import { graceFor, nothingSeen, shortestGrace, watch } from './watch.ts';

/** A pod of the node that can be ended. */
export interface Evictable {
  readonly pod: Pod;
  readonly holdsResources: boolean;
  /** Whether what the pod had on the node is free again, save its record in the runtime. */
  readonly isCleared: boolean;
  end(verdict: Verdict, grace: number): void;
}

export interface EvictionManagerOptions {
  readonly cri: Cri;
  readonly clock: Clock;
  readonly exec: Exec;
  readonly rootDir: string;
  readonly cgroupRoot: string;
  readonly logRoot: string;
  readonly thresholds: () => readonly Threshold[];
  /** Seconds at the most that a pod has to end for a soft threshold; 0 for as many as it has of its own. */
  readonly maxPodGrace: number;
  readonly imageLimits: ImageLimits;
  readonly workers: () => Iterable<Evictable>;
  /** The folder of a pod's emptyDir. */
  readonly emptyDir: (uid: string, volume: string) => string;
  /** Milliseconds: how long a pressure is told of after it is over. */
  readonly transition: number;
  /** Pressures came or went. */
  readonly changed: () => void;
  /** Says something of the node. */
  readonly event: (event: EventText) => void;
  readonly log: (message: string) => void;
}

export type Pressure = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure';

const pressureOf: Readonly<Record<Resource, Pressure>> = {
  memory: 'MemoryPressure',
  'ephemeral-storage': 'DiskPressure',
  inodes: 'DiskPressure',
  pids: 'PIDPressure',
};

/** kubelet's --eviction-pressure-transition-period, in milliseconds. */
export const defaultTransition = 300_000;
/** Milliseconds that an evicted pod may take to be gone before the next is chosen (kubelet's podCleanupTimeout). */
const clearing = 30_000;

export class EvictionManager {
  readonly #options: EvictionManagerOptions;
  /** By pressure, when it was last seen (as the clock's `monotonic`). */
  readonly #seen = new Map<Pressure, number>();
  readonly #images: ImageCollector;
  #told = '';
  #watch = nothingSeen;
  /** Whose room is on its way back: nobody else is evicted until then. */
  #evicted: { readonly worker: Evictable; readonly until: number } | undefined;

  constructor(options: EvictionManagerOptions) {
    this.#options = options;
    const { imageLimits: limits } = options;
    this.#images = new ImageCollector({ ...options, limits });
  }

  /** What the node's conditions say now. */
  pressures(): readonly Pressure[] {
    const now = this.#options.clock.monotonic();
    return [...this.#seen].filter(([, at]) => now - at < this.#options.transition).map(([pressure]) => pressure);
  }

  /** Why a new pod is not taken; undefined when it is. */
  refusal(pod: Pod): Verdict | undefined {
    return pressureRefusal(pod, qosClass(pod), this.pressures());
  }

  /** To be called once, when the kubelet begins. */
  begin(): Promise<void> {
    return this.#images.begin();
  }

  /** Looks once. */
  async look(): Promise<void> {
    const { clock, rootDir, thresholds, event, log } = this.#options;
    // Where processes run short, none can be started that counts disks.
    const cannotTell = (error: Error) => {
      log(`limits of disk: ${error.message}`);
      return false;
    };
    const machine = await machineUsage(rootDir, clock.now());
    this.#watch = watch(this.#watch, { thresholds: thresholds(), usage: machine, now: clock.monotonic() });
    this.#note(this.#watch.met);
    // Who took more than it may is gone before others have to.
    if (await this.#checkLimits().catch(cannotTell)) return;
    const [shortage] = this.#watch.due;
    if (!shortage) {
      await this.#images.collect(machine.disk);
      return;
    }
    const { resource } = shortage;
    event({ type: 'Warning', reason: 'EvictionThresholdMet', message: `Attempting to reclaim ${resource}` });
    if (isOfDisk(resource)) {
      await this.#removeDeadContainers();
      await this.#images.removeUnused();
    }
    await this.#relieve(shortage);
  }

  #note(found: readonly Shortage[]): void {
    const before = this.#told;
    for (const { resource } of found) {
      this.#seen.set(pressureOf[resource], this.#options.clock.monotonic());
    }
    // One that is over for long enough is news too.
    this.#told = this.pressures().join();
    if (this.#told !== before) this.#options.changed();
  }

  /** What is left in the runtime of pods that have ended, with their logs; `kubectl logs` of them has nothing any more. */
  async #removeDeadContainers(): Promise<void> {
    const { cri, logRoot, log } = this.#options;
    const pods = [...this.#options.workers()].map(({ pod }) => pod).filter(isPodTerminal);
    for (const container of await cri.listContainers()) {
      const uid = container.labels[labels.podUID];
      const pod = pods.find(({ metadata }) => metadata.uid === uid);
      if (!pod || container.state !== containerState.exited) continue;
      const name = container.labels[labels.containerName] ?? '';
      log(`container ${name} of ${formatPod(identityOf(pod))} is removed: it has ended and the disk is full`);
      await cri.removeContainer(container.id);
      await rm(join(logFolder(logRoot, pod), name), { recursive: true, force: true });
    }
  }

  /** Disk is first sought in images that nobody uses; then, and for all else, one pod goes. */
  async #relieve(shortage: Shortage): Promise<void> {
    const { clock, rootDir, log } = this.#options;
    if (isOfDisk(shortage.resource)) {
      const thresholds = this.#options.thresholds();
      const still = shortages(thresholds, await machineUsage(rootDir, clock.now()), thresholds);
      if (!still.some(({ resource }) => resource === shortage.resource)) return;
    }
    if (this.#evicted && !this.#evicted.worker.isCleared && clock.monotonic() < this.#evicted.until) return;
    const running = [...this.#options.workers()].filter((worker) => worker.holdsResources);
    const pods = running.map(({ pod }) => pod);
    const usages = await this.#usages(pods, shortage.resource);
    const [first] = rank(usages, shortage);
    const worker = running.find(({ pod }) => pod === first?.pod);
    if (!first || !worker) return;
    log(`evicting ${first.pod.metadata.namespace}/${first.pod.metadata.name}: ${shortage.resource} runs short`);
    const grace = graceFor(first.pod, shortage.by, this.#options.maxPodGrace);
    this.#evicted = { worker, until: clock.monotonic() + grace * 1000 + clearing };
    worker.end(evicted(first, shortage), grace);
  }

  /** Whether a pod was evicted that took more than its limits. */
  async #checkLimits(): Promise<boolean> {
    const isLimited = ({ holdsResources, pod }: Evictable) => holdsResources && hasDiskLimits(pod) && !isCritical(pod);
    const limited = [...this.#options.workers()].filter(isLimited);
    if (limited.length === 0) return false;
    let hasEvicted = false;
    for (const usage of await this.#usages(
      limited.map(({ pod }) => pod),
      'ephemeral-storage',
    )) {
      const message = overLimit(usage);
      if (message === undefined) continue;
      // It brought that on itself: no disruption.
      limited.find(({ pod }) => pod === usage.pod)?.end({ reason: 'Evicted', message }, shortestGrace);
      hasEvicted = true;
    }
    return hasEvicted;
  }

  /** What pods take, as far as it is asked for the sake of this resource. */
  async #usages(pods: readonly Pod[], resource: Resource): Promise<PodUsage[]> {
    const { cri, exec, emptyDir, cgroupRoot } = this.#options;
    if (resource === 'pids') {
      const counted = pods.map(async (pod): Promise<PodUsage> => {
        const processes = (await processCount(cgroupMount, podCgroup(cgroupRoot, pod))) ?? 0;
        return { pod, containers: new Map(), emptyDirs: new Map(), processes };
      });
      return Promise.all(counted);
    }
    const stats = await cri.listContainerStats();
    const paths = pods.flatMap((pod) => emptyDirsOf(pod).map((name) => emptyDir(pod.metadata.uid ?? '', name)));
    const bytes = await diskUse(exec, paths, 'bytes');
    const inodes = resource === 'inodes' ? await diskUse(exec, paths, 'inodes') : undefined;
    return Promise.all(pods.map((pod) => this.#usage(pod, { stats, bytes, inodes })));
  }

  async #usage(pod: Pod, { stats, bytes, inodes }: Measured): Promise<PodUsage> {
    const { logRoot, emptyDir } = this.#options;
    const uid = pod.metadata.uid ?? '';
    const own = stats.filter(({ attributes }) => attributes?.labels[labels.podUID] === uid);
    const containers = new Map<string, ContainerUsage>();
    for (const { attributes, memory, writableLayer } of own) {
      const name = attributes?.labels[labels.containerName];
      if (name === undefined) continue;
      const logs = await folderSize(join(logFolder(logRoot, pod), name));
      const disk = (writableLayer?.usedBytes?.value ?? 0) + logs;
      containers.set(name, { memory: memory?.workingSetBytes?.value ?? 0, disk });
    }
    const folders = emptyDirsOf(pod).map((name) => [name, emptyDir(uid, name)] as const);
    const emptyDirs = new Map(folders.map(([name, path]) => [name, bytes.get(path) ?? 0]));
    if (!inodes) return { pod, containers, emptyDirs };
    const inLayers = own.map(({ writableLayer }) => writableLayer?.inodesUsed?.value ?? 0);
    const inVolumes = folders.map(([, path]) => inodes.get(path) ?? 0);
    return { pod, containers, emptyDirs, inodes: [...inLayers, ...inVolumes].reduce((sum, count) => sum + count, 0) };
  }
}

/** Of all pods that are looked at; of folders by their paths. */
interface Measured {
  readonly stats: readonly ContainerStats[];
  readonly bytes: ReadonlyMap<string, number>;
  /** Undefined where they are not asked for. */
  readonly inodes: ReadonlyMap<string, number> | undefined;
}

/** Names of those on disk. */
const emptyDirsOf = ({ spec }: Pod): string[] =>
  (spec.volumes ?? []).flatMap(({ name, emptyDir }) => (emptyDir && emptyDir.medium !== 'Memory' ? [name] : []));

async function folderSize(path: string): Promise<number> {
  const names = await readdir(path).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(path, name)).then(
        (s) => s.size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
