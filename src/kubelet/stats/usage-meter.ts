// Rates of CPU use, from two looks at the counters: the one before, where it is recent, else one made for the purpose.
import type { Clock } from '../../system/clock.ts';
import type { Cri } from '../cri/client.ts';
import type { ContainerStats } from '../cri/messages.ts';
import { type MachineUsage, machineUsage } from './machine.ts';

export interface Usage {
  readonly machine: MachineUsage;
  readonly containers: readonly ContainerStats[];
  /** Nanoseconds of CPU per second of the machine, and of containers by id where they ran at both looks. */
  readonly machineNanoCores: number;
  readonly nanoCores: ReadonlyMap<string, number>;
}

interface Look {
  /** As the clock's `monotonic`. */
  readonly taken: number;
  readonly machine: MachineUsage;
  readonly containers: readonly ContainerStats[];
}

/** Milliseconds: how old the look before may be and must be, and how long a look of its own takes. */
const ages = { least: 1000, most: 120_000, own: 500 } as const;

export class UsageMeter {
  readonly #options: { readonly cri: Cri; readonly clock: Clock; readonly rootDir: string };
  #before: Look | undefined;
  #running: Promise<Usage> | undefined;

  constructor(options: { readonly cri: Cri; readonly clock: Clock; readonly rootDir: string }) {
    this.#options = options;
  }

  /** Those who ask at once get one answer. */
  read(): Promise<Usage> {
    this.#running ??= this.#read().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #read(): Promise<Usage> {
    const { clock } = this.#options;
    let before = this.#before;
    const age = before ? clock.monotonic() - before.taken : Number.POSITIVE_INFINITY;
    if (!before || age > ages.most) before = await this.#look();
    if (clock.monotonic() - before.taken < ages.least) await clock.sleep(ages.own);
    const now = await this.#look();
    if (age >= ages.least || !this.#before) this.#before = now;
    const span = (now.taken - before.taken) / 1000;
    const nanoCores = new Map<string, number>();
    for (const { attributes, cpu } of now.containers) {
      const id = attributes?.id ?? '';
      const old = before.containers.find((c) => c.attributes?.id === id)?.cpu;
      // A container that started since has used all that it used since then.
      const used = (cpu?.usageCoreNanoSeconds?.value ?? 0) - (old?.usageCoreNanoSeconds?.value ?? 0);
      const seconds = cpu && old ? (cpu.timestamp - old.timestamp) / 1e9 : span;
      if (cpu && seconds > 0) nanoCores.set(id, Math.max(0, Math.round(used / seconds)));
    }
    const machineUsed = now.machine.cpuNanoSeconds - before.machine.cpuNanoSeconds;
    const machineNanoCores = span > 0 ? Math.max(0, Math.round(machineUsed / span)) : 0;
    return { machine: now.machine, containers: now.containers, machineNanoCores, nanoCores };
  }

  async #look(): Promise<Look> {
    const { cri, clock, rootDir } = this.#options;
    const taken = clock.monotonic();
    const [machine, stats] = await Promise.all([machineUsage(rootDir, clock.now()), cri.listContainerStats()]);
    // Of a container that does not run there is nothing but its disk.
    return { taken, machine, containers: stats.filter(({ cpu }) => cpu !== undefined) };
  }
}
