// Names, labels and helps are those that cAdvisor's own tests and kubelets of upstream show.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import {
  type ContainerStats,
  type CriContainer,
  containerState,
  type PodSandbox,
  sandboxState,
} from '../cri/messages.ts';
import { cadvisorMetrics } from './cadvisor.ts';
import { processCount, processesOf, usage1, usage2 } from './cgroup-usage.ts';
import { deviceOf, type Measured, readContainers } from './container-reader.ts';
import { parseCounters } from './network.ts';

const texts = (files: Readonly<Record<string, string>>) => (file: string) => files[file];

const files1 = {
  'cpuacct/cpuacct.usage': '12500000000\n',
  'cpuacct/cpuacct.stat': 'user 700\nsystem 250\n',
  'cpu/cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 1500000000\nnr_bursts 0\n',
  'cpu/cpu.cfs_period_us': '100000\n',
  'cpu/cpu.cfs_quota_us': '50000\n',
  'cpu/cpu.shares': '256\n',
  'memory/memory.usage_in_bytes': '9000\n',
  'memory/memory.stat': 'rss 1\ntotal_cache 3000\ntotal_rss 5000\ntotal_swap 70\ntotal_inactive_file 2000\n',
  'memory/memory.failcnt': '6\n',
  'memory/memory.limit_in_bytes': '67108864\n',
  'memory/cgroup.procs': '11\n12\n',
};

const files2 = {
  'cpu.stat':
    'usage_usec 12500000\nuser_usec 7000000\nsystem_usec 2500000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 1500000\n',
  'cpu.max': '50000 100000\n',
  'cpu.weight': '10\n',
  'memory.current': '9000\n',
  'memory.stat': 'anon 5000\nfile 3000\ninactive_file 2000\n',
  'memory.swap.current': '70\n',
  'memory.events': 'low 0\nhigh 0\nmax 6\noom 1\noom_kill 1\n',
  'memory.max': '67108864\n',
  'cgroup.procs': '11\n12\n',
};

const usage = {
  cpu: 12.5,
  userCpu: 7,
  systemCpu: 2.5,
  periods: 10,
  throttledPeriods: 4,
  throttled: 1.5,
  memory: 9000,
  workingSet: 7000,
  rss: 5000,
  cache: 3000,
  swap: 70,
  failures: 6,
  pids: [11, 12],
  cpuPeriod: 100_000,
  cpuQuota: 50_000,
  cpuShares: 256,
  memoryLimit: 67_108_864,
};

test('both versions of cgroups tell the same', () => {
  expect(usage1(texts(files1))).toEqual(usage);
  // A weight stands for 26 shares or so.
  expect(usage2(texts(files2))).toEqual({ ...usage, cpuShares: 237 });
});

test('without limits there is no quota, and 0 stands for no limit', () => {
  const free1 = { 'cpu/cpu.cfs_quota_us': '-1', 'memory/memory.limit_in_bytes': '9223372036854771712' };
  expect(usage1(texts({ ...files1, ...free1 }))).toEqual({ ...usage, cpuQuota: undefined, memoryLimit: 0 });
  const free2 = usage2(texts({ ...files2, 'cpu.max': 'max 100000', 'memory.max': 'max' }));
  expect(free2).toMatchObject({ cpuQuota: undefined, cpuPeriod: 100_000, memoryLimit: 0 });
});

test('of what the files do not tell nothing is said', () => {
  for (const read of [usage1, usage2]) {
    expect(Object.values(read(() => undefined)).filter((value) => value !== undefined)).toEqual([]);
  }
});

const at = Date.parse('2026-01-01T00:00:00Z');
const nobody = { container: '', image: '', name: '', namespace: '', pod: '' };
const eth0 = parseCounters('  eth0: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n lo: 9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0\n');
const web: Measured = {
  container: 'web',
  id: '/portico/podu/c1',
  image: 'busybox',
  name: 'c1',
  namespace: 'default',
  pod: 'shop',
  at: at + 0.5,
  createdAt: at - 1500,
  usage,
  interfaces: [],
  disk: { device: '/dev/vda1', used: 4096 },
};
const sandbox: Measured = { ...web, ...nobody, pod: 'shop', name: 's1', usage: {}, interfaces: eth0 };
const machine = { cores: 2, memory: 4096, nodeInfo: { machineID: 'm', bootID: 'b', systemUUID: 's' } };

test('each family has the labels and the type of upstream', () => {
  const text = cadvisorMetrics({ ...machine, containers: [web, sandbox] });
  const who = 'id="/portico/podu/c1",image="busybox",name="c1",namespace="default",pod="shop"';
  const lines = text.split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      '# TYPE container_cpu_usage_seconds_total counter',
      `container_cpu_usage_seconds_total{container="web",cpu="total",${who}} 12.5 ${at}`,
      `container_cpu_cfs_throttled_seconds_total{container="web",${who}} 1.5 ${at}`,
      '# TYPE container_memory_working_set_bytes gauge',
      `container_memory_working_set_bytes{container="web",${who}} 7000 ${at}`,
      `container_fs_usage_bytes{container="web",device="/dev/vda1",${who}} 4096 ${at}`,
      `container_processes{container="web",${who}} 2 ${at}`,
      `container_spec_cpu_quota{container="web",${who}} 50000`,
      `container_start_time_seconds{container="web",${who}} ${(at / 1000 - 2) / 1e9}e+09`,
      `container_network_transmit_packets_dropped_total{container="",id="/portico/podu/c1",image="",interface="eth0",name="s1",namespace="",pod="shop"} 8 ${at}`,
      'container_scrape_error 0',
      'machine_cpu_cores{boot_id="b",machine_id="m",system_uuid="s"} 2',
    ]),
  );
  expect(lines.filter((line) => line.startsWith('container_memory_usage_bytes{'))).toHaveLength(1);
  expect(lines.filter((line) => line.startsWith('container_network_receive_bytes_total{'))).toHaveLength(1);
});

test('throttling is told of where there is a quota only; a runtime that cannot be asked is', () => {
  const free = { ...web, usage: { ...usage, cpuQuota: undefined } };
  expect(cadvisorMetrics({ ...machine, containers: [free] })).not.toContain('container_cpu_cfs_');
  expect(cadvisorMetrics({ ...machine, containers: undefined })).toContain('\ncontainer_scrape_error 1\n');
});

test('told are the machine, and of pods that run their cgroup, sandbox and running containers', async () => {
  const ofPod = { 'io.kubernetes.pod.uid': 'u' };
  const created = { createdAt: at * 1e6, metadata: undefined, annotations: {} };
  const one = (id: string, state: number): CriContainer => ({
    ...created,
    id,
    podSandboxId: 's1',
    image: { image: 'sha256:1' },
    imageRef: 'sha256:1',
    state,
    labels: { ...ofPod, 'io.kubernetes.container.name': 'web' },
  });
  const box = (id: string, state: number): PodSandbox => ({ ...created, id, state, labels: ofPod });
  const pod = (name: string, uid: string): Pod => ({
    metadata: { name, namespace: 'default', uid },
    spec: { containers: [{ name: 'web' }] },
    status: {
      containerStatuses: [
        { name: 'web', containerID: 'containerd://c1', image: 'busybox', imageID: '', ready: true, restartCount: 0 },
      ],
    },
  });
  const writableLayer = { timestamp: 0, fsId: { mountpoint: '/' }, usedBytes: { value: 7 }, inodesUsed: undefined };
  const stats = { attributes: { id: 'c1', metadata: undefined, labels: {} }, writableLayer } as ContainerStats;
  const read = await readContainers(
    {
      cri: {
        listPodSandbox: async () => [box('s0', sandboxState.ready + 1), box('s1', sandboxState.ready)],
        listContainers: async () => [one('c0', containerState.exited), one('c1', containerState.running)],
        listContainerStats: async () => [stats],
      },
      clock: new FakeClock(at),
      cgroupRoot: '/nowhere',
    },
    [pod('shop', 'u'), pod('gone', 'v')],
  );
  expect(read.map(({ id, name, container, image, disk }) => [id, name, container, image, disk?.used])).toEqual([
    ['/', '', '', '', undefined],
    ['/nowhere/besteffort/podu', '', '', '', undefined],
    ['/nowhere/besteffort/podu/s1', 's1', '', '', undefined],
    ['/nowhere/besteffort/podu/c1', 'c1', 'web', 'busybox', 7],
  ]);
});

test('the device of a path is what was last mounted nearest to it', () => {
  const mounts = [
    '1 0 8:1 / / rw - ext4 /dev/vda1 rw',
    '2 1 8:2 / /var/lib rw shared:1 - xfs /dev/vdb rw',
    '3 1 8:3 / /var/lib rw - xfs /dev/vdc rw',
    '4 1 8:4 / /var/lib/con rw - xfs /dev/vdd rw',
  ].join('\n');
  const paths = ['/etc', '/var/lib', '/var/lib/containerd/x', '/var/lib/con'];
  expect(paths.map((path) => deviceOf(path, mounts))).toEqual(['/dev/vda1', '/dev/vdc', '/dev/vdc', '/dev/vdd']);
  expect(deviceOf('/etc', '')).toBe('');
});

test.each([
  ['1', 'pids/pod/pids.current', 'memory/pod/cgroup.procs', undefined],
  ['2', 'pod/pids.current', 'pod/cgroup.procs', 'cgroup.controllers'],
])('processes are counted and listed, version %s', async (_, count, list, mark) => {
  const mount = await mkdtemp(join(tmpdir(), 'portico-cgroups-'));
  for (const [file, text] of [
    [count, '17\n'],
    [list, '4\n23\n'],
  ] as const) {
    await mkdir(dirname(join(mount, file)), { recursive: true });
    await writeFile(join(mount, file), text);
  }
  if (mark !== undefined) await writeFile(join(mount, mark), '');
  expect([await processCount(mount, '/pod'), await processCount(mount, '/other')]).toEqual([17, undefined]);
  expect([await processesOf(mount, '/pod'), await processesOf(mount, '/other')]).toEqual([[4, 23], []]);
  await rm(mount, { recursive: true });
});

test('processes in cgroups of a container’s own are its processes, too', async () => {
  const mount = await mkdtemp(join(tmpdir(), 'portico-cgroups-'));
  await writeFile(join(mount, 'cgroup.controllers'), '');
  for (const [folder, text] of [
    ['pod', ''],
    ['pod/init.scope', '7\n'],
    ['pod/system.slice/web.service', '8\n9\n'],
  ] as const) {
    await mkdir(join(mount, folder), { recursive: true });
    await writeFile(join(mount, folder, 'cgroup.procs'), text);
  }
  expect([...(await processesOf(mount, '/pod'))].sort()).toEqual([7, 8, 9]);
  await rm(mount, { recursive: true });
});
