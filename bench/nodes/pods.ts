// One node of `portico up`: how soon a pod is Ready whose image is there, ten at once, and what its agent keeps in memory.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Pod } from '../../src/api/core/v1/types.generated.ts';
import { pods } from '../../src/client/resources.ts';
import type { Client } from '../../src/client/types.ts';
import { adminClient } from '../../src/cluster/admin-client.ts';
import { busyboxImage } from '../../src/cluster/images/built-in.ts';
import { type Cri, criClient } from '../../src/kubelet/cri/client.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realFiles } from '../../src/system/real/files.ts';
import { run as runProgram } from '../../test/e2e/portico.ts';
import type { BenchContext, Measurement } from '../measurement.ts';
import { median } from '../percentile.ts';

const launcher = resolve(import.meta.dirname, '../../portico');
const name = `bench-${process.pid.toString(36)}`;
const rounds = 15;
const many = 10;

export async function run({ progress, undoing }: BenchContext): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'portico-bench-'));
  const own = ['--name', name, '--data-dir', join(folder, 'data')];
  // As after an install: a source that changed since is translated by each process that reads it, for 18 MB.
  progress('compiled code for the sources as they are');
  await launch('precompile');
  progress('a cluster of one node');
  const starting = launch('up', ...own, '--nodes', '1', '--egress', 'off');
  const undo = async () => {
    await starting.catch(() => {});
    await launch('down', ...own, '--purge');
    rmSync(folder, { recursive: true, force: true });
  };
  return undoing(undo, async () => {
    await starting;
    const client = await adminClient(join(folder, 'data/kubeconfig'), { files: realFiles, clock: realClock });
    const cri = criClient(`/run/portico/${name}/node-1/containerd.sock`);
    progress(`${rounds} pods one after the other, each beside one by containerd alone`);
    const bare: number[] = [];
    const single: number[] = [];
    for (let i = 0; i < rounds; i += 1) {
      bare.push(await bareStart(cri, `bare-${i}`));
      const [took = 0] = await startPods(client, [`one-${i}`]);
      single.push(took);
      await removePods(client, cri, [`one-${i}`]);
    }
    progress(`${many} pods at once`);
    const names = Array.from({ length: many }, (_, i) => `many-${i}`);
    const together = Math.max(...(await startPods(client, names)));
    const memory = agentMemory();
    await removePods(client, cri, names);
    cri.close();
    return [
      {
        what: 'a pod, from binding to Ready (median)',
        ours: median(single),
        bare: median(bare),
        unit: 'ms',
        budget: '200 ms',
      },
      { what: `${many} pods at once, until all are Ready`, ours: together, unit: 'ms', budget: '1,500 ms' },
      {
        what: `resident memory of an agent with ${many} pods`,
        ours: memory.resident,
        unit: 'MB',
        budget: '90 MB',
      },
      {
        what: 'the same, pages that it shares divided among the processes that have them',
        ours: memory.proportional,
        unit: 'MB',
        budget: '–',
      },
    ];
  });
}

async function launch(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await runProgram([launcher, ...args]);
  if (code !== 0) throw new Error(`portico ${args.join(' ')}: ${stderr.trim()}`);
}

function podOf(podName: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: podName, namespace: 'default' },
    spec: {
      nodeName: 'node-1',
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image: busyboxImage, command: ['sleep', '1000'] }],
    },
  };
}

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;

/** Milliseconds from each pod's creation, bound to the node, until a watch shows it Ready. */
async function startPods(client: Client, names: readonly string[]): Promise<number[]> {
  const api = client.resource<Pod>(pods);
  const over = new AbortController();
  const { metadata } = await api.list({ namespace: 'default' });
  const watch = api.watch({
    namespace: 'default',
    resourceVersion: metadata?.resourceVersion ?? '',
    signal: over.signal,
  });
  const began = performance.now();
  const took = new Map<string, number>();
  const seen = (async () => {
    for await (const { object } of watch as AsyncIterable<{ readonly object: Pod }>) {
      const { name: podName } = object.metadata;
      if (isReady(object) && !took.has(podName)) took.set(podName, performance.now() - began);
      if (names.every((one) => took.has(one))) return;
    }
  })();
  await Promise.all(names.map((one) => api.create(podOf(one))));
  await seen;
  over.abort();
  return names.map((one) => took.get(one) ?? Number.POSITIVE_INFINITY);
}

/** Until nothing of them is left on the node: what is still taken away would be measured with the next. */
async function removePods(client: Client, cri: Cri, names: readonly string[]): Promise<void> {
  const api = client.resource<Pod>(pods);
  await Promise.all(names.map((one) => api.delete(one, 'default', { gracePeriodSeconds: 0 })));
  while ((await cri.listPodSandbox()).some(({ metadata }) => names.includes(metadata?.name ?? ''))) {
    await realClock.sleep(20);
  }
}

/** Sandbox, create and start by CRI alone on the same containerd, in milliseconds: what no kubelet can be faster than. */
async function bareStart(cri: Cri, podName: string): Promise<number> {
  const sandboxConfig = {
    metadata: { name: podName, namespace: 'bench', uid: podName, attempt: 0 },
    logDirectory: '/tmp',
    linux: { cgroupParent: `/portico-${name}/node-1/${podName}` },
  };
  const began = performance.now();
  const sandbox = await cri.runPodSandbox(sandboxConfig);
  const config = { metadata: { name: 'main', attempt: 0 }, image: { image: busyboxImage }, command: ['sleep', '1000'] };
  const id = await cri.createContainer({ podSandboxId: sandbox, sandboxConfig, config });
  await cri.startContainer(id);
  const took = performance.now() - began;
  await cri.stopPodSandbox(sandbox);
  await cri.removePodSandbox(sandbox);
  return took;
}

/** Megabytes of the node's agent: all its pages, and with those that it shares counted in part. */
function agentMemory(): { readonly resident: number; readonly proportional: number } {
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      if (!environment.includes(`PORTICO_CLUSTER=${name}`) || !environment.includes('PORTICO_PART=agent')) continue;
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0agent\0')) continue;
      const smaps = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
      const megabytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(smaps)?.[1]) / 1024;
      return { resident: megabytes('Rss'), proportional: megabytes('Pss') };
    } catch {
      // It ended while it was looked at.
    }
  }
  return { resident: Number.NaN, proportional: Number.NaN };
}
