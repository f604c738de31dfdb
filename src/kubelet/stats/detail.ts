// What is looked at only for those who want to know all: networks, processes, volumes and logs.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod, Volume } from '../../api/core/v1/types.generated.ts';
import type { Clock } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import type { Cri } from '../cri/client.ts';
import { type PodSandboxStats, sandboxState } from '../cri/messages.ts';
import { containersOf, hasEnded, identityOf, labels, logFolder } from '../pod/identity.ts';
import { claimNameOf } from '../volumes/persistent.ts';
import { DiskMeter, type FolderUsage, filesystemUsage } from './disk-meter.ts';
import { type NetworkUsage, parseInterfaces, podNetwork } from './network.ts';

export interface VolumeUsage {
  readonly volume: Volume;
  /** Name of the claim that it is of. */
  readonly claim?: string | undefined;
  readonly usage: FolderUsage;
}

export interface PodDetail {
  readonly network?: NetworkUsage | undefined;
  readonly processes?: number | undefined;
  readonly volumes: readonly VolumeUsage[];
  /** By container. */
  readonly logs: ReadonlyMap<string, FolderUsage>;
}

export interface Detail {
  /** The machine's. */
  readonly network: NetworkUsage;
  /** By UID. */
  readonly pods: ReadonlyMap<string, PodDetail>;
}

export interface DetailReaderOptions {
  readonly cri: Pick<Cri, 'listPodSandbox' | 'podSandboxStats'>;
  readonly clock: Clock;
  readonly exec: Exec;
  readonly logRoot: string;
  /** Where the volumes of a pod are, by name; those that are not on the node are left out. */
  readonly volumePaths: (uid: string) => ReadonlyMap<string, string>;
}

export class DetailReader {
  readonly #options: DetailReaderOptions;
  readonly #disk: DiskMeter;

  constructor(options: DetailReaderOptions) {
    this.#options = options;
    this.#disk = new DiskMeter(options);
  }

  async read(pods: readonly Pod[]): Promise<Detail> {
    const { clock } = this.#options;
    const present = pods.filter((pod) => !hasEnded(pod));
    const [interfaces, sandboxes, folders] = await Promise.all([
      readFile('/proc/self/net/dev', 'utf8'),
      this.#sandboxes(),
      this.#disk.usage(present.flatMap((pod) => [...this.#counted(pod), ...this.#logs(pod).values()])),
    ]);
    const detailOf = async (pod: Pod): Promise<readonly [string, PodDetail]> => {
      const { uid = '' } = pod.metadata;
      const sandbox = sandboxes.get(uid);
      const logs = [...this.#logs(pod)].flatMap(([name, path]) => {
        const usage = folders.get(path);
        return usage ? [[name, usage] as const] : [];
      });
      return [
        uid,
        {
          network: sandbox && podNetwork(sandbox),
          processes: sandbox?.linux?.process?.processCount?.value,
          volumes: await this.#volumes(pod, folders),
          logs: new Map(logs),
        },
      ];
    };
    const details = await Promise.all(present.map(detailOf));
    const network = { at: clock.now(), interfaces: parseInterfaces(interfaces) };
    return { network, pods: new Map(details) };
  }

  /** By the UID of their pod. One by one: of all at once older runtimes tell nothing when there is one that does not run. */
  async #sandboxes(): Promise<ReadonlyMap<string, PodSandboxStats>> {
    const { cri } = this.#options;
    const running = (await cri.listPodSandbox()).filter(({ state }) => state === sandboxState.ready);
    const found = running.map(async (sandbox): Promise<(readonly [string, PodSandboxStats])[]> => {
      const stats = await cri.podSandboxStats(sandbox.id).catch(() => undefined);
      return stats ? [[sandbox.labels[labels.podUID] ?? '', stats]] : [];
    });
    return new Map((await Promise.all(found)).flat());
  }

  /** Folders that are counted: volumes that live and end with the pod. */
  #counted({ metadata: { uid = '' }, spec }: Pod): string[] {
    const paths = this.#options.volumePaths(uid);
    return (spec.volumes ?? []).filter(isOfPod).flatMap(({ name }) => paths.get(name) ?? []);
  }

  /** Folders of the containers' logs, by container. */
  #logs(pod: Pod): ReadonlyMap<string, string> {
    const folder = join(this.#options.logRoot, logFolder(identityOf(pod)));
    return new Map(containersOf(pod).map(({ container: { name } }) => [name, join(folder, name)]));
  }

  async #volumes(pod: Pod, folders: ReadonlyMap<string, FolderUsage>): Promise<VolumeUsage[]> {
    const paths = this.#options.volumePaths(pod.metadata.uid ?? '');
    const found = (pod.spec.volumes ?? []).map(async (volume): Promise<VolumeUsage[]> => {
      const path = paths.get(volume.name);
      const claim = claimNameOf(pod, volume);
      if (path === undefined || (claim === undefined && !isOfPod(volume))) return [];
      const usage = claim === undefined ? folders.get(path) : await filesystemUsage(path, this.#options.clock.now());
      return usage ? [{ volume, claim, usage }] : [];
    });
    return (await Promise.all(found)).flat();
  }
}

/** What is on a hostPath is the machine's. */
const isOfPod = ({ emptyDir, configMap, secret, projected, downwardAPI }: Volume): boolean =>
  [emptyDir, configMap, secret, projected, downwardAPI].some((source) => source !== undefined);
