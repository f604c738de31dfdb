// What the kubelet tells of usage: the summary (kubelet's stats/v1alpha1) and its metrics, from the runtime's numbers.
import type { Pod } from '../api/core/v1/types.generated.ts';
import type { ContainerStats } from './cri/messages.ts';
import { labels } from './pod/identity.ts';

interface Source {
  readonly nodeName: string;
  readonly pods: () => readonly Pod[];
}

const time = (nanoseconds: number): string => new Date(nanoseconds / 1e6).toISOString();

function containerSummary(stats: ContainerStats) {
  const { cpu, memory, writableLayer } = stats;
  return {
    name: stats.attributes?.metadata?.name ?? '',
    ...(cpu && { cpu: { time: time(cpu.timestamp), usageCoreNanoSeconds: cpu.usageCoreNanoSeconds?.value ?? 0 } }),
    ...(memory && { memory: { time: time(memory.timestamp), workingSetBytes: memory.workingSetBytes?.value ?? 0 } }),
    ...(writableLayer && {
      rootfs: { time: time(writableLayer.timestamp), usedBytes: writableLayer.usedBytes?.value ?? 0 },
    }),
  };
}

/** `GET /stats/summary`. */
export function statsSummary({ nodeName, pods }: Source, stats: readonly ContainerStats[]) {
  return {
    node: { nodeName },
    pods: pods().map(({ metadata, status }) => ({
      podRef: { name: metadata.name, namespace: metadata.namespace, uid: metadata.uid },
      startTime: status?.startTime,
      containers: stats.filter((s) => s.attributes?.labels[labels.podUID] === metadata.uid).map(containerSummary),
    })),
  };
}

/** `GET /metrics`, in Prometheus' text format. */
export function metricsText({ pods }: Source, stats: readonly ContainerStats[]): string {
  const running = pods().filter((p) => p.status?.phase === 'Running').length;
  return [
    '# HELP kubelet_running_pods Number of pods that have a running pod sandbox',
    '# TYPE kubelet_running_pods gauge',
    `kubelet_running_pods ${running}`,
    '# HELP kubelet_running_containers Number of containers currently running',
    '# TYPE kubelet_running_containers gauge',
    `kubelet_running_containers{container_state="running"} ${stats.length}`,
    '',
  ].join('\n');
}
