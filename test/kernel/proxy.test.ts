// The proxy against the real kernel, in a namespace of the test's own.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Node } from '../../src/api/core/v1/types.generated.ts';
import { nodes } from '../../src/client/resources.ts';
import { cleanup } from '../../src/proxy/cleanup.ts';
import { endpoint, service, slice } from '../../src/proxy/fixtures/objects.ts';
import { serviceChains } from '../../src/proxy/iptables/names.ts';
import type { ProxyMode } from '../../src/proxy/settings.ts';
import { TestNamespace } from './netns.ts';
import { nftLines } from './nft-lines.ts';
import { node, RunningProxy, type RunningProxyOptions, until } from './running-proxy.ts';

let space: TestNamespace;
beforeAll(() => {
  space = new TestNamespace('proxy');
});
afterAll(() => space?.close());
beforeEach(() => {
  space.run('nft flush ruleset');
});

/** What a command prints; nothing when it fails. */
function output(command: string): string {
  try {
    return space.run(command);
  } catch {
    return '';
  }
}

function has(command: string, text: string): boolean {
  return output(command).includes(text);
}

/** Whether a program in the namespace listens to the changes of nftables: protocol 12, group 7 (netlink(7)). */
function isWatched(): boolean {
  const sockets = space.run('cat /proc/net/netlink').split('\n');
  return sockets.some((line) => {
    const [, protocol, , groups = '0'] = line.trim().split(/ +/);
    return protocol === '12' && (Number.parseInt(groups, 16) & 0x40) !== 0;
  });
}

/** The program, and a kernel that has such counters. */
const hasNfacct = spawnSync('nfacct', ['list']).status === 0;

const running: RunningProxy[] = [];
function start(mode: ProxyMode, more: Partial<RunningProxyOptions> = {}): RunningProxy {
  const proxy = new RunningProxy(space, { mode, ...more });
  running.push(proxy);
  return proxy;
}
afterEach(async () => {
  for (const proxy of running.splice(0)) await proxy.stop();
});

const endpointsMap = 'nft list map ip portico-proxy endpoints-16';

describe('nftables', () => {
  test('follows the API, repairs at once what is flushed, and leaves the rules when it ends', async () => {
    const proxy = start('nftables');
    await proxy.fill();
    await until(() => has(endpointsMap, '10.96.0.10 . tcp . 80 . 0 : 10.244.1.1 . 8080'), 'the first endpoint');
    await proxy.slices.update(slice('web', [endpoint('10.244.1.1', 'node-a'), endpoint('10.244.2.1', 'node-b')]));
    await until(() => has(endpointsMap, '10.96.0.10 . tcp . 80 . 1 : 10.244.2.1 . 8080'), 'the second endpoint');
    await until(isWatched, 'the monitor');
    space.run('nft flush ruleset');
    await until(() => has(endpointsMap, '10.96.0.10 . tcp . 80 . 1'), 'the repair');
    await proxy.stop();
    expect(has(endpointsMap, '10.96.0.10 . tcp . 80 . 1')).toBe(true);
  });

  test.each([
    ['an element', 'nft delete element ip portico-proxy endpoints-16 { 10.96.0.10 . tcp . 80 . 0 }'],
    ['all elements of a map', 'nft flush map ip portico-proxy services'],
    ['the rules of a chain', 'nft flush chain ip portico-proxy nat-output'],
    ['a rule more', 'nft insert rule ip portico-proxy services return'],
    ['the table', 'nft delete table ip portico-proxy'],
  ])('repairs at once what someone else changes: %s', async (_, command) => {
    const proxy = start('nftables');
    await proxy.fill();
    await until(() => has(endpointsMap, '10.244.1.1'), 'the first endpoint');
    const before = nftLines(space, 'ip');
    space.run('nft add table ip other');
    await until(isWatched, 'the monitor');
    space.run(command);
    expect(nftLines(space, 'ip')).not.toEqual(before);
    await until(() => JSON.stringify(nftLines(space, 'ip')) === JSON.stringify(before), 'the repair');
    expect(space.run('nft list tables')).toContain('table ip other');
  });

  test('leaves the tables of others alone, and rests when they change', async () => {
    const proxy = start('nftables');
    await proxy.fill();
    await until(() => has(endpointsMap, '10.244.1.1') && isWatched(), 'the first endpoint');
    space.run('nft add table ip other');
    space.run('nft add set ip other s { type ipv4_addr ; }');
    for (let i = 1; i < 20; i += 1) space.run(`nft add element ip other s { 192.0.2.${i} }`);
    const table = space.run('nft list table ip other');
    await proxy.slices.update(slice('web', [endpoint('10.244.1.1', 'node-a'), endpoint('10.244.2.1', 'node-b')]));
    await until(() => has(endpointsMap, '10.244.2.1'), 'the second endpoint');
    expect(space.run('nft list table ip other')).toBe(table);
    expect(proxy.log).toEqual([]);
  });

  test('a refused transaction is followed by all of it', async () => {
    const proxy = start('nftables', { deaf: true });
    await proxy.fill();
    await until(() => has(endpointsMap, '10.244.1.1'), 'the first endpoint');
    // Somebody takes away what the next change wants to take away.
    space.run('nft delete element ip portico-proxy endpoints-16 { 10.96.0.10 . tcp . 80 . 0 }');
    await proxy.slices.update(slice('web', [endpoint('10.244.2.9', 'node-b')]));
    await until(() => has(endpointsMap, '10.244.2.9'), 'the new endpoint');
    expect(proxy.log.join()).toContain('sync failed: nft:');
  });
});

/** Of Service demo/web, port http (service-semantics 4.2). */
const webChain = serviceChains({ name: 'demo/web:http', protocol: 'tcp' }).cluster;

describe('modes', () => {
  test('a change of mode leaves nothing of the other, and cleanup nothing of any', async () => {
    const first = start('iptables');
    await first.fill();
    await until(() => has('iptables-save', '10.244.1.1:8080'), 'the endpoint in iptables');
    await first.stop();
    const second = start('nftables', { api: first.api });
    await until(() => has(endpointsMap, '10.244.1.1'), 'the endpoint in nftables');
    await until(() => !has('iptables-save', 'KUBE'), 'iptables without Services');
    await second.stop();
    const third = start('iptables', { api: first.api });
    await until(() => has('iptables-save', '10.244.1.1:8080'), 'the endpoint in iptables again');
    await until(() => !has('nft list tables', 'portico-proxy'), 'nftables without Services');
    await third.stop();
    await cleanup(space.exec);
    for (const save of ['iptables-save', 'ip6tables-save']) expect(space.run(save)).not.toContain('KUBE');
    expect(space.run('nft list tables')).not.toContain('portico-proxy');
  });

  test.each([
    ['all rules', 'iptables-nft -t nat -F'],
    ['a jump', 'iptables-nft -t nat -D PREROUTING 1'],
    ['a rule of a chain of ours', 'iptables-nft -t nat -D KUBE-SERVICES 1'],
    ['the rules of a chain of a Service, with nft', `nft flush chain ip nat ${webChain}`],
  ])('iptables repairs at once what someone removes: %s', async (_, command) => {
    const proxy = start('iptables');
    await proxy.fill();
    await until(() => has('iptables-save', '10.244.1.1:8080') && isWatched(), 'the endpoint');
    const rules = () =>
      output('iptables-save -t nat')
        .split('\n')
        .filter((line) => /^-A/.test(line))
        .sort();
    const before = rules();
    space.run(command);
    expect(rules()).not.toEqual(before);
    await until(() => JSON.stringify(rules()) === JSON.stringify(before), 'the repair');
  });

  test('iptables does not take its own changes, nor those of other chains, for edits of ours', async () => {
    const proxy = start('iptables');
    await proxy.fill();
    await until(() => has('iptables-save', '10.244.1.1:8080') && isWatched(), 'the endpoint');
    for (let i = 2; i < 12; i += 1) {
      const address = `10.244.1.${i}`;
      await proxy.slices.update(slice('web', [endpoint(address, 'node-a')]));
      space.run('iptables-nft -A INPUT -s 192.0.2.9 -j ACCEPT');
      await until(() => has('iptables-save', `${address}:8080`), address);
    }
    expect(proxy.log).toEqual([]);
    // And it still hears of others'.
    space.run('iptables-nft -t nat -F KUBE-SERVICES');
    await until(() => has('iptables-save -t nat', '-A KUBE-SERVICES -d 10.96.0.10/32'), 'the repair');
    expect(proxy.log).toEqual(['rules were removed by someone else: writing them anew']);
  });

  test('the legacy iptables is used where it is in use, and left empty', async () => {
    // A second try finds it there.
    output('iptables-legacy -t mangle -N KUBE-KUBELET-CANARY');
    const proxy = start('iptables');
    await proxy.fill();
    await until(() => has('iptables-legacy-save', '10.244.1.1:8080'), 'the endpoint');
    expect(output('iptables-nft-save')).not.toContain('KUBE-');
    await proxy.stop();
    // By force the other: nothing is left of the first.
    const forced = start('iptables', { api: proxy.api, iptablesVariant: 'nft' });
    await until(() => has('iptables-nft-save', '10.244.1.1:8080'), 'the endpoint');
    await until(() => !has('iptables-legacy-save', 'KUBE-S'), 'the legacy rules');
    await forced.stop();
    await cleanup(space.exec);
    expect(output('iptables-nft-save')).not.toContain('KUBE-');
    expect(output('iptables-legacy-save').match(/KUBE-[A-Z-]+/g)).toEqual(['KUBE-KUBELET-CANARY']);
    space.run('iptables-legacy -t mangle -X KUBE-KUBELET-CANARY');
  });

  test.skipIf(!hasNfacct)('iptables counts who uses node ports on 127.0.0.1, until nothing of it is left', async () => {
    // Of a first try.
    output('nfacct flush');
    const proxy = start('iptables');
    await proxy.fill();
    await proxy.services.create(
      service({ name: 'out', clusterIP: '10.96.0.11', type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }),
    );
    await proxy.slices.create({ ...slice('out', [endpoint('10.244.1.1', 'node-a')]), ports: [{ port: 8080 }] });
    await until(() => has('iptables-save', '--dport 30080 -j KUBE-EXT'), 'the node port');
    const counted = () => Number(/pkts = (\d+),[^}]*} = localhost_nps_accepted_pkts/.exec(output('nfacct list'))?.[1]);
    expect(counted()).toBe(0);
    // Nobody has to answer.
    space.start(['busybox', 'nc', '-w', '1', '127.0.0.1', '30080']);
    await until(() => counted() > 0, 'a packet counted');
    expect(output('iptables-save -t filter')).toMatch(/--nfacct-name +ct_state_invalid_dropped_pkts -j DROP/);
    await proxy.stop();
    await cleanup(space.exec);
    expect(output('nfacct list')).toBe('');
  });

  test('iptables follows a Service that loses an endpoint and its chains', async () => {
    const proxy = start('iptables');
    await proxy.fill();
    await until(() => has('iptables-save', '10.244.1.1:8080'), 'the endpoint');
    await proxy.slices.update(slice('web', []));
    await until(() => has('iptables-save', 'demo/web:http has no endpoints'), 'the refusal');
    // One table is written after the other.
    await until(() => !/KUBE-(SEP|SVC)-/.test(space.run('iptables-save')), 'no chains of the Service');
  });
});

/** Sends a datagram from one and the same port for each line, and prints who answered. */
const client = `
const s = require('node:dgram').createSocket('udp4');
s.bind(0, '127.0.0.1');
process.stdin.on('data', () => { s.send('x', 53, '10.96.0.10'); });
s.on('message', (m) => console.log(String(m)));`;
/** Answers on both addresses with its own. */
const server = `
for (const a of ['10.244.1.1', '10.244.1.2']) {
  const s = require('node:dgram').createSocket('udp4');
  s.bind(5353, a, () => console.log('up'));
  s.on('message', (m, r) => s.send(a, r.port, r.address));
}`;

describe('UDP', () => {
  beforeAll(async () => {
    for (const line of [
      'ip addr add 10.244.1.1/32 dev lo',
      'ip addr add 10.244.1.2/32 dev lo',
      'ip link add out type veth peer name out-peer',
      'ip link set out up',
      'ip link set out-peer up',
      'ip addr add 192.0.2.1/24 dev out',
      'ip route add default dev out',
      'sysctl -qw net.ipv4.conf.all.route_localnet=1',
    ]) {
      space.run(line);
    }
    const answers = createInterface({ input: space.start([process.execPath, '-e', server]).stdout! });
    await once(answers, 'line');
  });

  test('a client moves on when its endpoint goes', async () => {
    const proxy = start('nftables');
    await proxy.api.resource<Node>(nodes).create(node);
    const port = { name: 'dns', port: 53, protocol: 'UDP' };
    await proxy.services.create(service({ name: 'dns', ports: [port] }));
    const dnsSlice = (address: string) => ({
      ...slice('dns', [endpoint(address, 'node-a')]),
      ports: [{ name: 'dns', port: 5353, protocol: 'UDP' }],
    });
    await proxy.slices.create(dnsSlice('10.244.1.1'));
    await until(() => has(endpointsMap, '10.244.1.1'), 'the first endpoint');
    const asker = space.start([process.execPath, '-e', client]);
    const replies = createInterface({ input: asker.stdout! });
    const seen: string[] = [];
    replies.on('line', (line) => seen.push(line));
    const askUntil = async (address: string) => {
      await until(() => {
        asker.stdin!.write('ask\n');
        return seen.at(-1) === address;
      }, `an answer from ${address}`);
    };
    await askUntil('10.244.1.1');
    await proxy.slices.update(dnsSlice('10.244.1.2'));
    await askUntil('10.244.1.2');
  });
});
