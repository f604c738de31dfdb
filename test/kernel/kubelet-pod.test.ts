// Pods that really run: kubelet and pod network over containerd, towards an API server in memory.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Event, Node, Pod, PodSpec } from '../../src/api/core/v1/types.generated.ts';
import { FakeApi } from '../../src/client/fake/fake-api.ts';
import { configMaps, events, nodes, pods, services } from '../../src/client/resources.ts';
import { busyboxImage, echoImage } from '../../src/cluster/images/built-in.ts';
import { criClient } from '../../src/kubelet/cri/client.ts';
import { readLog } from '../../src/kubelet/logs/log-reader.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realRandom } from '../../src/system/real/random.ts';
import { startTestNode, type TestNode } from './kubelet-node.ts';
import { makeNode, putPod, runKubelet } from './node-kubelet.ts';

const nodeName = 'node-1';
let node: TestNode;
const api = new FakeApi({ clock: realClock, random: realRandom });
let over = new AbortController();
let running: Promise<unknown> = Promise.resolve();
const podApi = api.resource<Pod>(pods);
const lines: string[] = [];

/** The agent of the node, with nothing left of the one before it but what is on the node. */
function startAgent(): void {
  over = new AbortController();
  const housekeeping = { period: 200, logs: { maxBytes: 20_000, maxFiles: 3 } };
  const log = (line: string) => lines.push(line);
  running = runKubelet(node, { api, nodeName, housekeeping, log, signal: over.signal });
}

beforeAll(async () => {
  node = await startTestNode('pod');
  await makeNode(api, nodeName, '10.250.1.0/24');
  await api.resource(services).create({
    metadata: { name: 'web', namespace: 'default' },
    spec: { clusterIP: '10.96.0.7', ports: [{ port: 80 }] },
  } as never);
  await api
    .resource(configMaps)
    .create({ metadata: { name: 'settings', namespace: 'default' }, data: { color: 'blue' } } as never);
  startAgent();
});

afterAll(async () => {
  over.abort();
  await running;
  await node?.stop();
});

async function createPod(name: string, spec: Partial<PodSpec> & Pick<PodSpec, 'containers'>): Promise<Pod> {
  const metadata = { name, namespace: 'default', labels: { app: name } };
  return putPod(api, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: { nodeName, terminationGracePeriodSeconds: 1, ...spec },
  });
}

async function pod(name: string): Promise<Pod> {
  return podApi.get(name, 'default');
}

const condition = (p: Pod, type: string) => p.status?.conditions?.find((c) => c.type === type)?.status;

async function gone(name: string): Promise<void> {
  await expect
    .poll(
      () =>
        pod(name).then(
          () => 'there',
          () => 'gone',
        ),
      { timeout: 300_000 },
    )
    .toBe('gone');
}

test('the node becomes Ready', async () => {
  const ready = async () => {
    const status = (await api.resource<Node>(nodes).get(nodeName)).status;
    return status?.conditions?.find((c) => c.type === 'Ready')?.reason;
  };
  await expect.poll(ready, { timeout: 300_000 }).toBe('KubeletReady');
});

test('a pod has users of its own where the runtime can give them, and is refused where it cannot', async () => {
  const { runtimeHandlers = [] } = (await api.resource<Node>(nodes).get(nodeName)).status ?? {};
  const canBe = runtimeHandlers.some(({ name = '', features }) => name === '' && features?.userNamespaces);
  const script = 'cat /proc/self/uid_map; echo x >/own/f; stat -c %u:%g /own/f /etc/hosts; sleep 100000';
  const { metadata } = await createPod('users', {
    hostUsers: false,
    volumes: [{ name: 'own', emptyDir: {} }],
    containers: [
      {
        name: 'main',
        image: busyboxImage,
        command: ['sh', '-c', script],
        volumeMounts: [{ name: 'own', mountPath: '/own' }],
      },
    ],
  });
  if (canBe) {
    await expect.poll(async () => condition(await pod('users'), 'Ready'), { timeout: 300_000 }).toBe('True');
    const log = `${node.root}/agent/log/pods/default_users_${metadata.uid}/main/0.log`;
    await expect
      .poll(() => readFileSync(log, 'utf8').replace(/^\S+ stdout F /gm, ''), { timeout: 300_000 })
      .toMatch(/^ +0 +65536 +65536\n0:0\n0:0\n$/);
  } else {
    const said = async () => {
      const { items } = await api.resource<Event>(events).list();
      return items.find(({ involvedObject }) => involvedObject.uid === metadata.uid)?.message;
    };
    const why = "can't set `spec.hostUsers: false`, runtime does not support user namespaces";
    await expect.poll(said, { timeout: 300_000 }).toContain(`Failed to create pod sandbox: ${why}`);
  }
  await podApi.delete('users', 'default');
  await gone('users');
});

test('a pod runs with its environment, files and name, and leaves nothing behind', async () => {
  const created = await createPod('echo', {
    volumes: [
      { name: 'settings', configMap: { name: 'settings' } },
      { name: 'scratch', emptyDir: {} },
      { name: 'fast', emptyDir: { medium: 'Memory' } },
    ],
    containers: [
      {
        name: 'echo',
        image: echoImage,
        env: [
          { name: 'WHO', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'GREETING', value: 'hello $(WHO)' },
          { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
        ],
        volumeMounts: [
          { name: 'settings', mountPath: '/etc/settings' },
          { name: 'scratch', mountPath: '/scratch' },
          { name: 'fast', mountPath: '/fast' },
        ],
      },
    ],
  });
  await expect.poll(async () => condition(await pod('echo'), 'Ready'), { timeout: 300_000, interval: 10 }).toBe('True');
  const status = (await pod('echo')).status;
  expect(status).toMatchObject({ phase: 'Running', qosClass: 'BestEffort', hostIP: '172.31.255.11' });
  expect(status?.podIP).toMatch(/^10\.250\.1\./);
  expect(status?.containerStatuses?.[0]).toMatchObject({ ready: true, started: true, restartCount: 0 });
  const id = status?.containerStatuses?.[0]?.containerID?.replace('containerd://', '') ?? '';
  const cri = criClient(node.socketPath);
  const inside = async (script: string) => (await cri.execSync(id, ['sh', '-c', script], 60)).stdout.trim();
  expect(await inside('echo $GREETING $COLOR $WEB_SERVICE_HOST; cat /etc/settings/color')).toBe(
    'hello echo blue 10.96.0.7\nblue',
  );
  expect(await inside('hostname; cat /etc/resolv.conf')).toBe(
    'echo\nsearch default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5',
  );
  expect(await inside('grep echo /etc/hosts')).toBe(`${status?.podIP}\techo`);
  expect(await inside('touch /scratch/a /fast/b; grep -c " /fast tmpfs" /proc/mounts')).toBe('1');
  // What tells of other tenants' keys and keystrokes is masked.
  expect(await inside('cat /proc/interrupts /proc/timer_list /proc/keys | wc -c')).toBe('0');
  expect(node.run('busybox', 'wget', '-qO-', `http://${status?.podIP}/cgi-bin/index.cgi`)).toContain(
    `echo ${status?.podIP} sees`,
  );
  const said = async () => {
    const { items } = await api.resource<Event>(events).list();
    const own = items.filter(({ involvedObject }) => involvedObject.uid === created.metadata.uid);
    return own.map(({ reason }) => reason).sort();
  };
  await expect.poll(said, { timeout: 300_000 }).toEqual(['Created', 'Pulled', 'Started']);
  cri.close();
  await podApi.delete('echo', 'default');
  await gone('echo');
  expect(existsSync(`${node.root}/agent/pods/${created.metadata.uid}`)).toBe(false);
  await expect
    .poll(() => node.run('ctr', '-a', node.socketPath, '-n', 'k8s.io', 'containers', 'ls', '-q').trim(), {
      timeout: 300_000,
    })
    .toBe('');
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(created.metadata.uid);
});

test('a container that ends is started again, then backed off', async () => {
  await createPod('crash', {
    containers: [
      { name: 'main', image: busyboxImage, command: ['sh', '-c', 'echo why > /dev/termination-log; exit 3'] },
    ],
  });
  const first = async () => (await pod('crash')).status?.containerStatuses?.[0];
  await expect.poll(first, { timeout: 300_000 }).toMatchObject({
    restartCount: expect.any(Number),
    state: { waiting: { reason: 'CrashLoopBackOff' } },
    lastState: { terminated: { exitCode: 3, reason: 'Error', message: 'why\n' } },
  });
  expect((await first())?.restartCount).toBeGreaterThan(0);
  expect((await pod('crash')).status?.phase).toBe('Running');
  await podApi.delete('crash', 'default');
  await gone('crash');
});

test('init containers run first and in order, a job ends as Succeeded', async () => {
  await createPod('job', {
    restartPolicy: 'Never',
    volumes: [{ name: 'v', emptyDir: {} }],
    initContainers: [
      {
        name: 'one',
        image: busyboxImage,
        command: ['sh', '-c', 'echo 1 >> /v/log'],
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
      },
      {
        name: 'two',
        image: busyboxImage,
        command: ['sh', '-c', 'echo 2 >> /v/log'],
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
      },
    ],
    containers: [
      {
        name: 'main',
        image: busyboxImage,
        command: ['sh', '-c', 'cat /v/log | tr "\\n" " " > /dev/termination-log'],
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
      },
    ],
  });
  await expect.poll(async () => (await pod('job')).status?.phase, { timeout: 300_000 }).toBe('Succeeded');
  const { status } = await pod('job');
  expect(status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ reason: 'Completed', message: '1 2 ' });
  expect(condition(await pod('job'), 'Initialized')).toBe('True');
  expect(status?.conditions?.find((c) => c.type === 'Ready')).toMatchObject({
    status: 'False',
    reason: 'PodCompleted',
  });
  await podApi.delete('job', 'default');
  await gone('job');
});

test('readiness follows the probe, liveness restarts', async () => {
  // A probe that a busy machine answers late has not failed.
  const soon = { periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 60 };
  await createPod('probed', {
    containers: [
      {
        name: 'main',
        image: busyboxImage,
        command: ['sleep', '1000'],
        readinessProbe: { exec: { command: ['test', '-e', '/tmp/ready'] }, ...soon },
        livenessProbe: { exec: { command: ['test', '!', '-e', '/tmp/sick'] }, ...soon },
      },
    ],
  });
  await expect.poll(async () => (await pod('probed')).status?.phase, { timeout: 300_000 }).toBe('Running');
  expect(condition(await pod('probed'), 'Ready')).toBe('False');
  const cri = criClient(node.socketPath);
  const id = async () =>
    (await pod('probed')).status?.containerStatuses?.[0]?.containerID?.replace('containerd://', '') ?? '';
  await cri.execSync(await id(), ['touch', '/tmp/ready'], 60);
  await expect.poll(async () => condition(await pod('probed'), 'Ready'), { timeout: 300_000 }).toBe('True');
  await cri.execSync(await id(), ['touch', '/tmp/sick'], 60);
  await expect
    .poll(async () => (await pod('probed')).status?.containerStatuses?.[0]?.restartCount, { timeout: 300_000 })
    .toBe(1);
  cri.close();
  await podApi.delete('probed', 'default');
  await gone('probed');
});

test('a log that grows is rotated, and who follows it misses nothing', async () => {
  // Slowly, so that who follows is never two files behind: what was rotated twice is packed.
  const script = 'i=0; while :; do i=$((i+1)); echo line $i; [ $((i%100)) != 0 ] || sleep 0.4; done';
  await createPod('talker', { containers: [{ name: 'main', image: busyboxImage, command: ['sh', '-c', script] }] });
  await expect.poll(async () => (await pod('talker')).status?.phase, { timeout: 300_000 }).toBe('Running');
  const { uid } = (await pod('talker')).metadata;
  const folder = `${node.root}/agent/log/pods/default_talker_${uid}/main`;
  const over = new AbortController();
  const source = { path: `${folder}/0.log`, isRunning: async () => true, signal: over.signal };
  const packed = () => readdirSync(folder).filter((name) => name.endsWith('.gz'));
  let next = 1;
  for await (const line of readLog(source, { follow: true, timestamps: false })) {
    expect(line.toString()).toBe(`line ${next}\n`);
    if (next % 100 === 0 && packed().length > 0) over.abort();
    next += 1;
  }
  await expect.poll(() => readdirSync(folder).length, { timeout: 300_000 }).toBe(3);
  await podApi.delete('talker', 'default');
  await gone('talker');
});

test('an emptyDir that outgrows its limit costs its pod its place', async () => {
  await createPod('hungry', {
    volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }],
    containers: [
      {
        name: 'main',
        image: busyboxImage,
        command: ['sh', '-c', 'dd if=/dev/zero of=/v/a bs=1M count=3; exec sleep 1000'],
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
      },
    ],
  });
  await expect.poll(async () => (await pod('hungry')).status?.phase, { timeout: 300_000 }).toBe('Failed');
  const { status } = await pod('hungry');
  const message = 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ';
  expect(status).toMatchObject({ reason: 'Evicted', message });
  // Nobody else disrupted it.
  expect(status?.conditions?.map(({ type }) => type)).not.toContain('DisruptionTarget');
  await podApi.delete('hungry', 'default');
  await gone('hungry');
});

test('an image that is not there and must not be pulled is said so', async () => {
  await createPod('noimage', {
    containers: [{ name: 'main', image: 'portico.local/none:1', imagePullPolicy: 'Never' }],
  });
  const waiting = async () => (await pod('noimage')).status?.containerStatuses?.[0]?.state?.waiting;
  await expect.poll(waiting, { timeout: 300_000 }).toEqual({
    reason: 'ErrImageNeverPull',
    message: 'Container image "portico.local/none:1" is not present with pull policy of Never',
  });
  expect((await pod('noimage')).status?.phase).toBe('Pending');
  await podApi.delete('noimage', 'default');
  await gone('noimage');
});

test('a container that is given another image is made anew, whatever the policy', async () => {
  const command = ['sh', '-c', 'trap "exit 0" TERM; while true; do sleep 0.1; done'];
  const made = await createPod('renewed', {
    restartPolicy: 'Never',
    containers: [{ name: 'main', image: busyboxImage, command }],
  });
  const main = async () => (await pod('renewed')).status?.containerStatuses?.[0];
  await expect.poll(async () => (await main())?.state?.running, { timeout: 300_000 }).toBeDefined();
  await podApi.patch({
    name: 'renewed',
    namespace: 'default',
    type: 'merge',
    body: { metadata: { uid: made.metadata.uid }, spec: { containers: [{ name: 'main', image: echoImage, command }] } },
  });
  await expect.poll(async () => (await main())?.restartCount, { timeout: 300_000 }).toBe(1);
  await expect.poll(async () => (await main())?.state?.running, { timeout: 300_000 }).toBeDefined();
  expect(await main()).toMatchObject({ image: echoImage, lastState: { terminated: { exitCode: 0 } } });
  const { items } = await api.resource<Event>(events).list();
  const said = items.filter((e) => e.involvedObject.name === 'renewed').map((e) => `${e.reason}: ${e.message}`);
  expect(said).toContain('Killing: Container main definition changed, will be restarted');
  await podApi.delete('renewed', 'default');
  await gone('renewed');
});

test('a new agent finds the pods that run, and ends those that were deleted meanwhile', async () => {
  const containers = [
    {
      name: 'main',
      image: busyboxImage,
      command: ['sleep', '1000'],
      readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1, timeoutSeconds: 60 },
    },
  ];
  const readiness = async (name: string) => condition(await pod(name), 'Ready');
  const deleted = await createPod('deleted', { containers });
  const kept = await createPod('kept', { containers });
  await expect.poll(() => readiness('kept'), { timeout: 300_000 }).toBe('True');
  await expect.poll(() => readiness('deleted'), { timeout: 300_000 }).toBe('True');
  const before = await pod('kept');
  over.abort();
  await running;
  await podApi.delete('deleted', 'default', { gracePeriodSeconds: 0 });
  const watched: (string | undefined)[] = [];
  const watching = new AbortController();
  const watch = (async () => {
    const options = { namespace: 'default', fieldSelector: 'metadata.name=kept', signal: watching.signal };
    for await (const event of podApi.watch(options))
      if (event.type === 'MODIFIED') watched.push(condition(event.object, 'Ready'));
  })().catch(() => {});
  startAgent();
  const inRuntime = () =>
    node.run('ctr', '-a', node.socketPath, '-n', 'k8s.io', 'containers', 'ls', '-q').trim().split('\n').length;
  await expect.poll(inRuntime, { timeout: 300_000 }).toBe(2);
  await expect
    .poll(() => existsSync(`${node.root}/agent/pods/${deleted.metadata.uid}`), { timeout: 300_000 })
    .toBe(false);
  const after = await pod('kept');
  expect(after.status?.containerStatuses?.[0]?.containerID).toBe(before.status?.containerStatuses?.[0]?.containerID);
  expect(after.metadata.uid).toBe(kept.metadata.uid);
  expect(watched.filter((ready) => ready !== 'True')).toEqual([]);
  watching.abort();
  await watch;
  await podApi.delete('kept', 'default');
  await gone('kept');
});
