// Names, helps and times of the metrics are those of upstream's table (pkg/kubelet/metrics/collectors/resource_metrics_test.go).
import { link, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { Exec } from '../../system/exec.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { realExec } from '../../system/real/exec.ts';
import { type ContainerStats, type PodSandbox, sandboxState } from '../cri/messages.ts';
import { type Detail, DetailReader } from './detail.ts';
import { DiskMeter, type FolderUsage } from './disk-meter.ts';
import { kubeletMetrics, resourceMetrics } from './metrics.ts';
import { parseInterfaces } from './network.ts';
import { statsSummary } from './summary.ts';
import type { Usage } from './usage-meter.ts';

const at = Date.parse('2021-06-22T21:11:18Z');
const time = '2021-06-22T21:11:18Z';

const pod: Pod = {
  metadata: { name: 'pod_a', namespace: 'namespace_a', uid: 'u' },
  spec: {
    containers: [{ name: 'container_a' }],
    volumes: [
      { name: 'tmp', emptyDir: {} },
      { name: 'shm', emptyDir: { medium: 'Memory' } },
      { name: 'settings', configMap: { name: 'c' } },
      { name: 'data', persistentVolumeClaim: { claimName: 'claim' } },
      { name: 'host', hostPath: { path: '/' } },
    ],
  },
  status: {
    phase: 'Running',
    startTime: time,
    containerStatuses: [
      {
        name: 'container_a',
        ready: true,
        restartCount: 0,
        image: 'i',
        imageID: 'i',
        state: { running: { startedAt: '2021-06-22T21:10:48Z' } },
      },
    ],
  },
};

const container: ContainerStats = {
  attributes: {
    id: 'x',
    metadata: { name: 'container_a', attempt: 0 },
    labels: { 'io.kubernetes.pod.uid': 'u' },
  },
  cpu: { timestamp: at * 1e6, usageCoreNanoSeconds: { value: 10e9 } },
  memory: {
    timestamp: at * 1e6,
    workingSetBytes: { value: 1000 },
    usageBytes: { value: 2000 },
    rssBytes: { value: 500 },
  },
  writableLayer: { timestamp: at * 1e6, fsId: undefined, usedBytes: { value: 4 }, inodesUsed: { value: 1 } },
};

const usage: Usage = {
  machine: {
    at,
    cpuNanoSeconds: 20e9,
    memory: { capacity: 9000, available: 6000 },
    disk: { capacity: 1000, available: 600, inodes: 100, inodesFree: 90 },
    processes: { capacity: 32_768, available: 32_668 },
  },
  containers: [container],
  machineNanoCores: 7,
  nanoCores: new Map([['x', 5]]),
};

const folder = (used: number): FolderUsage => ({
  at,
  used,
  inodesUsed: 2,
  capacity: 1000,
  available: 600,
  inodes: 100,
  inodesFree: 90,
});

const eth0 = { name: 'eth0', rxBytes: 1, rxErrors: 2, txBytes: 3, txErrors: 4 };
const volumeOf = (name: string) => pod.spec.volumes!.find((volume) => volume.name === name)!;
const detail: Detail = {
  network: { at, interfaces: [{ ...eth0, name: 'ens3' }] },
  pods: new Map([
    [
      'u',
      {
        network: { at, interfaces: [eth0] },
        processes: 3,
        volumes: [
          { volume: volumeOf('tmp'), usage: folder(10) },
          { volume: volumeOf('shm'), usage: folder(20) },
          { volume: volumeOf('settings'), usage: folder(40) },
          { volume: volumeOf('data'), claim: 'claim', usage: folder(80) },
        ],
        logs: new Map([['container_a', folder(100)]]),
      },
    ],
  ]),
};

const source = { nodeName: 'n', pods: () => [pod] };

test('the summary tells of networks, volumes and logs those who want to know all', () => {
  const { node, pods } = statsSummary(source, usage, detail);
  expect(node).toMatchObject({
    nodeName: 'n',
    network: { time, name: '', interfaces: [{ name: 'ens3' }] },
    fs: { capacityBytes: 1000, availableBytes: 600, usedBytes: 400, inodesUsed: 10 },
    rlimit: { time, maxpid: 32_768, curproc: 100 },
  });
  const [one] = pods;
  expect(one).toMatchObject({
    podRef: { name: 'pod_a', namespace: 'namespace_a', uid: 'u' },
    network: { time, ...eth0, interfaces: [eth0] },
    memory: { workingSetBytes: 1000, usageBytes: 2000, rssBytes: 500 },
    process_stats: { process_count: 3 },
    // The layer, the log, what is in emptyDirs on disk and in ConfigMaps.
    'ephemeral-storage': { usedBytes: 4 + 100 + 10 + 40, inodesUsed: 1 + 2 + 2 + 2, capacityBytes: 1000 },
    containers: [{ startTime: '2021-06-22T21:10:48Z', rootfs: { usedBytes: 4 }, logs: { usedBytes: 100 } }],
  });
  expect(one).toHaveProperty('volume', [
    expect.objectContaining({ name: 'tmp', usedBytes: 10, inodesUsed: 2, time }),
    expect.objectContaining({ name: 'shm', usedBytes: 20 }),
    expect.objectContaining({ name: 'settings', usedBytes: 40 }),
    expect.objectContaining({ name: 'data', usedBytes: 80, pvcRef: { name: 'claim', namespace: 'namespace_a' } }),
  ]);
});

test('without them there is cpu and memory', () => {
  const { node, pods } = statsSummary(source, usage);
  expect(Object.keys(node)).toEqual(['nodeName', 'cpu', 'memory']);
  expect(Object.keys(pods[0]!)).toEqual(['podRef', 'startTime', 'containers', 'cpu', 'memory']);
  expect(Object.keys(pods[0]!.containers[0]!)).toEqual(['name', 'startTime', 'cpu', 'memory']);
});

test('metrics of resources carry the times at which they were measured', () =>
  expect(resourceMetrics(statsSummary(source, usage))).toBe(`\
# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="container_a",namespace="namespace_a",pod="pod_a"} 10 ${at}
# HELP container_memory_working_set_bytes [STABLE] Current working set of the container in bytes
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{container="container_a",namespace="namespace_a",pod="pod_a"} 1000 ${at}
# HELP container_start_time_seconds [STABLE] Start time of the container since unix epoch in seconds
# TYPE container_start_time_seconds gauge
container_start_time_seconds{container="container_a",namespace="namespace_a",pod="pod_a"} 1.624396248e+09
# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the node in core-seconds
# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total 20 ${at}
# HELP node_memory_working_set_bytes [STABLE] Current working set of the node in bytes
# TYPE node_memory_working_set_bytes gauge
node_memory_working_set_bytes 3000 ${at}
# HELP pod_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the pod in core-seconds
# TYPE pod_cpu_usage_seconds_total counter
pod_cpu_usage_seconds_total{namespace="namespace_a",pod="pod_a"} 10 ${at}
# HELP pod_memory_working_set_bytes [STABLE] Current working set of the pod in bytes
# TYPE pod_memory_working_set_bytes gauge
pod_memory_working_set_bytes{namespace="namespace_a",pod="pod_a"} 1000 ${at}
# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise
# TYPE resource_scrape_error gauge
resource_scrape_error 0
`));

test('that there is nothing to tell is told', () =>
  expect(resourceMetrics(undefined)).toBe(`\
# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise
# TYPE resource_scrape_error gauge
resource_scrape_error 1
`));

test('a claim that two pods use is told of once', () => {
  const other: Pod = { ...pod, metadata: { ...pod.metadata, name: 'pod_b', uid: 'v' } };
  const both = { ...detail, pods: new Map([...detail.pods, ['v', detail.pods.get('u')!]]) };
  const lines = kubeletMetrics({ nodeName: 'n', pods: [pod, other], usage, detail: both }).split('\n');
  expect(lines.filter((line) => line.startsWith('kubelet_'))).toEqual([
    'kubelet_node_name{node="n"} 1',
    'kubelet_running_containers{container_state="running"} 1',
    'kubelet_running_pods 2',
    ...[
      'available_bytes 600',
      'capacity_bytes 1000',
      'inodes 100',
      'inodes_free 90',
      'inodes_used 2',
      'used_bytes 80',
    ].map((figure) => {
      const [name, value] = figure.split(' ');
      return `kubelet_volume_stats_${name}{namespace="namespace_a",persistentvolumeclaim="claim"} ${value}`;
    }),
  ]);
});

test('the interfaces of a machine, without the ends of its pods', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0
  eth0:1 20 2 30 0 0 0 0 3 40 4 50 0 0 0 0
veth12: 9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0
`;
  expect(parseInterfaces(text)).toEqual([eth0]);
});

test('folders are counted once a minute, and each by itself', async () => {
  const root = await mkdtemp(join(tmpdir(), 'portico-disk-'));
  const clock = new FakeClock();
  const meter = new DiskMeter({ exec: realExec, clock });
  const read = async () => (await meter.usage([root, join(root, 'none')])).get(root);
  const before = await read();
  expect(before).toMatchObject({ at: clock.now(), inodesUsed: 1 });
  expect(before!.capacity).toBeGreaterThanOrEqual(before!.available);
  await writeFile(join(root, 'f'), Buffer.alloc(1 << 20, 1));
  clock.advance(59_000);
  expect(await read()).toEqual(before);
  clock.advance(1000);
  const after = await read();
  expect(after).toMatchObject({ at: clock.now(), inodesUsed: 2 });
  expect(after!.used - before!.used).toBeGreaterThanOrEqual(1 << 20);
  await rm(root, { recursive: true });
});

test('folders are counted anew after the time was set back', async () => {
  const root = await mkdtemp(join(tmpdir(), 'portico-disk-'));
  const clock = new FakeClock();
  const meter = new DiskMeter({ exec: realExec, clock });
  const read = async () => (await meter.usage([root])).get(root)?.at;
  await read();
  clock.step(-3_600_000);
  expect(await read()).toBe(clock.now());
  await rm(root, { recursive: true });
});

test('folders are counted by one at a time, and a file of two names once', async () => {
  const root = await mkdtemp(join(tmpdir(), 'portico-meter-'));
  await writeFile(join(root, 'a'), Buffer.alloc(1 << 20, 1));
  await link(join(root, 'a'), join(root, 'b'));
  let running = 0;
  const seen: number[] = [];
  const exec: Exec = {
    ...realExec,
    run: async (argv, options) => {
      running += 1;
      seen.push(running);
      return realExec.run(argv, options).finally(() => {
        running -= 1;
      });
    },
  };
  const meter = new DiskMeter({ exec, clock: new FakeClock() });
  const usages = await Promise.all([meter.usage([root]), meter.usage([root]), meter.usage([root])]);
  expect(seen).toEqual([1, 1]);
  const [first] = usages.map((usage) => usage.get(root));
  expect(usages.map((usage) => usage.get(root))).toEqual([first, first, first]);
  expect(first).toMatchObject({ inodesUsed: 2 });
  expect(first!.used).toBeLessThan(2 << 20);
  await rm(root, { recursive: true });
});

test('volumes are where the node has them; what is on a hostPath is not of the pod, nor is a pod that has ended looked at', async () => {
  const root = await mkdtemp(join(tmpdir(), 'portico-detail-'));
  const sandbox: PodSandbox = {
    id: 'new',
    metadata: undefined,
    state: sandboxState.ready,
    createdAt: 0,
    labels: { 'io.kubernetes.pod.uid': 'u' },
    annotations: {},
  };
  const reader = new DetailReader({
    cri: {
      listPodSandbox: async () => [
        { ...sandbox, id: 'old', state: sandboxState.notReady },
        sandbox,
        { ...sandbox, id: 'gone' },
      ],
      listContainers: async () => [],
    },
    clock: new FakeClock(),
    exec: realExec,
    logRoot: root,
    cgroupRoot: '/nowhere',
    volumePaths: () => new Map(['tmp', 'data', 'host'].map((name) => [name, root])),
  });
  const ended: Pod = { ...pod, metadata: { ...pod.metadata, uid: 'v' }, status: { phase: 'Succeeded' } };
  const { network, pods } = await reader.read([pod, ended]);
  expect(network.interfaces.map(({ name }) => name)).not.toContain('lo');
  expect([...pods.keys()]).toEqual(['u']);
  const { volumes } = pods.get('u')!;
  expect(volumes.map(({ volume, claim }) => [volume.name, claim])).toEqual([
    ['tmp', undefined],
    ['data', 'claim'],
  ]);
  expect(volumes[0]!.usage.inodesUsed).toBe(1);
  // Of a claim the file system counts.
  expect(volumes[1]!.usage.inodesUsed).toBeGreaterThan(1);
  await rm(root, { recursive: true });
});
