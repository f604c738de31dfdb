// The kubelet's cgroups on a kernel that has version 2 only: containers of a real containerd on a small emulated machine.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Container, Pod, PodStatus } from '../../src/api/core/v1/types.generated.ts';
import { busyboxImage } from '../../src/cluster/images/built-in.ts';
import { cgroupMount } from '../../src/kubelet/pod/cgroups.ts';
import { containerConfig, sandboxConfig } from '../../src/kubelet/pod/container-config.ts';
import { podStatus } from '../../src/kubelet/pod/pod-status.ts';
import { containerResources, type NodeResources, podCgroup } from '../../src/kubelet/pod/resources.ts';
import { RuntimeReader } from '../../src/kubelet/pod/runtime.ts';
import { statsSummary } from '../../src/kubelet/stats/summary.ts';
import { UsageMeter } from '../../src/kubelet/stats/usage-meter.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { ContainerNode } from '../machine/container-node.ts';
import { unavailable } from '../machine/image.ts';

const reason = unavailable('containers');
const cgroupRoot = '/portico/node-1';
const nodeResources: NodeResources = { nodeMemory: 768 * 2 ** 20, isUnified: true };
const patience = 300_000;

/** What runc makes of shares (2 to 262,144), for which it has had another formula since 1.3.2: a weight of 1 to 10,000. */
function weightOf(shares: number) {
  const exponent = Math.log2(shares);
  const before = 1 + Math.floor(((shares - 2) * 9999) / 262_142);
  const since = Math.ceil(10 ** ((exponent ** 2 + 125 * exponent) / 612 - 7 / 34));
  return expect.stringMatching(`^(${before}|${since})$`);
}

/** Runs until it is killed. */
const idle = ['sleep', '2147483647'];
/** A reader that keeps an endless line in memory, below a shell that would outlive it. */
const greedy = ['sh', '-c', 'tail /dev/zero; sleep 2147483647'];

function podOf(name: string, containers: readonly Container[]): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: `uid-${name}` },
    spec: {
      // There is no pod network there.
      hostNetwork: true,
      restartPolicy: 'Never',
      containers: containers.map((container) => ({ image: busyboxImage, ...container })),
    },
  };
}

const burstable = podOf('burstable', [
  {
    name: 'main',
    command: idle,
    resources: { requests: { cpu: '250m', memory: '32Mi' }, limits: { cpu: '500m', memory: '64Mi' } },
  },
]);
const guaranteed = podOf('guaranteed', [
  { name: 'main', command: idle, resources: { limits: { cpu: '200m', memory: '48Mi' } } },
]);
const outgrowing = (number: number) =>
  podOf(`outgrowing-${number}`, [{ name: 'main', command: greedy, resources: { limits: { memory: '24Mi' } } }]);
/** containerd hears of a container's end and of what it was for by two ways; the second may be too late or lost. */
const oomAttempts = 3;
/** Once in dozens of runs a call over the machine's serial line had no answer for two minutes. */
const bootAttempts = 3;

describe.skipIf(reason !== undefined)(`cgroup v2 on an emulated machine${reason ? ` (${reason})` : ''}`, () => {
  let node: ContainerNode;
  /** All that were started. */
  const pods: Pod[] = [burstable, guaranteed];
  /** Ids by the pod's name. */
  const sandboxes = new Map<string, string>();
  const containers = new Map<string, string>();
  /** How many have outgrown their memory: the runtime takes no name twice. */
  let outgrown = 0;

  /** As the kubelet starts a pod, with the files of its own on the machine. */
  async function start(pod: Pod): Promise<void> {
    const { cri } = node;
    const { name } = pod.metadata;
    const config = sandboxConfig(pod, {
      attempt: 0,
      logRoot: '/var/log/pods',
      cgroupParent: podCgroup(cgroupRoot, pod),
      dns: { servers: [], searches: [], options: [] },
      domain: 'cluster.local',
    });
    const podSandboxId = await cri.runPodSandbox(config);
    sandboxes.set(name, podSandboxId);
    for (const container of pod.spec.containers) {
      const files = ['hosts', 'termination'].map((file) => `/tmp/${name}-${container.name}-${file}`);
      await node.output(['touch', ...files]);
      const [hostsFile = '', terminationFile = ''] = files;
      const id = await cri.createContainer({
        podSandboxId,
        sandboxConfig: config,
        config: containerConfig(pod, container, {
          attempt: 0,
          podRestarts: 0,
          environment: new Map(),
          mountSources: [],
          images: new Map(),
          readonlyVolumes: new Set(),
          devices: new Map(),
          hostsFile,
          terminationFile,
          resources: containerResources(pod, container, nodeResources),
          mountsRecursively: false,
        }),
      });
      await cri.startContainer(id);
      containers.set(name, id);
    }
  }

  async function remove(pod: Pod): Promise<void> {
    const id = sandboxes.get(pod.metadata.name) ?? '';
    await node.cri.stopPodSandbox(id);
    await node.cri.removePodSandbox(id);
  }

  const folderOf = (pod: Pod) => `${cgroupMount}${podCgroup(cgroupRoot, pod)}/${containers.get(pod.metadata.name)}`;

  async function valuesOf(pod: Pod, files: readonly string[]): Promise<Record<string, string>> {
    const lines = (await node.output(['grep', '', ...files.map((file) => `${folderOf(pod)}/${file}`)])).trim();
    return Object.fromEntries(
      lines.split('\n').map((line) => {
        const [path = '', value = ''] = line.split(':');
        return [path.slice(path.lastIndexOf('/') + 1), value];
      }),
    );
  }

  /** All cgroups below the node's, from it. */
  async function cgroups(): Promise<string[]> {
    const root = `${cgroupMount}${cgroupRoot}`;
    // Folders may go while it looks.
    const find = `find ${root} -mindepth 1 -type d 2> /dev/null || true`;
    const paths = (await node.output(['sh', '-c', find])).trim().split('\n');
    return paths
      .filter(Boolean)
      .map((path) => path.slice(root.length + 1))
      .sort();
  }

  beforeAll(async () => {
    for (let attempt = 1; ; attempt += 1) {
      node = await ContainerNode.boot();
      try {
        for (const pod of pods) await start(pod);
        return;
      } catch (error) {
        if (attempt === bootAttempts) throw error;
        console.warn(`the emulated machine is booted again: ${String(error)}`);
        node.close();
      }
    }
  });
  afterAll(() => node?.close());

  test('requests and limits are in the files of version 2, below the class of the pod', async () => {
    const files = ['memory.max', 'cpu.max', 'cpu.weight', 'memory.oom.group'];
    expect(await valuesOf(burstable, files)).toEqual({
      'memory.max': String(64 * 2 ** 20),
      'cpu.max': '50000 100000',
      'cpu.weight': weightOf(256),
      'memory.oom.group': '1',
    });
    expect(await valuesOf(guaranteed, files)).toEqual({
      'memory.max': String(48 * 2 ** 20),
      'cpu.max': '20000 100000',
      'cpu.weight': weightOf(204),
      'memory.oom.group': '1',
    });
    const [b, g] = ['burstable', 'guaranteed'].map((name) => [containers.get(name), sandboxes.get(name)]);
    expect(await cgroups()).toEqual(
      [
        'burstable',
        'burstable/poduid-burstable',
        ...b!.map((id) => `burstable/poduid-burstable/${id}`),
        'poduid-guaranteed',
        ...g!.map((id) => `poduid-guaranteed/${id}`),
      ].sort(),
    );
    expect((await node.output(['cat', `${folderOf(burstable)}/cgroup.procs`])).trim()).toMatch(/^\d+$/);
  });

  test('a resize changes them while the container runs', async () => {
    const [main] = burstable.spec.containers;
    const resources = { requests: { cpu: '500m', memory: '32Mi' }, limits: { cpu: '1', memory: '80Mi' } };
    const wanted = containerResources(burstable, { ...main!, resources }, nodeResources);
    await node.cri.updateContainerResources(containers.get('burstable') ?? '', wanted);
    expect(await valuesOf(burstable, ['memory.max', 'cpu.max', 'cpu.weight', 'memory.oom.group'])).toEqual({
      'memory.max': String(80 * 2 ** 20),
      'cpu.max': '100000 100000',
      'cpu.weight': weightOf(512),
      'memory.oom.group': '1',
    });
    const { containers: running } = await new RuntimeReader(node.cri).observe(burstable.metadata.uid ?? '');
    expect(running.map(({ state }) => state)).toEqual(['running']);
  });

  test('what containers use is told', async () => {
    const usage = await new UsageMeter({ cri: node.cri, clock: realClock, rootDir: '/' }).read();
    const summary = statsSummary({ nodeName: 'node-1', pods: () => [burstable, guaranteed] }, usage);
    expect(summary.pods.map(({ podRef }) => podRef.name)).toEqual(['burstable', 'guaranteed']);
    for (const pod of summary.pods) {
      const [main] = pod.containers;
      expect(main?.name).toBe('main');
      expect(main?.cpu?.usageCoreNanoSeconds).toBeGreaterThan(0);
      expect(main?.memory?.workingSetBytes).toBeGreaterThan(0);
      expect(main?.memory?.workingSetBytes).toBeLessThan(48 * 2 ** 20);
      expect(pod.memory.workingSetBytes).toBe(main?.memory?.workingSetBytes);
    }
  });

  /** The status of a pod whose container has ended; with its reason where the runtime tells that in time. */
  async function endOf(pod: Pod): Promise<PodStatus> {
    const ended = async () => {
      // Of one that ended a reader asks once.
      const [container] = (await new RuntimeReader(node.cri).observe(pod.metadata.uid ?? '')).containers;
      return container?.state === 'exited' ? container : undefined;
    };
    await expect.poll(ended, { timeout: patience }).toBeDefined();
    for (let looks = 0; looks < 40 && (await ended())?.reason !== 'OOMKilled'; looks++) await realClock.sleep(500);
    return podStatus({
      pod,
      observed: await new RuntimeReader(node.cri).observe(pod.metadata.uid ?? ''),
      started: new Set(),
      ready: new Set(),
      waiting: new Map(),
      hostIPs: ['172.31.255.11'],
      now: realClock.now(),
    });
  }

  test('a container that outgrows its memory is killed whole, and its status says why', async () => {
    const reasons: (string | undefined)[] = [];
    for (let attempt = 1; attempt <= oomAttempts && !reasons.includes('OOMKilled'); attempt++) {
      outgrown += 1;
      const pod = outgrowing(outgrown);
      await start(pod);
      pods.push(pod);
      const status = await endOf(pod);
      expect(status).toMatchObject({ phase: 'Failed', qosClass: 'Burstable' });
      const terminated = status.containerStatuses?.[0]?.state?.terminated;
      // The shell, too, which used little.
      expect(terminated?.exitCode).toBe(137);
      reasons.push(terminated?.reason);
    }
    expect(reasons).toContain('OOMKilled');
  });

  test('nothing is left of pods that are gone, once the folders are removed that the kubelet removes', async () => {
    for (const pod of pods) await remove(pod);
    const folders = pods.map((pod) => podCgroup(cgroupRoot, pod));
    const own = folders.map((path) => path.slice(cgroupRoot.length + 1));
    // containerd leaves the pod's own folder, and below it what was busy when runc removed it.
    const left = await cgroups();
    expect(left).toEqual(expect.arrayContaining(own));
    expect(left.filter((path) => path !== 'burstable' && !own.some((pod) => `${path}/`.startsWith(`${pod}/`)))).toEqual(
      [],
    );
    // What removeCgroup does below the mount itself; it looks for hierarchies of version 1 in the folders of the mount.
    const paths = folders.map((path) => `${cgroupMount}${path}`);
    const removed = async () => {
      await node.output([
        'sh',
        '-c',
        'find "$@" -depth -type d -exec rmdir {} \\; 2> /dev/null || true',
        'sh',
        ...paths,
      ]);
      return cgroups();
    };
    await expect.poll(removed, { timeout: patience, interval: 1000 }).toEqual(['burstable']);
  });
});
