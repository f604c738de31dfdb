// A node in trouble: pods that are broken in every way, a runtime that dies and comes back, addresses that run out. What is
// over must leave nothing behind.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Event, Node, Pod, PodSpec } from '../../src/api/core/v1/types.generated.ts';
import { FakeApi } from '../../src/client/fake/fake-api.ts';
import { events, nodes, pods } from '../../src/client/resources.ts';
import { busyboxImage } from '../../src/cluster/images/built-in.ts';
import type { Threshold } from '../../src/kubelet/eviction/thresholds.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realFiles } from '../../src/system/real/files.ts';
import { realRandom } from '../../src/system/real/random.ts';
import { startTestNode, type TestNode } from './kubelet-node.ts';
import { makeNode, putPod, runKubelet } from './node-kubelet.ts';

const nodeName = 'node-1';
const api = new FakeApi({ clock: realClock, random: realRandom });
const podApi = api.resource<Pod>(pods);
const over = new AbortController();
/** Of eviction; met when a test says so. */
const thresholds: Threshold[] = [];
const soft: Threshold[] = [];
let node: TestNode;
let running: Promise<unknown> = Promise.resolve();
const long = { timeout: 300_000, interval: 50 };

beforeAll(async () => {
  node = await startTestNode('faults');
  // 29 addresses for pods: .2 to .30.
  await makeNode(api, nodeName, '10.250.3.0/27');
  running = runKubelet(node, {
    api,
    nodeName,
    housekeeping: { period: 200, evictionHard: thresholds, evictionSoft: soft },
    signal: over.signal,
  });
});

afterAll(async () => {
  over.abort();
  await running;
  await node?.stop();
});

/** Whatever became of the test that set them. */
afterEach(() => {
  thresholds.length = 0;
  soft.length = 0;
});

function create(name: string, spec: Partial<PodSpec>): Promise<Pod> {
  const metadata = { name, namespace: 'default' };
  const common = { nodeName, terminationGracePeriodSeconds: 0, restartPolicy: 'Never', containers: [] };
  return putPod(api, { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...common, ...spec } });
}

const shell = (script: string, more: object = {}) => ({
  name: 'main',
  image: busyboxImage,
  command: ['sh', '-c', script],
  ...more,
});

const find = (name: string) => podApi.get(name, 'default').catch(() => undefined);

async function remove(name: string): Promise<void> {
  await podApi.delete(name, 'default');
  await expect.poll(async () => (await find(name)) === undefined, long).toBe(true);
}

/** Whether the node is Ready, and why not. */
async function condition() {
  const { status } = await api.resource<Node>(nodes).get(nodeName);
  return status?.conditions?.find((c) => c.type === 'Ready');
}

async function said(name: string): Promise<string> {
  const { items } = await api.resource<Event>(events).list();
  const own = items.filter(({ involvedObject }) => involvedObject.name === name);
  return own.map(({ reason, message }) => `${reason}: ${message}`).join('\n');
}

/** How many there are of what a pod takes of the node. */
function taken() {
  const count = (...command: string[]) =>
    node
      .run(...command)
      .split('\n')
      .filter((line) => line !== '').length;
  // Others of the machine come and go too.
  const ours = (mountinfo: string) => mountinfo.split('\n').filter((line) => line.includes(node.root)).length;
  const ctr = (...what: string[]) => count('ctr', '-a', node.socketPath, '-n', 'k8s.io', ...what, '-q');
  const cgroups = ['memory', 'pids'].flatMap((one) => {
    const folder = `/sys/fs/cgroup/${one}${node.cgroupParent}`;
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => /\/pod[^/]*$|^pod/.test(path));
  });
  const addresses = existsSync(`${node.root}/cni/networks`)
    ? readdirSync(`${node.root}/cni/networks`, { recursive: true, encoding: 'utf8' }).filter((f) =>
        /[\d:]+\.\d+$/.test(f),
      )
    : [];
  const lines = (path: string) => (existsSync(path) ? readdirSync(path) : []);
  return {
    links: count('ip', '-o', 'link', 'show', 'type', 'veth'),
    mounts: ours(node.run('cat', '/proc/self/mountinfo')),
    hostMounts: ours(readFileSync('/proc/self/mountinfo', 'utf8')),
    containers: ctr('containers', 'ls'),
    tasks: ctr('tasks', 'ls'),
    cgroups: cgroups.length,
    addresses: addresses.length,
    folders: lines(`${node.root}/agent/pods`).length,
    logs: lines(`${node.root}/agent/log/pods`).length,
  };
}

const volume = (source: object) => ({
  volumes: [{ name: 'v', ...source }],
  containers: [shell('true', { volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
});

/** What a pod is, and when it has come as far as it comes. */
const kinds: readonly {
  readonly spec: Partial<PodSpec>;
  readonly isThere: (pod: Pod) => boolean | Promise<boolean>;
}[] = [
  { spec: { containers: [shell('true')] }, isThere: ({ status }) => status?.phase === 'Succeeded' },
  { spec: { containers: [{ ...shell(''), command: ['/none'] }] }, isThere: ({ status }) => status?.phase === 'Failed' },
  {
    spec: volume({ emptyDir: { medium: 'Memory' } }),
    isThere: ({ status }) => status?.phase === 'Succeeded',
  },
  {
    spec: volume({ configMap: { name: 'none' } }),
    isThere: async ({ metadata }) => (await said(metadata.name)).includes('FailedMount'),
  },
  { spec: { containers: [shell('exec sleep 1000')] }, isThere: ({ status }) => status?.phase === 'Running' },
  {
    spec: { containers: [{ name: 'main', image: 'portico.local/none:1', imagePullPolicy: 'Never' }] },
    isThere: ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ErrImageNeverPull',
  },
  {
    spec: {
      containers: [shell('exec sleep 1000', { lifecycle: { postStart: { exec: { command: ['sleep', '1000'] } } } })],
    },
    isThere: async ({ metadata }) => (await said(metadata.name)).includes('Started'),
  },
  { spec: volume({ emptyDir: {} }), isThere: ({ status }) => status?.phase === 'Succeeded' },
  {
    spec: { initContainers: [{ ...shell('exit 3'), name: 'init' }], containers: [shell('true')] },
    isThere: ({ status }) => status?.phase === 'Failed',
  },
];

test('a pod that is to be gone soon is, though it is ending by itself, for which it has much longer', async () => {
  const livenessProbe = { exec: { command: ['false'] }, periodSeconds: 1, failureThreshold: 1 };
  const endless = shell("trap '' TERM; while :; do sleep 1; done", { livenessProbe });
  await create('slow', { terminationGracePeriodSeconds: 1000, restartPolicy: 'Always', containers: [endless] });
  await expect.poll(() => said('slow'), long).toContain('Killing: ');
  await podApi.delete('slow', 'default', { gracePeriodSeconds: 1 });
  await expect.poll(async () => (await find('slow')) === undefined, long).toBe(true);
});

test('200 pods, half of them broken, leave nothing behind', async () => {
  await expect.poll(async () => (await condition())?.status, long).toBe('True');
  // A pod that the API has no more is taken down a little later.
  const none = { containers: 0, tasks: 0, cgroups: 0, addresses: 0, folders: 0, logs: 0 };
  await expect.poll(taken, long).toMatchObject(none);
  const before = taken();
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < 200; i = next++) {
      const { spec, isThere } = kinds[i % kinds.length]!;
      const name = `many-${i}`;
      await create(name, spec);
      await expect
        .poll(async () => isThere(await podApi.get(name, 'default')), {
          ...long,
          message: `${name} of kind ${i % kinds.length}`,
        })
        .toBe(true);
      await remove(name);
    }
  };
  await Promise.all(Array.from({ length: 10 }, lane));
  await expect.poll(taken, { timeout: 300_000, interval: 200 }).toEqual(before);
});

test('the runtime is killed: pods run on, the node says what it lacks, and all goes on when it is back', async () => {
  // Processes of other tests are seen too.
  const command = `sleep 7${process.pid}`;
  await create('lasting', { restartPolicy: 'Always', containers: [shell(`exec ${command}`)] });
  await expect.poll(async () => (await find('lasting'))?.status?.phase, long).toBe('Running');
  const id = async () => (await find('lasting'))?.status?.containerStatuses?.[0]?.containerID;
  const first = await id();
  const pidOf = () => node.run('sh', '-c', `pgrep -xf '${command}' || true`).trim();
  await expect.poll(pidOf, long).not.toBe('');
  const pid = pidOf();
  await node.killRuntime();
  try {
    await create('waiting', { containers: [shell('true')] });
    await expect.poll(async () => (await condition())?.message ?? '', long).toContain('container runtime is down');
    expect((await condition())?.status).toBe('False');
  } finally {
    await node.startRuntime();
  }
  await expect.poll(async () => (await find('waiting'))?.status?.phase, long).toBe('Succeeded');
  await expect.poll(async () => (await condition())?.status, long).toBe('True');
  expect(pidOf()).toBe(pid);
  expect(await id()).toBe(first);
  await remove('lasting');
  await remove('waiting');
});

test('when addresses run out, a pod says so and gets one as soon as there is one', async () => {
  await expect.poll(() => readdirSync(node.cniConfDir).length, long).toBeGreaterThan(0);
  const conf = `${node.cniConfDir}/${readdirSync(node.cniConfDir)[0]}`;
  expect(readFileSync(conf, 'utf8')).toContain('10.250.3.0/27');
  await expect.poll(() => taken().addresses, long).toBe(0);
  // What host-local does for 29 pods, without them.
  const folder = `${node.root}/cni/networks/${JSON.parse(readFileSync(conf, 'utf8')).name}`;
  mkdirSync(folder, { recursive: true });
  const fake = Array.from({ length: 29 }, (_, i) => `${folder}/10.250.3.${i + 2}`);
  const release = async () => {
    for (const path of fake) await realFiles.remove(path);
  };
  onTestFinished(release);
  for (const path of fake) await realFiles.write(path, 'somebody\r\neth0');
  await create('homeless', { containers: [shell('true')] });
  await expect
    .poll(() => said('homeless'), long)
    .toMatch(
      /FailedCreatePodSandBox: Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox .* no IP addresses available/,
    );
  await expect.poll(async () => (await find('homeless'))?.status?.phase, long).toBe('Pending');
  await release();
  await expect.poll(async () => (await find('homeless'))?.status?.phase, long).toBe('Succeeded');
  await remove('homeless');
});

test('when memory runs short a pod is evicted, the node says so and takes no pod that asks for nothing', async () => {
  const pressure = async () =>
    (await api.resource<Node>(nodes).get(nodeName)).status?.conditions?.find((c) => c.type === 'MemoryPressure');
  // That of a first try lasts for five minutes.
  await expect.poll(pressure, { ...long, timeout: 400_000 }).toMatchObject({ status: 'False' });
  await create('victim', { restartPolicy: 'Always', containers: [shell('exec sleep 1000')] });
  await expect.poll(async () => (await find('victim'))?.status?.phase, long).toBe('Running');
  thresholds.push({ signal: 'memory.available', text: '900Ti' });
  await expect.poll(async () => (await find('victim'))?.status?.phase, long).toBe('Failed');
  expect((await find('victim'))?.status).toMatchObject({ reason: 'Evicted' });
  expect((await find('victim'))?.status?.message).toMatch(
    /^The node was low on resource: memory\. Threshold quantity: 900Ti, available: \d+[KMG]?i?\. Container main was using /,
  );
  await expect.poll(pressure, long).toMatchObject({ status: 'True', reason: 'KubeletHasInsufficientMemory' });
  thresholds.length = 0;
  await create('late', { containers: [shell('true')] });
  await expect
    .poll(async () => (await find('late'))?.status, long)
    .toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      message: 'Pod was rejected: The node had condition: [MemoryPressure]. ',
    });
  const resources = { requests: { memory: '8Mi' } };
  await create('modest', { containers: [shell('true', { resources })] });
  await expect.poll(async () => (await find('modest'))?.status?.phase, long).toBe('Succeeded');
  for (const name of ['victim', 'late', 'modest']) await remove(name);
});

test('a critical pod that does not fit ends another that it may end', async () => {
  const { status } = await api.resource<Node>(nodes).get(nodeName);
  const whole = { resources: { requests: { cpu: status?.allocatable?.cpu ?? '' } } };
  const container = shell('exec sleep 1000', whole);
  // Under memory pressure, as the test before left it, who asks for nothing is not taken.
  const modest = shell('exec sleep 1000', { resources: { requests: { memory: '8Mi' } } });
  await create('modest', { containers: [modest] });
  const stubborn = shell("trap '' TERM; while :; do sleep 1; done", whole);
  await create('filling', { containers: [stubborn], terminationGracePeriodSeconds: 4 });
  for (const name of ['modest', 'filling'])
    await expect.poll(async () => (await find(name))?.status?.phase, long).toBe('Running');
  await create('late', { containers: [container] });
  await expect.poll(async () => (await find('late'))?.status?.reason, long).toBe('OutOfcpu');
  await create('critical', { containers: [container], priority: 2_000_000_000 });
  await expect.poll(async () => (await find('critical'))?.status?.phase, long).toBe('Running');
  const message = 'Preempted in order to admit critical pod';
  await expect
    .poll(async () => (await find('filling'))?.status, long)
    .toMatchObject({ phase: 'Failed', reason: 'Preempting', message });
  expect((await find('filling'))?.status?.conditions).toContainEqual(
    expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }),
  );
  const stateOf = async (name: string) => (await find(name))?.status?.containerStatuses?.[0]?.state;
  const begun = (await stateOf('critical'))?.running?.startedAt ?? '';
  expect(Date.parse(begun)).toBeGreaterThanOrEqual(
    Date.parse((await stateOf('filling'))?.terminated?.finishedAt ?? ''),
  );
  await expect.poll(() => said('filling'), long).toContain(`Preempting: ${message}`);
  expect((await find('modest'))?.status?.phase).toBe('Running');
  for (const name of ['modest', 'filling', 'late', 'critical']) await remove(name);
});

test('for a soft threshold a pod has its own time to end', async () => {
  const resources = { requests: { memory: '8Mi' } };
  const container = shell("trap 'sleep 2; exit 7' TERM; while :; do sleep 0.1; done", { resources });
  await create('patient', { terminationGracePeriodSeconds: 120, containers: [container] });
  await expect.poll(async () => (await find('patient'))?.status?.phase, long).toBe('Running');
  soft.push({ signal: 'memory.available', text: '900Ti', grace: 500 });
  await expect.poll(async () => (await find('patient'))?.status?.phase, long).toBe('Failed');
  soft.length = 0;
  const { status } = (await find('patient')) ?? {};
  expect(status).toMatchObject({ reason: 'Evicted' });
  // With the one second that a hard threshold leaves it would have been killed.
  expect(status?.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(7);
  await remove('patient');
});
