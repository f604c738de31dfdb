// Looks every few seconds at what the machine has left and at pods that may fill disks, and ends one pod at a time.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { Clock } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import type { Cri } from '../cri/client.ts';
import type { ContainerStats } from '../cri/messages.ts';
import { identityOf, labels, logFolder } from '../pod/identity.ts';
import type { Verdict } from '../pod/pod-status.ts';
import { qosClass } from '../pod/resources.ts';
import { type MachineUsage, machineUsage } from '../stats/machine.ts';
import { bytesToFree, type ImageLimits, imagesToRemove } from './image-garbage.ts';
import {
  type ContainerUsage,
  hasDiskLimits,
  lowMessage,
  overLimit,
  type PodUsage,
  pressureRefusal,
  rank,
} from './ranking.ts';
import { type Shortage, shortages, type Threshold } from './thresholds.ts';

/** A pod of the node that can be ended. */
export interface Evictable {
  readonly pod: Pod;
  readonly holdsResources: boolean;
  end(verdict: Verdict, grace: number): void;
}

export interface EvictionManagerOptions {
  readonly cri: Cri;
  readonly clock: Clock;
  readonly exec: Exec;
  readonly rootDir: string;
  readonly logRoot: string;
  readonly thresholds: readonly Threshold[];
  readonly imageLimits: ImageLimits;
  readonly workers: () => Iterable<Evictable>;
  /** The folder of a pod's emptyDir. */
  readonly emptyDir: (uid: string, volume: string) => string;
  /** Pressures came or went. */
  readonly changed: () => void;
  readonly log: (message: string) => void;
}

export type Pressure = 'MemoryPressure' | 'DiskPressure';

/** Milliseconds: how long a pressure is told of after it is over (kubelet's eviction-pressure-transition-period). */
const transition = 300_000;
/** Images are looked through this often. */
const imagePeriod = 300_000;

export class EvictionManager {
  readonly #options: EvictionManagerOptions;
  /** By pressure, when it was last seen (milliseconds since the epoch). */
  readonly #seen = new Map<Pressure, number>();
  readonly #images = new Map<string, { first: number; last: number }>();
  #imagesAt = 0;

  constructor(options: EvictionManagerOptions) {
    this.#options = options;
  }

  /** What the node's conditions say now. */
  pressures(): readonly Pressure[] {
    const now = this.#options.clock.now();
    return [...this.#seen].filter(([, at]) => now - at < transition).map(([pressure]) => pressure);
  }

  /** Why a new pod is not taken; undefined when it is. */
  refusal(pod: Pod): Verdict | undefined {
    return pressureRefusal(pod, qosClass(pod), this.pressures());
  }

  /** Looks once. */
  async look(): Promise<void> {
    const { clock, rootDir, thresholds } = this.#options;
    const machine = await machineUsage(rootDir, clock.now());
    const [shortage] = this.#note(shortages(thresholds, machine));
    await this.#collectImages(machine, shortage);
    if (shortage) await this.#relieve(shortage);
    await this.#checkLimits();
  }

  #note(found: readonly Shortage[]): readonly Shortage[] {
    const before = this.pressures().length;
    for (const { resource } of found) {
      this.#seen.set(resource === 'memory' ? 'MemoryPressure' : 'DiskPressure', this.#options.clock.now());
    }
    if (this.pressures().length !== before) this.#options.changed();
    return found;
  }

  /** Disk is first sought in images that nobody uses; then, and for memory, one pod goes. */
  async #relieve(shortage: Shortage): Promise<void> {
    const { clock, rootDir, thresholds, log } = this.#options;
    if (shortage.resource !== 'memory') {
      const still = shortages(thresholds, await machineUsage(rootDir, clock.now()));
      if (!still.some(({ resource }) => resource === shortage.resource)) return;
    }
    const running = [...this.#options.workers()].filter((worker) => worker.holdsResources);
    const usages = await this.#usages(running.map(({ pod }) => pod));
    const [first] = rank(usages, shortage);
    const worker = running.find(({ pod }) => pod === first?.pod);
    if (!first || !worker) return;
    log(`evicting ${first.pod.metadata.namespace}/${first.pod.metadata.name}: ${shortage.resource} runs short`);
    worker.end({ reason: 'Evicted', message: lowMessage(first, shortage), isDisruption: true }, 0);
  }

  async #checkLimits(): Promise<void> {
    const limited = [...this.#options.workers()].filter((worker) => worker.holdsResources && hasDiskLimits(worker.pod));
    if (limited.length === 0) return;
    for (const usage of await this.#usages(limited.map(({ pod }) => pod))) {
      const message = overLimit(usage);
      if (message === undefined) continue;
      limited.find(({ pod }) => pod === usage.pod)?.end({ reason: 'Evicted', message, isDisruption: true }, 0);
    }
  }

  async #usages(pods: readonly Pod[]): Promise<PodUsage[]> {
    const stats = await this.#options.cri.listContainerStats();
    return Promise.all(pods.map((pod) => this.#usage(pod, stats)));
  }

  async #usage(pod: Pod, stats: readonly ContainerStats[]): Promise<PodUsage> {
    const { logRoot, emptyDir } = this.#options;
    const uid = pod.metadata.uid ?? '';
    const containers = new Map<string, ContainerUsage>();
    for (const { attributes, memory, writableLayer } of stats) {
      const name = attributes?.labels[labels.containerName];
      if (attributes?.labels[labels.podUID] !== uid || name === undefined) continue;
      const logs = await folderSize(join(logRoot, logFolder(identityOf(pod)), name));
      const disk = (writableLayer?.usedBytes?.value ?? 0) + logs;
      containers.set(name, { memory: memory?.workingSetBytes?.value ?? 0, disk });
    }
    const emptyDirs = new Map<string, number>();
    for (const { name, emptyDir: source } of pod.spec.volumes ?? []) {
      if (source && source.medium !== 'Memory') emptyDirs.set(name, await this.#diskUse(emptyDir(uid, name)));
    }
    return { pod, containers, emptyDirs };
  }

  async #diskUse(path: string): Promise<number> {
    const { stdout } = await this.#options.exec.run(['du', '-sxB1', path]);
    return Number.parseInt(stdout, 10) || 0;
  }

  async #collectImages(machine: MachineUsage, shortage: Shortage | undefined): Promise<void> {
    const { cri, clock, imageLimits, log } = this.#options;
    const now = clock.now();
    const isShort = shortage !== undefined && shortage.resource !== 'memory';
    if (!isShort && now - this.#imagesAt < imagePeriod) return;
    this.#imagesAt = now;
    const [images, containers] = await Promise.all([cri.listImages(), cri.listContainers()]);
    const used = new Set(containers.map(({ imageRef }) => imageRef));
    for (const { id } of images) {
      const first = this.#images.get(id)?.first ?? now;
      this.#images.set(id, { first, last: used.has(id) ? now : (this.#images.get(id)?.last ?? 0) });
    }
    for (const id of this.#images.keys()) if (!images.some((image) => image.id === id)) this.#images.delete(id);
    const wanted = isShort ? Number.POSITIVE_INFINITY : bytesToFree(machine.disk, imageLimits);
    for (const image of imagesToRemove({ images, used, seen: this.#images, now, wanted })) {
      log(`image ${image.repoTags[0] ?? image.id} is removed: nobody uses it and the disk fills`);
      await cri.removeImage(image.id);
    }
  }
}

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
