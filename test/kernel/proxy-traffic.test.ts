// What happens to packets and connections through the proxy's rules: a node, a pod and a machine outside, each a namespace.
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Node } from '../../src/api/core/v1/types.generated.ts';
import { nodes } from '../../src/client/resources.ts';
import type { IPFamily } from '../../src/net/ip.ts';
import { cleanup } from '../../src/proxy/cleanup.ts';
import { endpoint, service, slice } from '../../src/proxy/fixtures/objects.ts';
import type { ProxyMode } from '../../src/proxy/settings.ts';
import { TestNamespace } from './netns.ts';
import { node, RunningProxy, type RunningProxyOptions, until } from './running-proxy.ts';

let host: TestNamespace;
let pod: TestNamespace;
let outside: TestNamespace;
const running: RunningProxy[] = [];

beforeAll(() => {
  host = new TestNamespace('traffic-host');
  pod = new TestNamespace('traffic-pod');
  outside = new TestNamespace('traffic-outside');
  for (const line of [
    `ip link add pod type veth peer name eth0 netns ${pod.name}`,
    `ip link add out type veth peer name eth0 netns ${outside.name}`,
    'ip addr add 10.244.1.254/24 dev pod',
    'ip addr add 172.18.0.2/24 dev out',
    'ip addr add fd00:10:244:1::fe/64 dev pod nodad',
    'ip addr add fd00:172:18::2/64 dev out nodad',
    'ip link set pod up',
    'ip link set out up',
    'ip route add default via 172.18.0.9',
    'ip route add default via fd00:172:18::9',
    'sysctl -qw net.ipv4.ip_forward=1',
    'sysctl -qw net.ipv6.conf.all.forwarding=1',
    // Flows end by what the proxy does, and not by the time that a busy machine takes.
    'sysctl -qw net.netfilter.nf_conntrack_udp_timeout=3600 net.netfilter.nf_conntrack_udp_timeout_stream=3600',
  ]) {
    host.run(line);
  }
  for (const address of ['10.244.1.1/24', '10.244.1.2/24', 'fd00:10:244:1::1/64 nodad', 'fd00:10:244:1::2/64 nodad']) {
    pod.run(`ip addr add ${address} dev eth0`);
  }
  for (const address of ['172.18.0.9/24', 'fd00:172:18::9/64 nodad']) outside.run(`ip addr add ${address} dev eth0`);
  for (const space of [pod, outside]) space.run('ip link set eth0 up');
  for (const gateway of ['10.244.1.254', 'fd00:10:244:1::fe']) pod.run(`ip route add default via ${gateway}`);
  // This machine sends what is for 127.0.0.1 over the wire.
  outside.run('sysctl -qw net.ipv4.conf.all.route_localnet=1');
  for (const local of ['127.0.0.1', '127.0.0.0/8']) outside.run(`ip route del local ${local} dev lo table local`);
  outside.run('ip route add 127.0.0.1/32 via 172.18.0.2 src 172.18.0.9');
  for (const route of ['10.96.0.0/16', '192.0.2.0/24']) outside.run(`ip route add ${route} via 172.18.0.2`);
  for (const route of ['fd00:96::/112', '2001:db8::/32']) outside.run(`ip route add ${route} via fd00:172:18::2`);
});
afterAll(() => {
  for (const space of [host, pod, outside]) space?.close();
});

const children: ChildProcess[] = [];
beforeEach(async () => {
  await cleanup(host.exec);
  host.run('sysctl -qw net.ipv4.conf.all.route_localnet=0');
});
afterEach(async () => {
  for (const proxy of running.splice(0)) await proxy.stop();
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    // The next one listens at the same ports.
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
});

function start(mode: ProxyMode, more: Partial<RunningProxyOptions> = {}): RunningProxy {
  const proxy = new RunningProxy(host, { mode, ...more });
  running.push(proxy);
  return proxy;
}

/** Runs a script that prints `up` when it is ready. */
async function serve(space: TestNamespace, script: string): Promise<ChildProcess> {
  const child = space.start([process.execPath, '-e', script]);
  children.push(child);
  await once(createInterface({ input: child.stdout! }), 'line');
  return child;
}

const echoServer = (address: string, port: number) => `
const s = require('node:net').createServer((c) => { c.on('error', () => {}); c.pipe(c); });
s.listen(${port}, '${address}', () => console.log('up'));`;

/** Whether somebody takes a TCP connection there. */
function connects(space: TestNamespace, address: string, port: number): boolean {
  const script = `
const c = require('node:net').connect({ host: '${address}', port: ${port} });
c.setTimeout(1500, () => process.exit(1)); c.on('error', () => process.exit(1)); c.on('connect', () => process.exit(0));`;
  const [program = '', ...args] = space.inside([process.execPath, '-e', script]);
  return spawnSync(program, args).status === 0;
}

/** Prints what it is told on 127.0.0.1. */
const sinkServer = `
const s = require('node:dgram').createSocket('udp4');
s.on('message', (m) => console.log(String(m)));
s.bind(9999, '127.0.0.1', () => console.log('up'));`;

/** Sends a datagram to 127.0.0.1. */
function send(space: TestNamespace, text: string): void {
  const script = `
const s = require('node:dgram').createSocket('udp4');
s.send('${text}', 9999, '127.0.0.1', () => s.close());`;
  const [program = '', ...args] = space.inside([process.execPath, '-e', script]);
  spawnSync(program, args);
}

/** A connection that says a word and waits for its echo, as often as it is asked. */
class Connection {
  readonly #child: ChildProcess;
  readonly #heard: string[] = [];

  constructor(space: TestNamespace, address: string, port: number) {
    const script = `
const c = require('node:net').connect({ host: '${address}', port: ${port} });
process.stdin.on('data', (d) => c.write(d)); c.on('data', (d) => process.stdout.write(d));
c.on('error', (e) => { console.log(e.code); process.exit(1); });`;
    this.#child = space.start([process.execPath, '-e', script]);
    children.push(this.#child);
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#heard.push(line));
  }

  async echoes(word: string): Promise<void> {
    this.#child.stdin!.write(`${word}\n`);
    await until(() => this.#heard.includes(word), `the echo of ${word}`);
  }
}

const nodePort = (protocol: 'TCP' | 'UDP') => ({ name: 'p', port: 80, protocol, nodePort: 30080 });
const slicePort = (protocol: 'TCP' | 'UDP') => [{ name: 'p', port: 8080, protocol }];

describe.each(['nftables', 'iptables'] as const)('node ports on 127.0.0.1 in mode %s', (mode) => {
  test('reach a pod, and the world does not reach 127.0.0.1', async () => {
    await serve(pod, echoServer('10.244.1.1', 8080));
    const heard: string[] = [];
    const sink = await serve(host, sinkServer);
    createInterface({ input: sink.stdout! }).on('line', (line) => heard.push(line));
    const proxy = start(mode, { nodePortAddresses: ['0.0.0.0/0'] });
    await proxy.api.resource<Node>(nodes).create(node);
    await proxy.services.create(service({ name: 'web', type: 'NodePort', ports: [nodePort('TCP')] }));
    await proxy.slices.create({ ...slice('web', [endpoint('10.244.1.1', 'node-a')]), ports: slicePort('TCP') });
    await until(() => connects(host, '127.0.0.1', 30080), 'an answer on 127.0.0.1');
    await until(() => connects(outside, '172.18.0.2', 30080), 'an answer to who asks from outside');
    send(outside, 'kept out');
    send(host, 'own');
    await until(() => heard.includes('own'), 'what the node says to itself');
    expect(heard).toEqual(['own']);
    await proxy.stop();
    await cleanup(host.exec);
    // It is the rules that keep it out.
    await until(() => {
      send(outside, 'let in');
      return heard.includes('let in');
    }, 'what comes from outside without rules');
  });
});

test('a connection outlives a restart of the proxy and changes of its mode', async () => {
  await serve(pod, echoServer('10.244.1.1', 8080));
  const first = start('nftables');
  await first.fill();
  await until(() => connects(host, '10.96.0.10', 80), 'an answer');
  const local = new Connection(host, '10.96.0.10', 80);
  const remote = new Connection(outside, '10.96.0.10', 80);
  await Promise.all([local.echoes('one'), remote.echoes('one')]);
  let last = first;
  const modes = ['nftables', 'iptables', 'nftables'] as const;
  for (const [i, mode] of modes.entries()) {
    await last.stop();
    await Promise.all([local.echoes(`stopped-${i}`), remote.echoes(`stopped-${i}`)]);
    last = start(mode, { api: first.api });
    const other = mode === 'nftables' ? 'iptables-save' : 'nft list tables';
    await until(() => !/KUBE-|portico-proxy/.test(host.run(other)), `nothing in the output of ${other}`);
    await Promise.all([local.echoes(`started-${i}`), remote.echoes(`started-${i}`)]);
  }
  // TCP ends by itself: with its endpoint no longer listed it goes on all the same.
  await last.slices.update(slice('web', [endpoint('10.244.1.2', 'node-a')]));
  await until(() => host.run('nft list ruleset').includes('10.244.1.2'), 'the other endpoint');
  await Promise.all([local.echoes('removed'), remote.echoes('removed')]);
});

const namingServer = `
const up = ['10.244.1.1', '10.244.1.2'].map((a) => new Promise((up) => {
  require('node:net').createServer((c) => { c.on('error', () => {}); c.end(a); }).listen(8080, a, up);
}));
Promise.all(up).then(() => console.log('up'));`;

/** Who answers connections from each of some addresses. */
function answersTo(space: TestNamespace, sources: readonly string[], address: string): string[] {
  const script = `
const pending = ${JSON.stringify(sources)}.map((localAddress) => new Promise((heard, failed) => {
  const c = require('node:net').connect({ host: '${address}', port: 80, localAddress });
  c.on('error', failed); c.on('data', (d) => heard(String(d)));
}));
Promise.all(pending).then((all) => console.log(JSON.stringify(all)));`;
  const [program = '', ...args] = space.inside([process.execPath, '-e', script]);
  return JSON.parse(spawnSync(program, args, { encoding: 'utf8' }).stdout) as string[];
}

test.each(['nftables', 'iptables'] as const)(
  'clients with affinity stay where they are over a restart of the proxy, and whatever is written anew: mode %s',
  async (mode) => {
    await serve(pod, namingServer);
    const clients = Array.from({ length: 16 }, (_, n) => `172.18.0.${20 + n}`);
    for (const client of clients) outside.run(`ip addr replace ${client}/24 dev eth0`);
    const first = start(mode);
    const rules = mode === 'nftables' ? 'nft list ruleset' : 'iptables-save';
    const written = async (proxy: RunningProxy, n: number) => {
      await proxy.services.create(service({ name: `later-${n}`, clusterIP: `10.96.0.${20 + n}` }));
      await until(() => host.run(rules).includes(`10.96.0.${20 + n}`), 'the rules of what came last');
    };
    const endpoints = ['10.244.1.1', '10.244.1.2'].map((address) => endpoint(address, 'node-a'));
    await first.api.resource<Node>(nodes).create(node);
    await first.services.create(service({ name: 'web', sessionAffinity: 'ClientIP' }));
    await first.slices.create(slice('web', endpoints));
    await written(first, 1);
    await until(() => connects(outside, '10.96.0.10', 80), 'an answer');
    const before = answersTo(outside, clients, '10.96.0.10');
    await first.stop();
    const second = start(mode, { api: first.api });
    await written(second, 2);
    expect(answersTo(outside, clients, '10.96.0.10')).toEqual(before);
    const zoned = { ...node, metadata: { ...node.metadata, labels: { 'topology.kubernetes.io/zone': 'other' } } };
    const { metadata } = await second.api.resource<Node>(nodes).get('node-a');
    await second.api.resource<Node>(nodes).update({ ...zoned, metadata: { ...metadata, ...zoned.metadata } });
    await written(second, 3);
    expect(answersTo(outside, clients, '10.96.0.10')).toEqual(before);
    // Nobody answers there: who went there would hear so.
    await second.slices.update(slice('web', [...endpoints, endpoint('10.244.1.3', 'node-a')]));
    await until(() => host.run(rules).includes('10.244.1.3'), 'one endpoint more');
    expect(answersTo(outside, clients, '10.96.0.10')).toEqual(before);
  },
);

const udpServer = `
const addresses = ['10.244.1.1', '10.244.1.2', 'fd00:10:244:1::1', 'fd00:10:244:1::2'];
const pending = addresses.map((a) => new Promise((up) => {
  const s = require('node:dgram').createSocket(a.includes(':') ? 'udp6' : 'udp4');
  s.bind(8080, a, up);
  s.on('message', (m, r) => s.send(a, r.port, r.address));
}));
Promise.all(pending).then(() => console.log('up'));`;

const podAddress = (family: IPFamily, n: number) => (family === 'IPv4' ? `10.244.1.${n}` : `fd00:10:244:1::${n}`);

/** Asks several addresses, each from one port that stays, and knows who answered each last. */
class Asker {
  readonly #child: ChildProcess;
  readonly #answers = new Map<string, string>();

  constructor(space: TestNamespace) {
    const script = `
const sockets = new Map();
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'all sent') return setImmediate(() => console.log(line + ' yes'));
  const [address, port] = line.split(' ');
  if (!sockets.has(line)) {
    const s = require('node:dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4');
    s.on('message', (m) => console.log(line + ' ' + m));
    sockets.set(line, s);
  }
  sockets.get(line).send('x', Number(port), address);
});`;
    this.#child = space.start([process.execPath, '-e', script]);
    children.push(this.#child);
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      const [address, port, answer] = line.split(' ');
      this.#answers.set(`${address} ${port}`, answer!);
    });
  }

  ask(destinations: readonly string[]): void {
    this.#child.stdin!.write(destinations.map((destination) => `${destination}\n`).join(''));
  }

  /** Asks again and again until each is answered by the pod's address of that number, of either family. */
  async until(destinations: readonly string[], pod: number): Promise<void> {
    this.#answers.clear();
    await until(() => {
      this.ask(destinations);
      const answered = (destination: string) => podAddress(destination.includes(':') ? 'IPv6' : 'IPv4', pod);
      return destinations.every((destination) => this.#answers.get(destination) === answered(destination));
    }, `answers from pod ${pod}`);
    // What was asked leaves before anything changes: it would begin flows of which nobody hears again.
    this.ask(['all sent']);
    await until(() => this.#answers.has('all sent'), 'what was asked to leave');
  }
}

function flows(): string[] {
  return ['ipv4', 'ipv6'].flatMap((family) =>
    host
      .run(`conntrack -L -f ${family} -p udp`)
      .split('\n')
      .filter((line) => line !== ''),
  );
}

describe('UDP flows', () => {
  const external = ['192.0.2.1', '2001:db8:51::1'];
  /** Cluster IPs, addresses of the load balancer, external IPs and node ports of both families. */
  const destinations = [
    ...['10.96.0.10', 'fd00:96::10', '192.0.2.2', '2001:db8:2::2', ...external].map((address) => `${address} 80`),
    ...['172.18.0.2', 'fd00:172:18::2'].map((address) => `${address} 30080`),
  ];
  const dualNode: Node = {
    ...node,
    status: { addresses: ['172.18.0.2', 'fd00:172:18::2'].map((address) => ({ type: 'InternalIP', address })) },
  };
  const dns = (more = {}) =>
    service({
      name: 'dns',
      type: 'LoadBalancer',
      clusterIPs: ['10.96.0.10', 'fd00:96::10'],
      vips: ['192.0.2.2', '2001:db8:2::2'],
      ports: [nodePort('UDP')],
      ...more,
    });

  test.each(['nftables', 'iptables'] as const)('end with their endpoint, and only these: mode %s', async (mode) => {
    await serve(pod, udpServer);
    const proxy = start(mode);
    /** The pod of this number is the Service's endpoint, or none is. */
    const setEndpoint = async (write: 'create' | 'update', ...pods: readonly number[]) => {
      for (const family of ['IPv4', 'IPv6'] as const) {
        const endpoints = pods.map((n) => endpoint(podAddress(family, n), 'node-a'));
        const own = { ...slice('dns', endpoints, `dns-${family.toLowerCase()}`), addressType: family };
        await proxy.slices[write]({ ...own, ports: slicePort('UDP') });
      }
    };
    await proxy.api.resource<Node>(nodes).create(dualNode);
    await proxy.services.create(dns({ externalIPs: external }));
    await setEndpoint('create', 1);
    const asker = new Asker(outside);
    await asker.until(destinations, 1);
    // A flow that is none of a Service stays, though its port is the number of a node port.
    const direct = new Asker(host);
    await direct.until(['10.244.1.2 8080', 'fd00:10:244:1::2 8080'], 2);

    await setEndpoint('update', 2);
    await asker.until(destinations, 2);

    // To nobody and back: what is translated is never refused, so no flow is left meanwhile.
    const addresses = destinations.map((destination) => destination.split(' ')[0]!);
    const isFlowTo = (lost: readonly string[]) => flows().some((line) => lost.some((a) => line.includes(`dst=${a} `)));
    await setEndpoint('update');
    await until(() => !isFlowTo(addresses), 'the flows to nobody');
    await setEndpoint('update', 1);
    await asker.until(destinations, 1);

    // Addresses that the Service loses, then the Service.
    await proxy.services.update(dns());
    await until(() => !isFlowTo(external), 'the flows to the lost addresses');
    expect(isFlowTo(['10.96.0.10'])).toBe(true);
    expect(isFlowTo(['2001:db8:2::2'])).toBe(true);
    await proxy.services.delete('dns', 'demo');
    await until(() => !isFlowTo(addresses), 'the flows to the Service');
    for (const to of ['10.244.1.2', 'fd00:10:244:1::2']) {
      expect(flows().some((line) => line.includes(`dst=${to} `) && line.includes('dport=8080'))).toBe(true);
    }
  });

  test.each([
    ['nftables', ['0.0.0.0/0', '::/0']],
    ['iptables', []],
  ] as const)('from before there was a Service end, at whichever address: mode %s', async (mode, nodePortAddresses) => {
    await serve(pod, udpServer);
    const proxy = start(mode, { nodePortAddresses });
    await proxy.api.resource<Node>(nodes).create(dualNode);
    const asker = new Asker(host);
    const early = ['127.0.0.1 30080', '10.244.1.254 30080', 'fd00:10:244:1::fe 30080', '192.0.2.2 80'];
    // The kernel tracks nothing before there are rules that ask for it.
    await until(() => {
      asker.ask(early);
      const known = flows();
      return early.every((to) => known.some((line) => line.includes(`dst=${to.split(' ')[0]} `)));
    }, 'flows to nobody');
    await proxy.services.create(dns());
    for (const family of ['IPv4', 'IPv6'] as const) {
      const own = slice('dns', [endpoint(podAddress(family, 1), 'node-a')], `dns-${family.toLowerCase()}`);
      await proxy.slices.create({ ...own, addressType: family, ports: slicePort('UDP') });
    }
    await asker.until(early, 1);
  });
});
