import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Node } from '../../api/core/v1/types.generated.ts';
import { FakeApi } from '../../client/fake/fake-api.ts';
import { createInformers } from '../../client/informers.ts';
import { nodes } from '../../client/resources.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { Heard } from '../../system/fake/heard.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import type { Cri, RuntimeCondition } from '../cri/client.ts';
import type { KubeletOptions } from '../options.ts';
import { NodeAgent } from './node-agent.ts';

const clock = new FakeClock();
const random = new FakeRandom();
let api: FakeApi;
let stop: AbortController;
/** What was said of the node, one after the other: `True`, `False` or `none`. */
let said: Heard<string>;
let networkReady: () => void;
let looks: Heard<(failure?: Error) => void>;
let logged: Heard<string>;
let agent: NodeAgent;
let running: Promise<unknown>[];
/** The runtime's own. */
let conditions: RuntimeCondition[];
let usesSystemd: boolean | undefined;
/** Those of its pods. */
let podCIDRs: readonly string[];

beforeEach(() => {
  api = new FakeApi({ clock, random });
  stop = new AbortController();
  said = new Heard();
  looks = new Heard();
  logged = new Heard();
  conditions = [];
  usesSystemd = undefined;
  podCIDRs = [];
  const onError = (error: unknown) => expect(error).toBeUndefined();
  const informers = createInformers(api, { clock, random, freeze: true, onError });
  const readyOf = ({ status }: Node) => status?.conditions?.find(({ type }) => type === 'Ready')?.status ?? 'none';
  informers.informer<Node>(nodes).addHandler({
    added: (node) => said.push(readyOf(node)),
    updated: (node) => said.push(readyOf(node)),
  });
  const cri = {
    version: () =>
      new Promise((resolve, reject) =>
        looks.push((failure) => (failure ? reject(failure) : resolve({ runtimeName: 'fake', runtimeVersion: '1' }))),
      ),
    listImages: () => Promise.resolve([]),
    status: () => Promise.resolve({ conditions, features: undefined }),
    usesSystemd: () => Promise.resolve(usesSystemd),
  } as unknown as Cri;
  const kubelet = {
    client: api,
    clock,
    cri,
    nodeName: 'node-a',
    nodeIPs: ['192.0.2.1'],
    rootDir: '/',
    networkReady: new Promise<void>((resolve) => {
      networkReady = resolve;
    }),
    podCIDRs: () => Promise.resolve(podCIDRs),
    log: (message: string) => logged.push(message),
  } as unknown as KubeletOptions;
  const recorder = { event: () => {} };
  agent = new NodeAgent({ kubelet, recorder, pressures: () => [] });
  running = [informers.run(stop.signal)];
});

afterEach(async () => {
  stop.abort();
  for (const answer of looks.all) answer();
  await Promise.all(running);
  expect(logged.all).toEqual([]);
});

const start = () => running.push(agent.run(stop.signal));

/** Lets the runtime answer the next look, or fail. */
async function look(failure?: Error): Promise<void> {
  const answer = await looks.shift();
  answer(failure);
}

test('a node that was Ready stays so while an agent that is started anew finds its network', async () => {
  const conditions = [{ type: 'Ready', status: 'True' }];
  await api.resource<Node>(nodes).create({ metadata: { name: 'node-a' }, spec: {}, status: { conditions } });
  start();
  await look();
  // What it knows of itself is written before it looks again.
  await said.until((all) => all.length > 1);
  expect((await api.resource<Node>(nodes).get('node-a')).metadata.labels).toBeDefined();
  networkReady();
  await look();
  await said.until((all) => all.length > 2);
  expect(new Set(said.all)).toEqual(new Set(['True']));
});

test('a new node says that its network is not there, and then that it is', async () => {
  start();
  await look();
  await said.until((all) => all.includes('False'));
  networkReady();
  await look();
  await said.until((all) => all.at(-1) === 'True');
});

test('pods may have what somebody advertises of the node, as long as it is', async () => {
  const nodeApi = api.resource<Node>(nodes);
  const dongles = async () => (await nodeApi.get('node-a')).status?.allocatable?.['example.com/dongle'];
  const advertise = async (amount: string | null) => {
    const body = { status: { capacity: { 'example.com/dongle': amount } } };
    const before = said.all.length;
    await nodeApi.patch({ name: 'node-a', type: 'merge', body }, { subresource: 'status' });
    agent.wake();
    await look();
    // This change, and what follows from it.
    await said.until((all) => all.length === before + 2);
  };
  networkReady();
  start();
  await look();
  await said.until((all) => all.includes('True'));
  await advertise('4');
  expect(await dongles()).toBe('4');
  await advertise(null);
  expect(await dongles()).toBeUndefined();
});

test('a condition that somebody writes meanwhile stays', async () => {
  const nodeApi = api.resource<Node>(nodes);
  networkReady();
  start();
  let isWritten = false;
  api.react(async ({ verb }) => {
    if (verb !== 'patch' || isWritten) return;
    isWritten = true;
    const node = await nodeApi.get('node-a');
    const status = { ...node.status, conditions: [{ type: 'KernelDeadlock', status: 'False' }] };
    await nodeApi.update({ ...node, status }, { subresource: 'status' });
  });
  await look();
  await look();
  await said.until((all) => all.includes('True'));
  const { status } = await nodeApi.get('node-a');
  expect(status?.conditions?.map(({ type }) => type)).toContain('KernelDeadlock');
});

test('what happens while the node is looked at is looked at next, not ten seconds later', async () => {
  start();
  await looks.until((all) => all.length === 1);
  agent.wake();
  await look();
  await look();
});

test('a runtime that says that it is not ready makes the node so', async () => {
  conditions.push({ type: 'RuntimeReady', status: false, reason: 'Starting', message: 'not yet' });
  networkReady();
  start();
  await look();
  await said.until((all) => all.includes('False'));
  const problem = 'container runtime not ready: RuntimeReady=false reason:Starting message:not yet';
  const { status } = await api.resource<Node>(nodes).get('node-a');
  expect(status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', message: problem });
  conditions.length = 0;
  agent.wake();
  await look();
  await said.until((all) => all.at(-1) === 'True');
  expect(logged.clear()).toEqual([problem, 'the container runtime answers']);
});

test('a node whose runtime has no network plugin any more is not ready, until it has one again', async () => {
  const message = 'Network plugin returns error: cni plugin not initialized';
  networkReady();
  start();
  await look();
  await said.until((all) => all.at(-1) === 'True');
  conditions.push({ type: 'NetworkReady', status: false, reason: 'NetworkPluginNotReady', message });
  agent.wake();
  await look();
  await said.until((all) => all.at(-1) === 'False');
  const { status } = await api.resource<Node>(nodes).get('node-a');
  expect(status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
    reason: 'KubeletNotReady',
    message: `container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:${message}`,
  });
  conditions.length = 0;
  // It is looked at again by itself, within a second.
  await look();
  await said.until((all) => all.at(-1) === 'True');
});

test('a runtime that leaves cgroups to systemd could run no pod: the node is not ready, and says what to do', async () => {
  usesSystemd = true;
  networkReady();
  start();
  await look();
  await logged.until((all) => all.length === 1);
  const [problem] = logged.clear();
  expect(problem).toMatch(/cgroup driver is systemd: set SystemdCgroup = false/);
  await said.until((all) => all.at(-1) === 'False');
  usesSystemd = false;
  // The first may have been asked before.
  for (let looked = 0; looked < 2; looked++) {
    agent.wake();
    await look();
  }
  await said.until((all) => all.at(-1) === 'True');
  expect(logged.clear()).toEqual(['the container runtime answers']);
});

test('a runtime that is away is in the log once, and so is its return', async () => {
  start();
  for (const failure of [new Error('connect ENOENT'), new Error('connect ENOENT'), undefined]) {
    await look(failure);
    agent.wake();
  }
  await look();
  await logged.until((all) => all.length === 2);
  expect(logged.clear()).toEqual(['container runtime is down: connect ENOENT', 'the container runtime answers']);
});

test.each([
  ['the ranges that it had, by which its pods are known', '10.244.1.0/24', ['10.244.2.0/24', 'fd00:2::/64']],
  ['none when another node has one of them by now', '10.244.2.0/24', undefined],
])('a node whose object was deleted comes back with %s', async (_, others, wanted) => {
  const nodeApi = api.resource<Node>(nodes);
  podCIDRs = ['10.244.2.0/24', 'fd00:2::/64'];
  await nodeApi.create({ metadata: { name: 'node-b' }, spec: { podCIDRs: [others] } });
  networkReady();
  start();
  await look();
  await said.until((all) => all.includes('True'));
  expect((await nodeApi.get('node-a')).spec?.podCIDRs).toEqual(wanted);
});
