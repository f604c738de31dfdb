// What the kubelet tells of usage: the summary (kubelet's stats/v1alpha1) and its metrics, from the runtime's numbers.
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { formatTime as time } from '../../apimachinery/time.ts';
import type { ContainerStats } from '../cri/messages.ts';
import { labels } from '../pod/identity.ts';
import type { Usage } from './usage-meter.ts';

interface Source {
  readonly nodeName: string;
  readonly pods: () => readonly Pod[];
}

const workingSet = (stats: ContainerStats): number => stats.memory?.workingSetBytes?.value ?? 0;

function containerSummary(stats: ContainerStats, usage: Usage) {
  const { attributes, cpu, memory, writableLayer } = stats;
  const nanoCores = usage.nanoCores.get(attributes?.id ?? '');
  return {
    name: attributes?.metadata?.name ?? '',
    ...(cpu && {
      cpu: {
        time: time(cpu.timestamp / 1e6),
        ...(nanoCores !== undefined && { usageNanoCores: nanoCores }),
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
    ...(writableLayer && {
      rootfs: {
        time: time(writableLayer.timestamp / 1e6),
        usedBytes: writableLayer.usedBytes?.value ?? 0,
        inodesUsed: writableLayer.inodesUsed?.value ?? 0,
      },
    }),
  };
}

const ofPod = (usage: Usage, uid: string | undefined): ContainerStats[] =>
  usage.containers.filter((s) => s.attributes?.labels[labels.podUID] === uid);

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

function podSummary({ metadata, status }: Pod, usage: Usage) {
  const stats = ofPod(usage, metadata.uid);
  const at = time(usage.machine.at);
  return {
    podRef: { name: metadata.name, namespace: metadata.namespace, uid: metadata.uid },
    startTime: status?.startTime,
    containers: stats.map((one) => containerSummary(one, usage)),
    cpu: {
      time: at,
      usageNanoCores: sum(stats.map((one) => usage.nanoCores.get(one.attributes?.id ?? '') ?? 0)),
      usageCoreNanoSeconds: sum(stats.map((one) => one.cpu?.usageCoreNanoSeconds?.value ?? 0)),
    },
    memory: { time: at, workingSetBytes: sum(stats.map(workingSet)) },
  };
}

/** `GET /stats/summary`. */
export function statsSummary({ nodeName, pods }: Source, usage: Usage) {
  const { machine } = usage;
  const at = time(machine.at);
  const { memory, disk } = machine;
  const fs = {
    time: at,
    availableBytes: disk.available,
    capacityBytes: disk.capacity,
    usedBytes: disk.capacity - disk.available,
    inodes: disk.inodes,
    inodesFree: disk.inodesFree,
    inodesUsed: disk.inodes - disk.inodesFree,
  };
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
      fs,
      runtime: { imageFs: fs },
    },
    pods: pods().map((pod) => podSummary(pod, usage)),
  };
}

function metric(name: string, type: 'gauge' | 'counter', help: string, lines: readonly string[]): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines.map((line) => `${name}${line}`)];
}

/** `GET /metrics`, in Prometheus' text format, with upstream's names. */
export function metricsText({ pods, nodeName }: Source, usage: Usage): string {
  const running = pods().filter((p) => p.status?.phase === 'Running').length;
  const perContainer = (value: (stats: ContainerStats) => number | string) =>
    usage.containers.map((stats) => {
      const of = stats.attributes?.labels ?? {};
      const [container, namespace, pod] = [labels.containerName, labels.podNamespace, labels.podName].map(
        (key) => of[key] ?? '',
      );
      return `{container="${container}",namespace="${namespace}",pod="${pod}"} ${value(stats)}`;
    });
  return [
    ...metric('kubelet_node_name', 'gauge', "The node's name. The count is always 1.", [`{node="${nodeName}"} 1`]),
    ...metric('kubelet_running_pods', 'gauge', 'Number of pods that have a running pod sandbox', [` ${running}`]),
    ...metric('kubelet_running_containers', 'gauge', 'Number of containers currently running', [
      `{container_state="running"} ${usage.containers.length}`,
    ]),
    ...metric(
      'container_cpu_usage_seconds_total',
      'counter',
      'Cumulative cpu time consumed by the container in core-seconds',
      perContainer((stats) => (stats.cpu?.usageCoreNanoSeconds?.value ?? 0) / 1e9),
    ),
    ...metric(
      'container_memory_working_set_bytes',
      'gauge',
      'Current working set of the container in bytes',
      perContainer(workingSet),
    ),
    ...metric('node_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the node in core-seconds', [
      ` ${usage.machine.cpuNanoSeconds / 1e9}`,
    ]),
    ...metric('node_memory_working_set_bytes', 'gauge', 'Current working set of the node in bytes', [
      ` ${usage.machine.memory.capacity - usage.machine.memory.available}`,
    ]),
    '',
  ].join('\n');
}
