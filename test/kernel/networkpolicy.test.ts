// What policies let through in the kernel: between pods of one node, of two nodes, from the world, through Services.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Namespace, Pod, Service } from '../../src/api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../src/api/discovery/v1/types.generated.ts';
import type { NetworkPolicy, NetworkPolicySpec } from '../../src/api/networking/v1/types.generated.ts';
import { endpointSlices, namespaces, networkPolicies, pods, services } from '../../src/client/resources.ts';
import { PolicyEnforcer } from '../../src/networkpolicy/policy-enforcer.ts';
import { tableName } from '../../src/networkpolicy/render.ts';
import { endpoint, service, settings, slice } from '../../src/proxy/fixtures/objects.ts';
import { KubeProxy } from '../../src/proxy/kube-proxy.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realRandom } from '../../src/system/real/random.ts';
import type { TestNamespace } from './netns.ts';
import { clusterCIDRs, type LabNode, type LabPod, NodeLab } from './node-lab.ts';
import { until } from './running-proxy.ts';

/** Says `up`, then answers on two TCP ports and one UDP port, in both families. */
const server = `
const net = require('node:net'), dgram = require('node:dgram');
const up = [8080, 8081].map((port) => new Promise((done) => {
  net.createServer((c) => { c.on('error', () => {}); c.pipe(c); }).listen(port, '::', done);
}));
const udp = dgram.createSocket('udp6');
udp.on('message', (m, r) => udp.send(m, r.port, r.address));
up.push(new Promise((done) => udp.bind(8080, '::', done)));
Promise.all(up).then(() => console.log('up'));`;

/** Whether each of \`ADDRESS PORT [udp]\` answers, tried at once; a packet that is dropped shows by silence. */
const client = `
const net = require('node:net'), dgram = require('node:dgram');
const patience = 1500;
const ask = (address, port, kind) => new Promise((done) => {
  setTimeout(done, patience, false);
  if (kind === 'udp') {
    const s = dgram.createSocket(net.isIPv6(address) ? 'udp6' : 'udp4');
    s.on('message', () => done(true)); s.on('error', () => done(false));
    s.send('x', port, address);
    return;
  }
  const c = net.connect({ host: address, port });
  c.on('connect', () => done(true)); c.on('error', () => done(false));
});
Promise.all(process.argv.slice(1).map((line) => ask(...line.split(' ')))).then((all) => {
  console.log(JSON.stringify(all)); process.exit(0);
});`;

async function answers(from: TestNamespace, ...targets: readonly string[]): Promise<boolean[]> {
  const { stdout } = await from.exec.run([process.execPath, '-e', client, ...targets]);
  return JSON.parse(stdout) as boolean[];
}

type Expectation = readonly [from: TestNamespace, targets: readonly string[], answers: readonly boolean[]];

/**
 * Asked at once: silence takes its time. What should be silent is so at the first try; what should answer may need another on a
 * busy machine, and while neighbours do not know each other yet.
 */
async function expectAll(...expectations: readonly Expectation[]): Promise<void> {
  const wanted = expectations.map(([, , answer]) => answer);
  for (let tries = 0; ; tries += 1) {
    const found = await Promise.all(expectations.map(([from, targets]) => answers(from, ...targets)));
    const isMissing = found.some((of, i) => of.some((answer, j) => !answer && wanted[i]?.[j]));
    const isTooMuch = found.some((of, i) => of.some((answer, j) => answer && !wanted[i]?.[j]));
    if (isMissing && !isTooMuch && tries < 100) continue;
    expect(found).toEqual(wanted);
    return;
  }
}

let lab: NodeLab;
let a: LabNode;
let web: LabPod;
let friend: LabPod;
let far: LabPod;
const children: ChildProcess[] = [];
const log: string[] = [];
const stop = new AbortController();
let running: Promise<unknown> = Promise.resolve();

beforeAll(async () => {
  lab = new NodeLab('policy', 1);
  a = await lab.addNode({ name: 'a', number: 11, segment: 1 });
  const b = await lab.addNode({ name: 'b', number: 12, segment: 1 });
  for (const node of [a, b]) {
    await until(() => node.space.run('ip -6 route show proto 80') !== '', `routes of ${node.name}`);
  }
  [web, friend, far] = [a.addPod('web'), a.addPod('friend'), b.addPod('far')];
  const { api } = lab;
  await api.resource<Namespace>(namespaces).create({ metadata: { name: 'demo' }, spec: {} });
  for (const [name, node, { ips }] of [
    ['web', 'a', web],
    ['friend', 'a', friend],
    ['far', 'b', far],
  ] as const) {
    await api.resource<Pod>(pods).create({
      metadata: { name, namespace: 'demo', labels: { app: name } },
      spec: { nodeName: node, containers: [{ name, image: 'x', ports: [{ name: 'http', containerPort: 8080 }] }] },
      status: { phase: 'Running', podIPs: ips.map((ip) => ({ ip })) },
    });
  }
  const ports = [{ name: 'p', port: 80, protocol: 'TCP', nodePort: 30080 }];
  const local = service({ name: 'web', type: 'NodePort', ports, externalTrafficPolicy: 'Local' });
  await api.resource<Service>(services).create(local);
  const endpoints = {
    ...slice('web', [endpoint(web.ips[0] ?? '', 'a')]),
    ports: [{ name: 'p', port: 8080, protocol: 'TCP' }],
  };
  await api.resource<EndpointSlice>(endpointSlices).create(endpoints);
  for (const pod of [web, friend, far]) {
    const child = pod.space.start([process.execPath, '-e', server]);
    children.push(child);
    await once(child.stdout!, 'data');
  }
  const { informers, space } = a;
  const common = { informers, exec: space.exec, follow: space.follow, clock: realClock, nodeName: 'a' };
  const enforcer = new PolicyEnforcer({ ...common, client: api, random: realRandom, log: (line) => log.push(line) });
  const proxy = new KubeProxy({ ...common, settings: { ...settings, clusterCIDRs }, log: () => {} });
  running = Promise.all([enforcer.run(stop.signal), proxy.run(stop.signal)]);
});
afterAll(async () => {
  stop.abort();
  await running;
  for (const child of children) child.kill('SIGKILL');
  await lab?.close();
});

const policies = () => lab.api.resource<NetworkPolicy>(networkPolicies);

/** Makes these the policies of the namespace, and waits until the kernel has them. */
async function set(...specs: readonly Partial<NetworkPolicySpec>[]): Promise<void> {
  for (const { metadata } of (await policies().list()).items) await policies().delete(metadata.name, 'demo');
  await until(() => !tables().includes(tableName), 'no policy');
  for (const [i, spec] of specs.entries()) {
    await policies().create({
      metadata: { name: `policy-${i}`, namespace: 'demo' },
      spec: { podSelector: {}, ...spec },
    });
  }
  const drops = () => a.space.run(`nft list table ip ${tableName}`).includes(`policy-${specs.length - 1}`);
  if (specs.length > 0) await until(() => tables().includes(tableName) && drops(), 'the last policy');
}

const tables = () => a.space.run('nft list tables');
const onlyWeb = { podSelector: { matchLabels: { app: 'web' } } };
const toWeb = () => [`${web.ips[0]} 8080`, `${web.ips[1]} 8080`, `${web.ips[0]} 8081`, `${web.ips[0]} 8080 udp`];
const all = [true, true, true, true];
const none = [false, false, false, false];

describe('policies', () => {
  beforeEach(() => set());

  test('without any, all pass and there is no table', async () => {
    await expectAll([friend.space, toWeb(), all]);
    await expectAll([far.space, toWeb(), all]);
  });

  test('nobody comes in but the node, the pod itself and answers', async () => {
    await set(onlyWeb);
    await expectAll(
      [friend.space, toWeb(), none],
      [far.space, toWeb(), none],
      [lab.router, ['172.30.1.11 30080'], [false]],
      [a.space, toWeb(), all],
      [web.space, [...toWeb(), '10.96.0.10 80'], [...all, true]],
      [web.space, [`${far.ips[0]} 8080`, `${friend.ips[1]} 8080`], [true, true]],
    );
  });

  test('pods by label and port by name, through the Service as well', async () => {
    await set({
      ...onlyWeb,
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'friend' } } }], ports: [{ port: 'http' }] }],
    });
    await expectAll(
      [friend.space, [...toWeb(), '10.96.0.10 80'], [true, true, false, false, true]],
      [far.space, toWeb(), none],
    );
    // The label is what counts: the other pod gets it.
    const pod = await lab.api.resource<Pod>(pods).get('far', 'demo');
    const relabelled = (app: string) => ({ ...pod, metadata: { name: 'far', namespace: 'demo', labels: { app } } });
    onTestFinished(async () => {
      await lab.api.resource<Pod>(pods).update(relabelled('far'));
    });
    await lab.api.resource<Pod>(pods).update(relabelled('friend'));
    await until(() => a.space.run(`nft list table ip ${tableName}`).includes(`${far.ips[0]} . tcp`), 'the other pod');
    await expectAll([far.space, toWeb(), [true, true, false, false]]);
  });

  test('the world by its address, as it came before any translation', async () => {
    const from = (cidr: string, except: string[] = []) => [{ from: [{ ipBlock: { cidr, except } }] }];
    await set({ ...onlyWeb, ingress: from('172.30.1.1/32') });
    await expectAll([lab.router, ['172.30.1.11 30080'], [true]], [far.space, toWeb(), none]);
    await set({ ...onlyWeb, ingress: from('0.0.0.0/0', ['172.30.1.0/30']) });
    await expectAll([lab.router, ['172.30.1.11 30080'], [false]], [far.space, toWeb(), [true, false, true, true]]);
  });

  test('what goes out, to pods behind a Service, in ranges of ports, and neighbours find each other', async () => {
    const out = (
      ports: NonNullable<NonNullable<NetworkPolicySpec['egress']>[number]['ports']>,
    ): Partial<NetworkPolicySpec> => ({
      podSelector: { matchLabels: { app: 'friend' } },
      policyTypes: ['Egress'],
      egress: [{ to: [onlyWeb], ports }],
    });
    await set(out([{ port: 8000, endPort: 8080 }]));
    friend.space.run('ip -6 neigh flush all');
    web.space.run('ip -6 neigh flush all');
    await expectAll(
      [friend.space, [...toWeb(), '10.96.0.10 80'], [true, true, false, false, true]],
      [friend.space, [`${far.ips[0]} 8080`, `${far.ips[1]} 8080`], [false, false]],
      [far.space, [`${friend.ips[0]} 8080`, `${friend.ips[1]} 8080`], [true, true]],
    );
    await set(out([{ protocol: 'UDP' }]));
    await expectAll([friend.space, toWeb(), [false, false, false, true]]);
  });

  test('a connection that stands goes on', async () => {
    const script = `
const c = require('node:net').connect({ host: '${web.ips[0]}', port: 8080 }, () => console.log('open'));
process.stdin.on('data', (d) => c.write(d)); c.on('data', (d) => process.stdout.write(d));`;
    const child = friend.space.start([process.execPath, '-e', script]);
    children.push(child);
    const lines: string[] = [];
    createInterface({ input: child.stdout! }).on('line', (line) => lines.push(line));
    await until(() => lines.includes('open'), 'the connection');
    await set({ policyTypes: ['Ingress', 'Egress'] });
    child.stdin!.write('still here\n');
    await until(() => lines.includes('still here'), 'the echo');
    await expectAll([friend.space, [`${web.ips[0]} 8080`], [false]]);
  });

  test('what somebody removed comes back at once', async () => {
    await set(onlyWeb);
    const table = `table ip ${tableName}`;
    // A monitor that has just been started may not listen yet.
    for (let tries = 0; tries === 0 || !tables().includes(table); tries += 1) {
      if (tries === 20) throw new Error('the table does not come back');
      if (tries > 0) await set(onlyWeb);
      a.space.run(`nft delete ${table}`);
      await until(() => tables().includes(table), 'the table again', 5000).catch(() => {});
    }
    await expectAll([friend.space, [`${web.ips[0]} 8080`], [false]]);
    expect(log).toEqual([]);
  });
});
