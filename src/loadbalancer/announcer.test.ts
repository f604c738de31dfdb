// Three announcers over one API in memory and one segment that the test can cut.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Node, Service } from '../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';
import { createEventRecorder } from '../client/events.ts';
import { FakeApi } from '../client/fake/fake-api.ts';
import { settle } from '../client/fake/settle.ts';
import { createInformers } from '../client/informers.ts';
import { endpointSlices, nodes, services } from '../client/resources.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { FakeRandom } from '../system/fake/random.ts';
import { Announcer } from './announcer.ts';

const names = ['node-1', 'node-2', 'node-3'];
const ipOf = (name: string) => `192.0.2.1${name.at(-1)}`;
const address = '192.0.2.200';

/** One agent's machine: what is on its eth0, and whether it hears others. */
class Machine {
  readonly name: string;
  readonly addresses = new Set<string>();
  readonly stop = new AbortController();
  readonly log: string[] = [];
  mac = '02:00:00:00:00:01';
  framesSent = 0;
  isCut = false;
  isOutOfMemory = false;
  sockets = 0;
  heard: ((packet: string, from: string) => void) | undefined;
  running: Promise<void> = Promise.resolve();
  openSocket = openSocket;

  constructor(name: string) {
    this.name = name;
  }

  readonly exec = {
    run: async (command: readonly string[], { input = '' }: { readonly input?: unknown } = {}) => {
      if (this.isOutOfMemory) throw new Error('spawn ip ENOMEM');
      if (command[0] === 'socat') this.framesSent += (input as Buffer).length / 128;
      else if (command.includes('-batch')) for (const line of String(input).split('\n')) this.#apply(line.split(' '));
      const addr_info = [{ local: ipOf(this.name), prefixlen: 24 }];
      return {
        code: 0,
        stdout: JSON.stringify([{ ifname: 'eth0', address: this.mac, addr_info }]),
        stderr: '',
      };
    },
  };

  #apply([, verb, ip = '']: readonly string[]): void {
    if (verb === 'replace') this.addresses.add(ip);
    if (verb === 'delete') this.addresses.delete(ip);
  }
}

let api: FakeApi;
let clock: FakeClock;
let machines: Machine[];

const machine = (name: string | undefined): Machine => machines.find((one) => one.name === name)!;

async function openSocket(own: Machine, heard: (packet: string, from: string) => void) {
  own.heard = heard;
  own.sockets += 1;
  return {
    send(packet: string, to: readonly string[]) {
      if (own.isCut) return;
      for (const one of machines) if (to.includes(ipOf(one.name)) && !one.isCut) one.heard?.(packet, ipOf(own.name));
    },
    close() {
      own.sockets -= 1;
      own.heard = undefined;
    },
  };
}

function startAgent(own: Machine): void {
  const random = new FakeRandom();
  const informers = createInformers(api, { clock, random, freeze: true, onError: () => {} });
  const announcer = new Announcer({
    client: api,
    informers,
    exec: own.exec,
    clock,
    recorder: createEventRecorder({ client: api, clock, random, component: 'test' }),
    nodeName: own.name,
    log: (message) => own.log.push(message),
    openSocket: (_, heard) => own.openSocket(own, heard),
  });
  own.running = Promise.all([informers.run(own.stop.signal), announcer.run(own.stop.signal)]).then(() => {});
}

beforeEach(async () => {
  clock = new FakeClock();
  api = new FakeApi({ clock, random: new FakeRandom() });
  machines = names.map((name) => new Machine(name));
  const conditions = [{ type: 'Ready', status: 'True' }];
  for (const name of names) {
    const addresses = [{ type: 'InternalIP', address: ipOf(name) }];
    await api.resource<Node>(nodes).create({ metadata: { name }, spec: {}, status: { conditions, addresses } });
  }
  for (const one of machines) startAgent(one);
  await settle();
});

afterEach(async () => {
  for (const { stop } of machines) stop.abort();
  await Promise.all(machines.map(({ running }) => running));
});

const finalizers = ['service.kubernetes.io/load-balancer-cleanup'];

async function addService(spec: Partial<Service['spec']> = {}): Promise<void> {
  await api.resource<Service>(services).create({
    metadata: { name: 'web', namespace: 'default', finalizers },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
    status: { loadBalancer: { ingress: [{ ip: address, ipMode: 'VIP' }] } },
  });
  await pass(0);
}

/** So many milliseconds, in small steps. */
async function pass(ms: number): Promise<void> {
  await settle();
  for (let past = 0; past < ms; past += 50) {
    clock.advance(50);
    await settle();
  }
}

const holders = () => machines.filter(({ addresses }) => addresses.has(`${address}/32`)).map(({ name }) => name);
const service = () => api.resource<Service>(services).get('web', 'default');

async function holder(): Promise<Machine> {
  await pass(500);
  expect(holders()).toHaveLength(1);
  return machine(holders()[0]);
}

test('one node has the address, tells the segment and says so on the Service', async () => {
  await addService();
  const { name, framesSent } = await holder();
  expect(framesSent).toBeGreaterThanOrEqual(2);
  expect((await service()).metadata.annotations).toEqual({ 'portico.dev/announced-by': name });
});

test('when it is silent another has the address within two seconds; back again, it yields to it', async () => {
  await addService();
  const old = await holder();
  old.isCut = true;
  await pass(2000);
  const [fresh] = holders().filter((name) => name !== old.name);
  expect(holders().sort()).toEqual([old.name, fresh].sort()); // nobody hears the old one
  expect((await service()).metadata.annotations).toEqual({ 'portico.dev/announced-by': fresh });
  const sent = machine(fresh).framesSent;
  await pass(5000);
  old.isCut = false;
  await pass(300);
  expect(holders()).toEqual([fresh]);
  await pass(300);
  expect(machine(fresh).framesSent).toBeGreaterThan(sent); // whoever believed the old one is told again
});

test.each([-3_600_000, 3_600_000])(
  'a machine’s time that is set by %i ms moves nothing, and hides nobody’s death',
  async (ms) => {
    await addService();
    const old = await holder();
    await pass(1500); // at first whoever is Ready counts as alive
    clock.step(ms);
    await pass(500);
    expect(holders()).toEqual([old.name]);
    old.isCut = true;
    await pass(2000);
    expect(holders().filter((name) => name !== old.name)).toHaveLength(1);
  },
);

test('no server takes part: with the API away another takes over too, and says so when it is back', async () => {
  await addService();
  const old = await holder();
  const isBack = api.react(() => {
    throw new Error('away');
  });
  old.isCut = true;
  await pass(2000);
  const [fresh] = holders().filter((name) => name !== old.name);
  expect(names).toContain(fresh);
  expect((await service()).metadata.annotations).toEqual({ 'portico.dev/announced-by': old.name });
  isBack();
  await pass(3500);
  expect((await service()).metadata.annotations).toEqual({ 'portico.dev/announced-by': fresh });
});

test('an agent that is asked to end hands over at once', async () => {
  await addService();
  const old = await holder();
  await pass(1500); // at first whoever is Ready counts as alive
  old.stop.abort();
  await pass(100);
  expect(holders()).toHaveLength(1);
  expect(holders()).not.toEqual([old.name]);
});

test('it stays where it is when nodes come back, and goes where the Service goes', async () => {
  await addService();
  const { name } = await holder();
  const other = names.find((one) => one !== name)!;
  const present = await api.resource<Node>(nodes).get(other);
  const conditions = [{ type: 'Ready', status: 'False' }];
  await api
    .resource<Node>(nodes)
    .update({ ...present, status: { ...present.status, conditions } }, { subresource: 'status' });
  await pass(3000);
  expect(holders()).toEqual([name]);
  const { metadata } = await service();
  await api.resource<Service>(services).patch({
    name: 'web',
    namespace: 'default',
    type: 'merge',
    body: { metadata: { uid: metadata.uid, finalizers: null } },
  });
  await pass(300);
  expect(holders()).toEqual([]);
});

test('a node without a link for the address says so once', async () => {
  for (const one of machines) one.mac = '0.0.0.0'; // a tunnel's
  await addService();
  await pass(3000);
  const said = machines.flatMap(({ log }) => log);
  expect(said).toEqual([
    `load balancers: ${address} of default/web are answered for here, but no Ethernet link of this node can carry ${address}`,
  ]);
});

test('what keeps a node from announcing is said once, however often it is tried', async () => {
  const [one] = machines as [Machine];
  let tries = 0;
  one.openSocket = async () => {
    tries++;
    throw new Error('bind EADDRINUSE 192.0.2.11:10258');
  };
  await addService();
  await pass(5000);
  expect(tries).toBeGreaterThan(3);
  expect(one.log).toEqual(['load balancers: bind EADDRINUSE 192.0.2.11:10258']);
});

test('a node that is NotReady gives the address up', async () => {
  await addService();
  const { name } = await holder();
  const present = await api.resource<Node>(nodes).get(name);
  const conditions = [{ type: 'Ready', status: 'Unknown' }];
  await api
    .resource<Node>(nodes)
    .update({ ...present, status: { ...present.status, conditions } }, { subresource: 'status' });
  expect((await holder()).name).not.toBe(name);
});

test('with policy Local the address follows the ready endpoints', async () => {
  const slice = (...ready: string[]): EndpointSlice => ({
    metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: names.map((nodeName) => ({
      addresses: [ipOf(nodeName)],
      nodeName,
      conditions: { ready: ready.includes(nodeName) },
    })),
    ports: [],
  });
  const slices = api.resource<EndpointSlice>(endpointSlices);
  // As the API server tells a slice without endpoints.
  await slices.create({ ...slice(), metadata: { ...slice().metadata, name: 'web-0' }, endpoints: null as never });
  await addService({ externalTrafficPolicy: 'Local' });
  await pass(500);
  expect(holders()).toEqual([]);
  await slices.create(slice('node-2'));
  expect((await holder()).name).toBe('node-2');
  await slices.update(slice('node-3'));
  expect((await holder()).name).toBe('node-3');
});

test('a Service of another class is none of our business', async () => {
  await addService({ loadBalancerClass: 'example.com/other' });
  await pass(500);
  expect(holders()).toEqual([]);
  expect(machines.every(({ heard }) => heard === undefined)).toBe(true);
});

test('a node that can start no program for a moment has one socket afterwards', async () => {
  await addService();
  const one = await holder();
  one.isOutOfMemory = true;
  await pass(5000);
  one.isOutOfMemory = false;
  await pass(5000);
  expect(one.sockets).toBe(1);
});
