// `GET /metrics/cadvisor`: what containers use, with the names, labels and helps of cAdvisor in the kubelet. Pure.
import type { NodeSystemInfo } from '../../api/core/v1/types.generated.ts';
import { CollectedFamily, type Sample } from '../../metrics/metric.ts';
import type { CgroupUsage } from './cgroup-usage.ts';
import type { Measured } from './container-reader.ts';
import type { InterfaceCounters } from './network.ts';

export interface CadvisorInput {
  /** Undefined when the runtime could not be asked. */
  readonly containers: readonly Measured[] | undefined;
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  /** Of the Node, where it has told of itself. */
  readonly nodeInfo: Partial<NodeSystemInfo>;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter';
  /** The label beside those of each container. */
  readonly label?: 'cpu' | 'device' | 'interface';
  /** Settings do not change from look to look: they have no time. */
  readonly isSetting?: true;
  /** Values, with that label's where there is one. */
  readonly values: (one: Measured) => readonly (readonly [value: number | undefined, label?: string])[];
}

type Amount = { [K in keyof CgroupUsage]-?: CgroupUsage[K] extends number | undefined ? K : never }[keyof CgroupUsage];

const counter = (name: string, help: string, key: Amount): Family => ({
  name,
  help,
  type: 'counter',
  values: ({ usage }) => [[usage[key]]],
});

const gauge = (name: string, help: string, key: Amount): Family => ({ ...counter(name, help, key), type: 'gauge' });

const setting = (name: string, help: string, key: Amount): Family => ({ ...gauge(name, help, key), isSetting: true });

/** cAdvisor tells of throttling only where there is a quota. */
const throttling = (family: Family): Family => ({
  ...family,
  values: (one) => (one.usage.cpuQuota === undefined ? [] : family.values(one)),
});

const network = (name: string, help: string, key: Exclude<keyof InterfaceCounters, 'name'>): Family => ({
  name: `container_network_${name}_total`,
  help: `Cumulative count of ${help}`,
  type: 'counter',
  label: 'interface',
  values: ({ interfaces }) => interfaces.map((one) => [one[key], one.name]),
});

const families: readonly Family[] = [
  throttling(counter('container_cpu_cfs_periods_total', 'Number of elapsed enforcement period intervals.', 'periods')),
  throttling(
    counter('container_cpu_cfs_throttled_periods_total', 'Number of throttled period intervals.', 'throttledPeriods'),
  ),
  throttling(
    counter(
      'container_cpu_cfs_throttled_seconds_total',
      'Total time duration the container has been throttled.',
      'throttled',
    ),
  ),
  counter('container_cpu_system_seconds_total', 'Cumulative system cpu time consumed in seconds.', 'systemCpu'),
  {
    name: 'container_cpu_usage_seconds_total',
    help: 'Cumulative cpu time consumed in seconds.',
    type: 'counter',
    label: 'cpu',
    values: ({ usage }) => [[usage.cpu, 'total']],
  },
  counter('container_cpu_user_seconds_total', 'Cumulative user cpu time consumed in seconds.', 'userCpu'),
  {
    name: 'container_fs_usage_bytes',
    help: 'Number of bytes that are consumed by the container on this filesystem.',
    type: 'gauge',
    label: 'device',
    values: ({ disk }) => (disk ? [[disk.used, disk.device]] : []),
  },
  {
    name: 'container_last_seen',
    help: 'Last time a container was seen by the exporter',
    type: 'gauge',
    values: ({ at }) => [[Math.floor(at / 1000)]],
  },
  gauge('container_memory_cache', 'Number of bytes of page cache memory.', 'cache'),
  counter('container_memory_failcnt', 'Number of memory usage hits limits', 'failures'),
  gauge('container_memory_rss', 'Size of RSS in bytes.', 'rss'),
  gauge('container_memory_swap', 'Container swap usage in bytes.', 'swap'),
  gauge(
    'container_memory_usage_bytes',
    'Current memory usage in bytes, including all memory regardless of when it was accessed',
    'memory',
  ),
  gauge('container_memory_working_set_bytes', 'Current working set in bytes.', 'workingSet'),
  network('receive_bytes', 'bytes received', 'rxBytes'),
  network('receive_errors', 'errors encountered while receiving', 'rxErrors'),
  network('receive_packets_dropped', 'packets dropped while receiving', 'rxDropped'),
  network('receive_packets', 'packets received', 'rxPackets'),
  network('transmit_bytes', 'bytes transmitted', 'txBytes'),
  network('transmit_errors', 'errors encountered while transmitting', 'txErrors'),
  network('transmit_packets_dropped', 'packets dropped while transmitting', 'txDropped'),
  network('transmit_packets', 'packets transmitted', 'txPackets'),
  {
    name: 'container_processes',
    help: 'Number of processes running inside the container.',
    type: 'gauge',
    values: ({ usage: { pids } }) => [[pids?.length]],
  },
  setting('container_spec_cpu_period', 'CPU period of the container.', 'cpuPeriod'),
  setting('container_spec_cpu_quota', 'CPU quota of the container.', 'cpuQuota'),
  setting('container_spec_cpu_shares', 'CPU share of the container.', 'cpuShares'),
  setting('container_spec_memory_limit_bytes', 'Memory limit for the container.', 'memoryLimit'),
  {
    name: 'container_start_time_seconds',
    help: 'Start time of the container since unix epoch in seconds.',
    type: 'gauge',
    isSetting: true,
    values: ({ createdAt }) => (createdAt === undefined ? [] : [[Math.floor(createdAt / 1000)]]),
  },
];

const identity = ['container', 'id', 'image', 'name', 'namespace', 'pod'] as const;

function samples({ values, label, isSetting }: Family, one: Measured): Sample[] {
  const who = (beside: string) => sorted(label).map((name) => (name === label ? beside : one[name as Identity]));
  return values(one).flatMap(([value, beside = '']): Sample[] => {
    if (value === undefined) return [];
    return [isSetting ? [who(beside), value] : [who(beside), value, Math.floor(one.at)]];
  });
}

type Identity = (typeof identity)[number];

/** Labels stand in the order of their names, as Go's client prints them. */
const sorted = (label?: string): string[] => (label === undefined ? [...identity] : [...identity, label].sort());

export function cadvisorMetrics({ containers, cores, memory, nodeInfo }: CadvisorInput): string {
  const { bootID = '', machineID = '', systemUUID = '', kernelVersion = '', osImage = '' } = nodeInfo;
  const machine = (name: string, help: string, value: number) =>
    new CollectedFamily({ name, help, type: 'gauge', labels: ['boot_id', 'machine_id', 'system_uuid'] }, () => [
      [[bootID, machineID, systemUUID], value],
    ]);
  const all = [
    new CollectedFamily(
      {
        name: 'cadvisor_version_info',
        help: "A metric with a constant '1' value labeled by kernel version, OS version, docker version, cadvisor version & cadvisor revision.",
        type: 'gauge',
        labels: ['cadvisorRevision', 'cadvisorVersion', 'dockerVersion', 'kernelVersion', 'osVersion'],
      },
      () => [[['', '', '', kernelVersion, osImage], 1]],
    ),
    ...families.map(
      (family) =>
        new CollectedFamily({ ...family, labels: sorted(family.label) }, () =>
          (containers ?? []).flatMap((one) => samples(family, one)),
        ),
    ),
    new CollectedFamily(
      {
        name: 'container_scrape_error',
        help: '1 if there was an error while getting container metrics, 0 otherwise',
        type: 'gauge',
      },
      () => [[[], containers ? 0 : 1]],
    ),
    machine('machine_cpu_cores', 'Number of logical CPU cores.', cores),
    machine('machine_memory_bytes', 'Amount of memory installed on the machine.', memory),
  ];
  return all.map((family) => family.print()).join('');
}
