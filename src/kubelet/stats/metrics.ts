// What the kubelet tells Prometheus, with upstream's names: of itself (`/metrics`), and of what runs (`/metrics/resource`). Pure.
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { parseTime } from '../../apimachinery/time.ts';
import { CollectedFamily, type Sample } from '../../metrics/metric.ts';
import type { Detail, VolumeUsage } from './detail.ts';
import type { FolderUsage } from './disk-meter.ts';
import type { Summary } from './summary.ts';
import type { Usage } from './usage-meter.ts';

type Kind = 'gauge' | 'counter';

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: Kind;
  readonly labels?: readonly string[];
}

const printed = (family: Family, samples: readonly Sample[]): string =>
  new CollectedFamily(family, () => samples).print();

const ofContainers = ['container', 'namespace', 'pod'];
const ofPods = ['namespace', 'pod'];
const cpuHelp = (what: string) => `[STABLE] Cumulative cpu time consumed by the ${what} in core-seconds`;
const memoryHelp = (what: string) => `[STABLE] Current working set of the ${what} in bytes`;

/** Something that has used cpu and memory; its times are when that was measured. */
interface Used {
  readonly cpu?: { readonly time: string; readonly usageCoreNanoSeconds: number };
  readonly memory?: { readonly time: string; readonly workingSetBytes: number };
}

function cpuSample({ cpu }: Used, labels: readonly string[]): Sample[] {
  return cpu ? [[labels, cpu.usageCoreNanoSeconds / 1e9, parseTime(cpu.time)]] : [];
}

function memorySample({ memory }: Used, labels: readonly string[]): Sample[] {
  return memory ? [[labels, memory.workingSetBytes, parseTime(memory.time)]] : [];
}

/** `GET /metrics/resource`; undefined for a summary that could not be made. */
export function resourceMetrics(summary: Summary | undefined): string {
  const { node, pods = [] } = summary ?? {};
  const named = pods.map((pod) => ({ pod, labels: [pod.podRef.namespace ?? '', pod.podRef.name] }));
  const containers = named.flatMap(({ pod, labels }) =>
    pod.containers.map((container) => ({ container, labels: [container.name, ...labels] })),
  );
  return [
    printed(
      { name: 'container_cpu_usage_seconds_total', type: 'counter', help: cpuHelp('container'), labels: ofContainers },
      containers.flatMap(({ container, labels }) => cpuSample(container, labels)),
    ),
    printed(
      {
        name: 'container_memory_working_set_bytes',
        type: 'gauge',
        help: memoryHelp('container'),
        labels: ofContainers,
      },
      containers.flatMap(({ container, labels }) => memorySample(container, labels)),
    ),
    printed(
      {
        name: 'container_start_time_seconds',
        type: 'gauge',
        help: '[STABLE] Start time of the container since unix epoch in seconds',
        labels: ofContainers,
      },
      containers.flatMap(({ container: { startTime }, labels }): Sample[] =>
        startTime ? [[labels, (parseTime(startTime) ?? 0) / 1000]] : [],
      ),
    ),
    printed(
      { name: 'node_cpu_usage_seconds_total', type: 'counter', help: cpuHelp('node') },
      node ? cpuSample(node, []) : [],
    ),
    printed(
      { name: 'node_memory_working_set_bytes', type: 'gauge', help: memoryHelp('node') },
      node ? memorySample(node, []) : [],
    ),
    printed(
      { name: 'pod_cpu_usage_seconds_total', type: 'counter', help: cpuHelp('pod'), labels: ofPods },
      named.flatMap(({ pod, labels }) => cpuSample(pod, labels)),
    ),
    printed(
      { name: 'pod_memory_working_set_bytes', type: 'gauge', help: memoryHelp('pod'), labels: ofPods },
      named.flatMap(({ pod, labels }) => memorySample(pod, labels)),
    ),
    printed(
      {
        name: 'resource_scrape_error',
        type: 'gauge',
        help: '[STABLE] 1 if there was an error while getting container metrics, 0 otherwise',
      },
      [[[], summary ? 0 : 1]],
    ),
  ].join('');
}

/** Upstream's figures of volumes that are of claims. */
const volumeFigures: readonly (readonly [name: string, help: string, value: (usage: FolderUsage) => number])[] = [
  ['available_bytes', 'Number of available bytes in the volume', ({ available }) => available],
  ['capacity_bytes', 'Capacity in bytes of the volume', ({ capacity }) => capacity],
  ['inodes', 'Maximum number of inodes in the volume', ({ inodes }) => inodes],
  ['inodes_free', 'Number of free inodes in the volume', ({ inodesFree }) => inodesFree],
  ['inodes_used', 'Number of used inodes in the volume', ({ inodesUsed }) => inodesUsed],
  ['used_bytes', 'Number of used bytes in the volume', ({ used }) => used],
];

/** `GET /metrics`. */
export function kubeletMetrics({ nodeName, pods, usage, detail }: KubeletMetricsInput): string {
  const running = pods.filter((p) => p.status?.phase === 'Running').length;
  const claimed = pods.flatMap(({ metadata: { uid = '', namespace = '' } }) =>
    (detail.pods.get(uid)?.volumes ?? []).filter(isClaimed).map(({ claim, usage }) => ({ claim, namespace, usage })),
  );
  // A claim that several pods use is told of once.
  const once = [...new Map(claimed.map((one) => [`${one.namespace}/${one.claim}`, one])).values()];
  return [
    printed(
      {
        name: 'kubelet_node_name',
        type: 'gauge',
        help: "[ALPHA] The node's name. The count is always 1.",
        labels: ['node'],
      },
      [[[nodeName], 1]],
    ),
    printed(
      {
        name: 'kubelet_running_containers',
        type: 'gauge',
        help: '[ALPHA] Number of containers currently running',
        labels: ['container_state'],
      },
      [[['running'], usage.containers.length]],
    ),
    printed(
      {
        name: 'kubelet_running_pods',
        type: 'gauge',
        help: '[ALPHA] Number of pods that have a running pod sandbox',
      },
      [[[], running]],
    ),
    ...volumeFigures.map(([name, help, value]) =>
      printed(
        {
          name: `kubelet_volume_stats_${name}`,
          type: 'gauge',
          help: `[ALPHA] ${help}`,
          labels: ['namespace', 'persistentvolumeclaim'],
        },
        once.map(({ namespace, claim, usage }): Sample => [[namespace, claim], value(usage)]),
      ),
    ),
  ].join('');
}

const isClaimed = (one: VolumeUsage): one is VolumeUsage & { readonly claim: string } => one.claim !== undefined;

export interface KubeletMetricsInput {
  readonly nodeName: string;
  readonly pods: readonly Pod[];
  readonly usage: Usage;
  readonly detail: Detail;
}
