// What the kubelet tells of usage: the summary (kubelet's stats/v1alpha1), from what the runtime and the machine say. Pure.
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { formatTime as time } from '../../apimachinery/time.ts';
import type { ContainerStats } from '../cri/messages.ts';
import { statusesOf } from '../pod/containers.ts';
import { labels } from '../pod/identity.ts';
import type { Detail, PodDetail, VolumeUsage } from './detail.ts';
import type { FolderUsage } from './disk-meter.ts';
import type { NetworkUsage } from './network.ts';
import type { Usage } from './usage-meter.ts';

interface Source {
  readonly nodeName: string;
  readonly pods: () => readonly Pod[];
}

const workingSet = (stats: ContainerStats): number => stats.memory?.workingSetBytes?.value ?? 0;

function startedAt(pod: Pod, name: string): string | undefined {
  return statusesOf(pod).find((one) => one.name === name)?.state?.running?.startedAt ?? undefined;
}

function fsSummary({ at, used, inodesUsed, capacity, available, inodes, inodesFree }: FolderUsage) {
  return {
    time: time(at),
    availableBytes: available,
    capacityBytes: capacity,
    usedBytes: used,
    inodesFree,
    inodes,
    inodesUsed,
  };
}

const rootfsUsage = ({ writableLayer }: ContainerStats, disk: FolderUsage): FolderUsage => ({
  ...disk,
  at: writableLayer ? writableLayer.timestamp / 1e6 : disk.at,
  used: writableLayer?.usedBytes?.value ?? 0,
  inodesUsed: writableLayer?.inodesUsed?.value ?? 0,
});

function containerSummary(stats: ContainerStats, pod: Pod, { nanoCores }: Usage) {
  const { attributes, cpu, memory } = stats;
  const name = attributes?.metadata?.name ?? '';
  const usageNanoCores = nanoCores.get(attributes?.id ?? '');
  return {
    name,
    startTime: startedAt(pod, name),
    ...(cpu && {
      cpu: {
        time: time(cpu.timestamp / 1e6),
        ...(usageNanoCores !== undefined && { usageNanoCores }),
        usageCoreNanoSeconds: cpu.usageCoreNanoSeconds?.value ?? 0,
      },
    }),
    ...(memory && {
      memory: {
        time: time(memory.timestamp / 1e6),
        usageBytes: memory.usageBytes?.value ?? 0,
        workingSetBytes: workingSet(stats),
        rssBytes: memory.rssBytes?.value ?? 0,
      },
    }),
  };
}

const ofPod = (usage: Usage, uid: string | undefined): ContainerStats[] =>
  usage.containers.filter((s) => s.attributes?.labels[labels.podUID] === uid);

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

/** The interface that stands for all is `eth0`, as upstream has it. */
function networkSummary({ at, interfaces }: NetworkUsage) {
  const standard = interfaces.find(({ name }) => name === 'eth0') ?? { name: '' };
  return { time: time(at), ...standard, interfaces };
}

function volumeSummary({ volume, claim, usage }: VolumeUsage, { metadata }: Pod) {
  const pvcRef = claim === undefined ? {} : { pvcRef: { name: claim, namespace: metadata.namespace } };
  return { ...fsSummary(usage), name: volume.name, ...pvcRef };
}

/** What of a pod's volumes counts for its ephemeral storage, as upstream reckons. */
const isEphemeral = ({ volume: { emptyDir, configMap } }: VolumeUsage): boolean =>
  configMap !== undefined || (emptyDir !== undefined && !emptyDir.medium);

/** What a pod takes of the node beside cpu and memory. */
function podStorage(pod: Pod, { detail, stats, disk }: PodStorage) {
  const { network, processes, volumes = [], logs } = detail ?? {};
  const counted = [
    ...stats.map((one) => rootfsUsage(one, disk)),
    ...(logs?.values() ?? []),
    ...volumes.filter(isEphemeral).map(({ usage }) => usage),
  ];
  const used = sum(counted.map((one) => one.used));
  const inodesUsed = sum(counted.map((one) => one.inodesUsed));
  return {
    ...(network && { network: networkSummary(network) }),
    ...(volumes.length > 0 && { volume: volumes.map((one) => volumeSummary(one, pod)) }),
    'ephemeral-storage': fsSummary({ ...disk, used, inodesUsed }),
    ...(processes !== undefined && { process_stats: { process_count: processes } }),
  };
}

interface PodStorage {
  readonly detail: PodDetail | undefined;
  readonly stats: readonly ContainerStats[];
  /** Of the node. */
  readonly disk: FolderUsage;
}

function podSummary(pod: Pod, usage: Usage, detail: Detail | undefined) {
  const { metadata, status } = pod;
  const stats = ofPod(usage, metadata.uid);
  const disk = nodeDisk(usage);
  const own = detail?.pods.get(metadata.uid ?? '');
  const at = time(usage.machine.at);
  const total = (value: (one: ContainerStats) => number | undefined) => sum(stats.map((one) => value(one) ?? 0));
  return {
    podRef: { name: metadata.name, namespace: metadata.namespace, uid: metadata.uid },
    startTime: status?.startTime,
    containers: stats.map((one) => {
      const logs = own?.logs.get(one.attributes?.metadata?.name ?? '');
      return {
        ...containerSummary(one, pod, usage),
        ...(detail && { rootfs: fsSummary(rootfsUsage(one, disk)) }),
        ...(logs && { logs: fsSummary(logs) }),
      };
    }),
    cpu: {
      time: at,
      usageNanoCores: total((one) => usage.nanoCores.get(one.attributes?.id ?? '')),
      usageCoreNanoSeconds: total((one) => one.cpu?.usageCoreNanoSeconds?.value),
    },
    memory: {
      time: at,
      usageBytes: total((one) => one.memory?.usageBytes?.value),
      workingSetBytes: total(workingSet),
      rssBytes: total((one) => one.memory?.rssBytes?.value),
    },
    ...(detail && podStorage(pod, { detail: own, stats, disk })),
  };
}

/** What the node's disk holds, as a folder of it. */
function nodeDisk({ machine: { at, disk } }: Usage): FolderUsage {
  return { ...disk, at, used: disk.capacity - disk.available, inodesUsed: disk.inodes - disk.inodesFree };
}

/** `GET /stats/summary`; without `detail` only cpu and memory, as with `?only_cpu_and_memory=true`. */
export function statsSummary({ nodeName, pods }: Source, usage: Usage, detail?: Detail) {
  const { machine } = usage;
  const at = time(machine.at);
  const { memory, processes } = machine;
  const fs = fsSummary(nodeDisk(usage));
  return {
    node: {
      nodeName,
      cpu: { time: at, usageNanoCores: usage.machineNanoCores, usageCoreNanoSeconds: machine.cpuNanoSeconds },
      memory: {
        time: at,
        availableBytes: memory.available,
        usageBytes: memory.capacity - memory.available,
        workingSetBytes: memory.capacity - memory.available,
      },
      ...(detail && {
        network: networkSummary(detail.network),
        fs,
        runtime: { imageFs: fs },
        rlimit: { time: at, maxpid: processes.capacity, curproc: processes.capacity - processes.available },
      }),
    },
    pods: pods().map((pod) => podSummary(pod, usage, detail)),
  };
}

export type Summary = ReturnType<typeof statsSummary>;
