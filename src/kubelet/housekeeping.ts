// What the kubelet looks after now and then: logs that grow, and what the machine runs short of (eviction/).
import { errorMessage } from '../apimachinery/error-message.ts';
import type { EventText } from '../client/events.ts';
import { defaultTransition, type Evictable, EvictionManager } from './eviction/eviction-manager.ts';
import { defaultImageLimits, type ImageLimits } from './eviction/image-garbage.ts';
import { defaultThresholds, parseThresholds, type Threshold } from './eviction/thresholds.ts';
import { defaultLogLimits, type LogLimits, rotateLog } from './logs/log-rotation.ts';
import type { KubeletOptions } from './options.ts';
import { logFile } from './pod/identity.ts';
import type { VolumeManager } from './volumes/volume-manager.ts';

export interface HousekeepingSettings {
  readonly evictionHard: readonly Threshold[];
  /** With `grace`. */
  readonly evictionSoft: readonly Threshold[];
  /** Seconds at the most that a pod has to end for a soft threshold; 0 for as many as it has of its own. */
  readonly evictionMaxPodGrace: number;
  readonly images: ImageLimits;
  readonly logs: LogLimits;
  /** Milliseconds: how long a pressure is told of after it is over. */
  readonly pressureTransition: number;
  /** Milliseconds from one look to the next. */
  readonly period: number;
}

export function housekeepingSettings(given: Partial<HousekeepingSettings> = {}): HousekeepingSettings {
  const evictionHard = parseThresholds(defaultThresholds) as readonly Threshold[];
  const eviction = { evictionHard, evictionSoft: [], evictionMaxPodGrace: 0, pressureTransition: defaultTransition };
  return { ...eviction, images: defaultImageLimits, logs: defaultLogLimits, period: 10_000, ...given };
}

/** A container whose log may grow. */
export interface RunningContainer {
  readonly id: string;
  readonly name: string;
  readonly attempt: number;
}

export interface Housed extends Evictable {
  readonly running: readonly RunningContainer[];
}

export interface HousekeepingOptions {
  readonly kubelet: KubeletOptions;
  readonly volumes: VolumeManager;
  readonly logRoot: string;
  readonly workers: () => Iterable<Housed>;
  /** The node's pressures came or went. */
  readonly changed: () => void;
  /** Says something of the node. */
  readonly event: (event: EventText) => void;
}

export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #settings: HousekeepingSettings;
  readonly eviction: EvictionManager;

  constructor(options: HousekeepingOptions) {
    const { kubelet, volumes, logRoot, workers, changed, event } = options;
    this.#options = options;
    this.#settings = housekeepingSettings(kubelet.housekeeping);
    this.eviction = new EvictionManager({
      ...kubelet,
      logRoot,
      workers,
      changed,
      event,
      transition: this.#settings.pressureTransition,
      // What is hard is met first.
      thresholds: () => [...this.#settings.evictionHard, ...this.#settings.evictionSoft],
      maxPodGrace: this.#settings.evictionMaxPodGrace,
      imageLimits: this.#settings.images,
      emptyDir: (uid, volume) => volumes.emptyDirPath(uid, volume),
    });
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options.kubelet;
    await this.eviction.begin();
    while (!signal.aborted) {
      await clock.sleep(this.#settings.period, signal).catch(() => {});
      if (signal.aborted) return;
      await this.#rotateLogs();
      await this.eviction.look().catch((error: unknown) => log(`eviction: ${errorMessage(error)}`));
    }
  }

  /** Never rejects: a log that cannot be rotated does not keep others from it. */
  async #rotateLogs(): Promise<void> {
    const { kubelet, logRoot, workers } = this.#options;
    for (const { pod, running } of workers()) {
      for (const container of running) {
        const path = logFile(logRoot, pod, container);
        const reopen = () => kubelet.cri.reopenContainerLog(container.id);
        const rotated = rotateLog({ path, now: kubelet.clock.now(), ...this.#settings.logs, reopen });
        await rotated.catch((error: unknown) => kubelet.log(`${path} is not rotated: ${errorMessage(error)}`));
      }
    }
  }
}
