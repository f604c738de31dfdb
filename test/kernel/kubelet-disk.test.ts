// A node whose disk is small and runs full: nothing of the agent falls over, what nobody needs goes first, then pods by rank.
import { closeSync, existsSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type { Event, Node, Pod, PodSpec } from '../../src/api/core/v1/types.generated.ts';
import { FakeApi } from '../../src/client/fake/fake-api.ts';
import { events, nodes, pods } from '../../src/client/resources.ts';
import { busyboxImage } from '../../src/cluster/images/built-in.ts';
import { criClient } from '../../src/kubelet/cri/client.ts';
import type { Threshold } from '../../src/kubelet/eviction/thresholds.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realRandom } from '../../src/system/real/random.ts';
import { startTestNode, type TestNode } from './kubelet-node.ts';
import { makeNode, putPod, removePod, runKubelet } from './node-kubelet.ts';

const nodeName = 'node-1';
const api = new FakeApi({ clock: realClock, random: realRandom });
const podApi = api.resource<Pod>(pods);
const over = new AbortController();
const thresholds: Threshold[] = [];
const long = { timeout: 300_000, interval: 50 };
let node: TestNode;
let cri: ReturnType<typeof criClient>;
let running: Promise<unknown> = Promise.resolve();

beforeAll(async () => {
  node = await startTestNode('disk', { disk: '160m' });
  cri = criClient(node.socketPath);
  await makeNode(api, nodeName, '10.250.4.0/24');
  running = runKubelet(node, {
    api,
    nodeName,
    housekeeping: { period: 200, evictionHard: thresholds, pressureTransition: 1000 },
    signal: over.signal,
  });
  await create('modest', 'sleep 100000', {}, { requests: { 'ephemeral-storage': '16Mi' } });
  await vi.waitFor(async () => expect(await phase('modest')).toBe('Running'), long);
});

afterAll(async () => {
  over.abort();
  await running;
  cri.close();
  await node.stop();
});

async function create(name: string, script: string, spec: Partial<PodSpec> = {}, resources = {}): Promise<void> {
  const volumeMounts = [{ name: 'v', mountPath: '/v' }];
  const main = { name: 'main', image: busyboxImage, command: ['sh', '-c', script], volumeMounts, resources };
  await putPod(api, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      nodeName,
      terminationGracePeriodSeconds: 1,
      restartPolicy: 'Never',
      volumes: [{ name: 'v', emptyDir: {} }],
      containers: [main],
      ...spec,
    },
  });
}

const find = (name: string) => podApi.get(name, 'default');
const phase = async (name: string) => (await find(name)).status?.phase;
const free = () => statfsSync(node.root).bavail * statfsSync(node.root).bsize;

async function said(name: string): Promise<string> {
  const { items } = await api.resource<Event>(events).list();
  const own = items.filter(({ involvedObject }) => involvedObject.name === name);
  return own.map(({ reason, message }) => `${reason}: ${message}`).join('\n');
}

/** Takes every byte that is left. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (let size = 1 << 20; size >= 1; ) {
      try {
        writeSync(file, Buffer.alloc(size, 1));
      } catch {
        size >>= 1;
      }
    }
  } finally {
    closeSync(file);
  }
}

test('a disk without a byte left: the agent goes on, and pods start when there is room again', async () => {
  const filler = `${node.root}/filler`;
  onTestFinished(async () => {
    rmSync(filler, { force: true });
    await removePod(api, { metadata: { name: 'unlucky', namespace: 'default' } });
  });
  fill(filler);
  await create('unlucky', 'true');
  await expect.poll(() => said('unlucky'), long).toMatch(/no space left on device|ENOSPC/);
  expect(await phase('unlucky')).not.toBe('Failed');
  rmSync(filler);
  await expect.poll(() => phase('unlucky'), long).toBe('Succeeded');
  expect((await find('modest')).status?.containerStatuses?.[0]).toMatchObject({ ready: true, restartCount: 0 });
});

test('what has ended goes first, then the pod that takes more than it asked for; the node says so, and that it is over', async () => {
  const pressure = async () =>
    (await api.resource<Node>(nodes).get(nodeName)).status?.conditions?.find((c) => c.type === 'DiskPressure');
  const none = { status: 'False', reason: 'KubeletHasNoDiskPressure' };
  // Of a first try, too.
  thresholds.length = 0;
  await expect.poll(pressure, long).toMatchObject(none);
  await create('done', 'dd if=/dev/zero of=/big bs=1M count=8');
  await expect.poll(() => phase('done'), long).toBe('Succeeded');
  const uidOf = async (name: string) => (await find(name)).metadata.uid ?? '';
  const done = await uidOf('done');
  thresholds.push({ signal: 'nodefs.available', text: '24Mi' });
  await create('hog', 'dd if=/dev/zero of=/v/f bs=64k; sleep 100000');
  await expect.poll(() => phase('hog'), long).toBe('Failed');
  expect((await find('hog')).status?.reason).toBe('Evicted');
  expect((await find('hog')).status?.message).toMatch(
    /^The node was low on resource: ephemeral-storage\. Threshold quantity: 24Mi, available: \d+[KM]?i?\. /,
  );
  const ofNode = () => said(nodeName);
  await expect.poll(ofNode, long).toContain('EvictionThresholdMet: Attempting to reclaim ephemeral-storage');
  await expect.poll(ofNode, long).toContain('NodeHasDiskPressure: Node node-1 status is now: NodeHasDiskPressure');
  const left = async () => (await cri.listContainers()).map(({ labels }) => labels['io.kubernetes.pod.uid']);
  expect(await left()).not.toContain(done);
  // What the pod had written goes with it, so the shortage is over.
  await expect.poll(free, long).toBeGreaterThan(24 << 20);
  const folder = `${node.root}/agent/pods/${await uidOf('hog')}/volumes`;
  await expect.poll(() => existsSync(folder), long).toBe(false);
  await expect.poll(pressure, long).toMatchObject(none);
  await create('after', 'true');
  await expect.poll(() => phase('after'), long).toBe('Succeeded');
  expect((await find('modest')).status?.containerStatuses?.[0]).toMatchObject({ ready: true, restartCount: 0 });
  expect((await find('done')).status?.phase).toBe('Succeeded');
});
