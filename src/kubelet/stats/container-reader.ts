// Looks at the cgroups, networks and disks of what runs: the machine, each pod, its sandbox and its containers.
import { readFile } from 'node:fs/promises';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { Clock } from '../../system/clock.ts';
import type { Cri } from '../cri/client.ts';
import {
  type ContainerStats,
  type CriContainer,
  containerState,
  type PodSandbox,
  sandboxState,
} from '../cri/messages.ts';
import { cgroupMount } from '../pod/cgroups.ts';
import { statusesOf } from '../pod/containers.ts';
import { labels } from '../pod/identity.ts';
import { podCgroup } from '../pod/resources.ts';
import { type CgroupUsage, readCgroup } from './cgroup-usage.ts';
import { type InterfaceCounters, networkDevices, parseCounters } from './network.ts';

/** One cgroup, with the labels that cAdvisor gives it; those that it has not are empty. */
export interface Measured {
  readonly container: string;
  /** The cgroup, from the root of its hierarchy. */
  readonly id: string;
  readonly image: string;
  /** The runtime's id of a sandbox or container. */
  readonly name: string;
  readonly namespace: string;
  readonly pod: string;
  /** Milliseconds since the epoch: when it was looked at, and when it was made. */
  readonly at: number;
  readonly createdAt?: number | undefined;
  readonly usage: CgroupUsage;
  readonly interfaces: readonly InterfaceCounters[];
  /** The writable layer; bytes. */
  readonly disk?: { readonly device: string; readonly used: number } | undefined;
}

export interface ContainerReaderOptions {
  readonly cri: Pick<Cri, 'listPodSandbox' | 'listContainers' | 'listContainerStats'>;
  readonly clock: Clock;
  readonly cgroupRoot: string;
}

export async function readContainers(options: ContainerReaderOptions, pods: readonly Pod[]): Promise<Measured[]> {
  const { cri, clock } = options;
  const [sandboxes, containers, stats, mounts] = await Promise.all([
    cri.listPodSandbox(),
    cri.listContainers(),
    cri.listContainerStats(),
    readFile('/proc/self/mountinfo', 'utf8'),
  ]);
  const found: Found = {
    sandboxes: sandboxes.filter(({ state }) => state === sandboxState.ready),
    containers: containers.filter(({ state }) => state === containerState.running),
    disks: new Map(stats.map((one) => [one.attributes?.id ?? '', diskOf(one, mounts)])),
  };
  const nobody = { container: '', image: '', name: '', namespace: '', pod: '' };
  const machine = { ...nobody, id: '/', interfaces: parseCounters(await networkDevices(['self'])) };
  const wanted = [machine, ...pods.flatMap((pod) => ofPod(pod, podCgroup(options.cgroupRoot, pod), found))];
  return Promise.all(
    wanted.map(async ({ ownNetwork, ...one }: Wanted): Promise<Measured> => {
      const at = clock.now();
      const usage = await readCgroup(cgroupMount, one.id);
      return { interfaces: ownNetwork ? parseCounters(await networkDevices(usage.pids ?? [])) : [], ...one, at, usage };
    }),
  );
}

interface Found {
  readonly sandboxes: readonly PodSandbox[];
  readonly containers: readonly CriContainer[];
  readonly disks: ReadonlyMap<string, Measured['disk']>;
}

type Wanted = Omit<Measured, 'at' | 'usage' | 'interfaces'> & {
  readonly interfaces?: Measured['interfaces'];
  /** Its processes say what its network carried. */
  readonly ownNetwork?: boolean;
};

/** A pod whose sandbox runs, that, and the containers that run in it: below the pod's cgroup by their ids. */
function ofPod(pod: Pod, cgroup: string, { sandboxes, containers, disks }: Found): Wanted[] {
  const { name, namespace = 'default', uid = '' } = pod.metadata;
  const sandbox = sandboxes.find((one) => one.labels[labels.podUID] === uid);
  if (!sandbox) return [];
  const shared = { container: '', image: '', name: '', namespace, pod: name, id: cgroup };
  const below = ({ id, createdAt }: PodSandbox | CriContainer) => ({
    ...shared,
    id: `${cgroup}/${id}`,
    name: id,
    createdAt: createdAt / 1e6,
  });
  return [
    shared,
    // The network of the node is told with the machine.
    { ...below(sandbox), ownNetwork: !pod.spec.hostNetwork },
    ...containers
      .filter(({ podSandboxId }) => podSandboxId === sandbox.id)
      .map((one) => ({
        ...below(one),
        container: one.labels[labels.containerName] ?? '',
        image: imageOf(pod, one),
        disk: disks.get(one.id),
      })),
  ];
}

/** As the pod's status has it: the runtime is asked for images by their ids, by which it then lists them. */
function imageOf(pod: Pod, { id, image }: CriContainer): string {
  const told = statusesOf(pod).find(({ containerID }) => containerID?.endsWith(`//${id}`));
  return told?.image || (image?.image ?? '');
}

function diskOf({ writableLayer }: ContainerStats, mounts: string): Measured['disk'] {
  const used = writableLayer?.usedBytes?.value;
  return used === undefined ? undefined : { device: deviceOf(writableLayer?.fsId?.mountpoint ?? '', mounts), used };
}

/** What is mounted where a path is, by the lines of `/proc/self/mountinfo`. */
export function deviceOf(path: string, mounts: string): string {
  const found = mounts.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const point = before.split(' ')[4] ?? '';
    const holds = point !== '' && `${path}/`.startsWith(point === '/' ? '/' : `${point}/`);
    return holds ? [{ point, device: after.split(' ')[1] ?? '' }] : [];
  });
  // Of two that are mounted at one place the later hides the other.
  return found.sort((a, b) => a.point.length - b.point.length).at(-1)?.device ?? '';
}
