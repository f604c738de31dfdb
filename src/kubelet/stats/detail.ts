// What is looked at only for those who want to know all: networks, processes, volumes and logs.
import { join } from 'node:path';
import { claimNameOf, isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import type { Pod, Volume } from '../../api/core/v1/types.generated.ts';
import type { Clock } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import type { Cri } from '../cri/client.ts';
import { containerState, sandboxState } from '../cri/messages.ts';
import { cgroupMount } from '../pod/cgroups.ts';
import { containersOf } from '../pod/containers.ts';
import { labels, logFolder } from '../pod/identity.ts';
import { podCgroup } from '../pod/resources.ts';
import { processesOf } from './cgroup-usage.ts';
import { DiskMeter, type FolderUsage, filesystemUsage } from './disk-meter.ts';
import { type NetworkUsage, networkDevices, parseInterfaces } from './network.ts';

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

/** Ids of the runtime. */
interface Running {
  readonly sandbox: string;
  readonly containers: readonly string[];
}

export interface DetailReaderOptions {
  readonly cri: Pick<Cri, 'listPodSandbox' | 'listContainers'>;
  readonly clock: Clock;
  readonly exec: Exec;
  readonly logRoot: string;
  readonly cgroupRoot: string;
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
    const present = pods.filter((pod) => !isPodTerminal(pod));
    const [devices, running, folders] = await Promise.all([
      networkDevices(['self']),
      this.#running(),
      this.#disk.usage(present.flatMap((pod) => [...this.#counted(pod), ...this.#logs(pod).values()])),
    ]);
    const detailOf = async (pod: Pod): Promise<readonly [string, PodDetail]> => {
      const { uid = '' } = pod.metadata;
      const logs = [...this.#logs(pod)].flatMap(([name, path]) => {
        const usage = folders.get(path);
        return usage ? [[name, usage] as const] : [];
      });
      return [
        uid,
        {
          ...(await this.#inside(pod, running.get(uid))),
          volumes: await this.#volumes(pod, folders),
          logs: new Map(logs),
        },
      ];
    };
    const details = await Promise.all(present.map(detailOf));
    const network = { at: clock.now(), interfaces: parseInterfaces(devices) };
    return { network, pods: new Map(details) };
  }

  /** Sandboxes that run and their containers, by the UID of their pod. */
  async #running(): Promise<ReadonlyMap<string, Running>> {
    const { cri } = this.#options;
    const [sandboxes, containers] = await Promise.all([cri.listPodSandbox(), cri.listContainers()]);
    const runningIn = (sandbox: string) =>
      containers.filter(({ podSandboxId, state }) => podSandboxId === sandbox && state === containerState.running);
    const running = sandboxes.filter(({ state }) => state === sandboxState.ready);
    return new Map(
      running.map(({ id, labels: { [labels.podUID]: uid = '' } }) => [
        uid,
        { sandbox: id, containers: runningIn(id).map((one) => one.id) },
      ]),
    );
  }

  /**
   * By the cgroups of its sandbox and containers. The runtime would tell it too, but Debian's containerd 1.6.20 crashes where two
   * ask it for the usage of sandboxes at a time (https://github.com/containerd/containerd/pull/8819).
   */
  async #inside(pod: Pod, running: Running | undefined): Promise<Pick<PodDetail, 'network' | 'processes'>> {
    if (!running) return {};
    const { clock, cgroupRoot } = this.#options;
    const processes = (id: string) => processesOf(cgroupMount, `${podCgroup(cgroupRoot, pod)}/${id}`);
    const [own, ...others] = await Promise.all([running.sandbox, ...running.containers].map(processes));
    const interfaces = pod.spec.hostNetwork ? [] : parseInterfaces(await networkDevices(own ?? []));
    return {
      ...(interfaces.length > 0 && { network: { at: clock.now(), interfaces } }),
      processes: others.flat().length,
    };
  }

  /** Folders that are counted: volumes that live and end with the pod. */
  #counted({ metadata: { uid = '' }, spec }: Pod): string[] {
    const paths = this.#options.volumePaths(uid);
    return (spec.volumes ?? []).filter(isOfPod).flatMap(({ name }) => paths.get(name) ?? []);
  }

  /** Folders of the containers' logs, by container. */
  #logs(pod: Pod): ReadonlyMap<string, string> {
    const folder = logFolder(this.#options.logRoot, pod);
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
