// What happens to packets and connections through the proxy's rules: a node, a pod and a machine outside, each a namespace.
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Node } from '../../src/api/core/v1/types.generated.ts';
import { nodes } from '../../src/client/resources.ts';
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
    'ip link set pod up',
    'ip link set out up',
    'ip route add default via 172.18.0.9',
    'sysctl -qw net.ipv4.ip_forward=1',
  ]) {
    host.run(line);
  }
  for (const address of ['10.244.1.1', '10.244.1.2']) pod.run(`ip addr add ${address}/24 dev eth0`);
  outside.run('ip addr add 172.18.0.9/24 dev eth0');
  for (const space of [pod, outside]) space.run('ip link set eth0 up');
  pod.run('ip route add default via 10.244.1.254');
  // This machine sends what is for 127.0.0.1 over the wire.
  outside.run('sysctl -qw net.ipv4.conf.all.route_localnet=1');
  for (const local of ['127.0.0.1', '127.0.0.0/8']) outside.run(`ip route del local ${local} dev lo table local`);
  outside.run('ip route add 127.0.0.1/32 via 172.18.0.2 src 172.18.0.9');
  for (const route of ['10.96.0.0/16', '192.0.2.1/32']) outside.run(`ip route add ${route} via 172.18.0.2`);
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
  for (const child of children.splice(0)) child.kill('SIGKILL');
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
    expect(connects(outside, '172.18.0.2', 30080)).toBe(true);
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

const udpServer = `
const pending = ['10.244.1.1', '10.244.1.2'].map((a) => new Promise((up) => {
  const s = require('node:dgram').createSocket('udp4');
  s.bind(8080, a, up);
  s.on('message', (m, r) => s.send(a, r.port, r.address));
}));
Promise.all(pending).then(() => console.log('up'));`;

/** Asks several addresses, each from one port that stays, and knows who answered each last. */
class Asker {
  readonly #child: ChildProcess;
  readonly #answers = new Map<string, string>();

  constructor(space: TestNamespace) {
    const script = `
const sockets = new Map();
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const [address, port] = line.split(' ');
  if (!sockets.has(line)) {
    const s = require('node:dgram').createSocket('udp4');
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

  /** Asks again and again until each is answered from there. */
  async until(destinations: readonly string[], address: string): Promise<void> {
    this.#answers.clear();
    await until(() => {
      this.#child.stdin!.write(destinations.map((destination) => `${destination}\n`).join(''));
      return destinations.every((destination) => this.#answers.get(destination) === address);
    }, `answers from ${address}`);
  }
}

function flows(): string[] {
  return host
    .run('conntrack -L -p udp')
    .split('\n')
    .filter((line) => line !== '');
}

describe('UDP flows', () => {
  const destinations = ['10.96.0.10 80', '192.0.2.1 80', '172.18.0.2 30080'];
  const udpSlice = (...addresses: string[]) => ({
    ...slice(
      'dns',
      addresses.map((address) => endpoint(address, 'node-a')),
    ),
    ports: slicePort('UDP'),
  });
  const dns = (more = {}) => service({ name: 'dns', type: 'NodePort', ports: [nodePort('UDP')], ...more });

  test.each(['nftables', 'iptables'] as const)('end with their endpoint, and only these: mode %s', async (mode) => {
    await serve(pod, udpServer);
    const proxy = start(mode);
    await proxy.api.resource<Node>(nodes).create(node);
    await proxy.services.create(dns({ externalIPs: ['192.0.2.1'] }));
    await proxy.slices.create(udpSlice('10.244.1.1'));
    const asker = new Asker(outside);
    await asker.until(destinations, '10.244.1.1');
    // A flow that is none of a Service stays, though its port is the number of a node port.
    const direct = new Asker(host);
    await direct.until(['10.244.1.2 8080'], '10.244.1.2');

    await proxy.slices.update(udpSlice('10.244.1.2'));
    await asker.until(destinations, '10.244.1.2');

    // To nobody and back: the flows stay meanwhile, and move on then.
    await proxy.slices.update(udpSlice());
    await proxy.slices.update(udpSlice('10.244.1.1'));
    await asker.until(destinations, '10.244.1.1');

    // An address that the Service loses, then the Service.
    await proxy.services.update(dns());
    await until(() => !flows().some((line) => line.includes('dst=192.0.2.1 ')), 'the flow to the lost address');
    expect(flows().some((line) => line.includes('dst=10.96.0.10 '))).toBe(true);
    await proxy.services.delete('dns', 'demo');
    await until(() => !flows().some((line) => /dst=10\.96\.0\.10 |dport=30080/.test(line)), 'the flows to the Service');
    expect(flows().some((line) => /src=\S+ dst=10\.244\.1\.2 sport=\d+ dport=8080/.test(line))).toBe(true);
  });
});
