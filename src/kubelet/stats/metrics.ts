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

/** `GET /metrics/resource`; undefined for a summary that could not be made. */
export function resourceMetrics(summary: Summary | undefined): string {
  const { node, pods = [] } = summary ?? {};
  const measured = pods.map((pod) => ({ used: pod, values: [pod.podRef.namespace ?? '', pod.podRef.name] }));
  const containers = measured.flatMap(({ used: pod, values }) =>
    pod.containers.map((container) => ({ used: container, values: [container.name, ...values] })),
  );
  return [
    usageMetrics('container', ofContainers, containers),
    startTimes(containers),
    usageMetrics('node', [], node ? [{ used: node, values: [] }] : []),
    usageMetrics('pod', ofPods, measured),
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

/** Something that has used cpu and memory; its times are when that was measured. */
interface Used {
  readonly cpu?: { readonly time: string; readonly usageCoreNanoSeconds: number };
  readonly memory?: { readonly time: string; readonly workingSetBytes: number };
}

interface Measured<T> {
  readonly used: T;
  /** Of its labels. */
  readonly values: readonly string[];
}

/** What things of one kind have used. */
function usageMetrics(kind: string, labels: readonly string[], things: readonly Measured<Used>[]): string {
  const cpu: Family = {
    name: `${kind}_cpu_usage_seconds_total`,
    type: 'counter',
    help: `[STABLE] Cumulative cpu time consumed by the ${kind} in core-seconds`,
    labels,
  };
  const memory: Family = {
    name: `${kind}_memory_working_set_bytes`,
    type: 'gauge',
    help: `[STABLE] Current working set of the ${kind} in bytes`,
    labels,
  };
  const cpuSamples = things.flatMap(({ used: { cpu }, values }): Sample[] =>
    cpu ? [[values, cpu.usageCoreNanoSeconds / 1e9, parseTime(cpu.time)]] : [],
  );
  const memorySamples = things.flatMap(({ used: { memory }, values }): Sample[] =>
    memory ? [[values, memory.workingSetBytes, parseTime(memory.time)]] : [],
  );
  return printed(cpu, cpuSamples) + printed(memory, memorySamples);
}

function startTimes(containers: readonly Measured<{ readonly startTime?: string }>[]): string {
  return printed(
    {
      name: 'container_start_time_seconds',
      type: 'gauge',
      help: '[STABLE] Start time of the container since unix epoch in seconds',
      labels: ofContainers,
    },
    containers.flatMap(({ used: { startTime }, values }): Sample[] =>
      startTime ? [[values, (parseTime(startTime) ?? 0) / 1000]] : [],
    ),
  );
}

export interface KubeletMetricsInput {
  readonly nodeName: string;
  readonly pods: readonly Pod[];
  readonly usage: Usage;
  readonly detail: Detail;
}

/** `GET /metrics`. */
export function kubeletMetrics({ nodeName, pods, usage, detail }: KubeletMetricsInput): string {
  const running = pods.filter((p) => p.status?.phase === 'Running').length;
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
    volumeMetrics(pods, detail),
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

function volumeMetrics(pods: readonly Pod[], detail: Detail): string {
  const claimed = pods.flatMap(({ metadata: { uid = '', namespace = '' } }) =>
    (detail.pods.get(uid)?.volumes ?? []).filter(isClaimed).map(({ claim, usage }) => ({ claim, namespace, usage })),
  );
  // A claim that several pods use is told of once.
  const once = [...new Map(claimed.map((one) => [`${one.namespace}/${one.claim}`, one])).values()];
  const labels = ['namespace', 'persistentvolumeclaim'];
  return volumeFigures
    .map(([name, help, value]) =>
      printed(
        { name: `kubelet_volume_stats_${name}`, type: 'gauge', help: `[ALPHA] ${help}`, labels },
        once.map(({ namespace, claim, usage }): Sample => [[namespace, claim], value(usage)]),
      ),
    )
    .join('');
}

const isClaimed = (one: VolumeUsage): one is VolumeUsage & { readonly claim: string } => one.claim !== undefined;
