// The ipvs mode on a kernel that has IPVS: a small emulated machine (test/machine).
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { EndpointSlice } from '../../src/api/discovery/v1/types.generated.ts';
import type { KubeObject } from '../../src/apimachinery/object.ts';
import { endpointSlices } from '../../src/client/resources.ts';
import { freePort } from '../fixtures/free-port.ts';
import { ipvsDifferences } from '../labs/ipvs-differences.ts';
import { unavailable } from '../machine/image.ts';
import { clusterObjects, type LabCase, labCases, renamed } from '../machine/lab-cases.ts';
import { Machine } from '../machine/machine.ts';
import { ProxiedNode } from '../machine/proxied-node.ts';

const reason = unavailable('ipvs');
// Proxies run here; only their programs run on the machine.
const healthPort = await freePort();

interface Outcomes {
  readonly shape: Readonly<Record<string, readonly string[]>>;
  readonly uneven: readonly string[];
}

/** Connections per probe: with round-robin, enough to see each of five endpoints. */
const connections = 6;

const listing = ['ipvsadm', '-Ln'];
const savedServers = ['ipvsadm', '--save', '-n'];
const carried = ['ip', '-o', 'addr', 'show', 'dev', 'kube-ipvs0'];

/** Text with what the kernel adds to a set of its own accord taken out. */
function setLine(line: string): string {
  return line.replace(/ (family|hashsize|maxelem|bucketsize|initval) \S+/g, '');
}

function linesOf(text: string): string[] {
  return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
}

function rulesOf(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith('-A '));
}

/** Chain by chain, each in its order. */
function byChain(rules: readonly string[]): Record<string, string[] | undefined> {
  return Object.groupBy(rules, (rule) => rule.split(' ')[1]!) as Record<string, string[]>;
}

/** The objects of a Service under another name, and an address that ends in this number. */
function unusedCopy(object: KubeObject, number: number): KubeObject {
  const { metadata } = object;
  const text = JSON.stringify(object).replaceAll('10.96.123.45', `10.96.123.${number}`);
  const copy = JSON.parse(text) as KubeObject;
  const name = (own: string) => `${own}-${number}`;
  const label = 'kubernetes.io/service-name';
  const labels = metadata.labels?.[label] && { ...metadata.labels, [label]: name(metadata.labels[label]) };
  return { ...copy, metadata: { ...copy.metadata, name: name(metadata.name), ...(labels && { labels }) } };
}

function union(lines: Iterable<string>): string[] {
  return [...new Set(lines)].sort();
}

describe.skipIf(reason !== undefined)(`the ipvs mode on an emulated machine${reason ? ` (${reason})` : ''}`, () => {
  const cases = reason ? [] : labCases(healthPort);
  const byName = (prefix: string): LabCase => cases.find(({ name }) => name.startsWith(prefix))!;
  const objects = reason ? [] : [...clusterObjects(), ...cases.flatMap(renamed)];
  let machine: Machine;
  let node: ProxiedNode;

  /** A virtual server as told, and a way to it: a sync ends with the addresses, to which there is no route until then. */
  const serves = async (address: string, server: RegExp) => {
    await node.until(listing, (text) => server.test(text));
    await node.until(carried, (text) => text.includes(` ${address}/`));
  };
  const currentOf = ({ metadata: { name, namespace } }: EndpointSlice) =>
    node.api.resource<EndpointSlice>(endpointSlices).get(name, namespace);

  beforeAll(async () => {
    machine = await Machine.boot({ kind: 'ipvs' });
  });
  afterAll(() => machine?.close());

  test('what it loads is what kube-proxy loaded for the same objects', async () => {
    // The addresses of the machine on which kube-proxy's were recorded.
    const flat = new ProxiedNode(machine.exec());
    // It goes at the end, and after a first try that failed.
    onTestFinished(async () => {
      await machine.exec().run(['ip', 'link', 'del', 'eth0']);
    });
    await flat.output('ip', 'link', 'add', 'eth0', 'type', 'dummy');
    await flat.output('ip', 'addr', 'add', '172.18.0.2/24', 'dev', 'eth0');
    await flat.output('ip', 'addr', 'add', 'fec0::5054:ff:fe12:3456/64', 'dev', 'eth0', 'nodad');
    await flat.output('ip', 'link', 'set', 'eth0', 'up');
    await flat.put(objects);
    flat.start('ipvs');
    try {
      await flat.until(carried, (text) => text.includes('fd00:96::b'));
    } finally {
      await flat.stop();
    }
    const recorded = (program: string) => cases.flatMap(({ loaded }) => [...(loaded.get(program) ?? [])]);
    const addresses = await flat.output('ip', '-o', '-4', 'addr', 'show', 'dev', 'kube-ipvs0');
    expect(union(addresses.match(/[\d.]+\/32/g) ?? [])).toEqual(union(recorded('ip')));
    expect(union(linesOf(await flat.output(...savedServers)))).toEqual(union(recorded('ipvsadm')));
    expect(union(linesOf(await flat.output('ipset', 'save')).map(setLine))).toEqual(
      union(recorded('ipset').map(setLine)),
    );
    const rules: string[] = [];
    for (const table of ['nat', 'filter'])
      rules.push(...rulesOf(linesOf(await flat.output('iptables-save', '-t', table))));
    expect(union(rules)).toEqual(union(rulesOf(recorded('iptables-save'))));
    for (const { name, loaded } of cases) {
      const own = rulesOf(loaded.get('iptables-save') ?? []);
      expect({ name, rules: byChain(rules.filter((rule) => own.includes(rule))) }).toEqual({
        name,
        rules: byChain(own),
      });
    }
    expect(flat.log).toEqual([]);
  });

  test('packets go where the lab saw them go', async () => {
    await machine.call('build_network', { objects: objects.filter(({ kind }) => kind !== 'Node') });
    // That of a first try has the health check node port.
    await node?.stop();
    node = new ProxiedNode(machine.exec(['nsenter', '--net=/run/netns/labnode']));
    await node.put(objects);
    node.start('ipvs', { ipvs: { tcpFinTimeout: 2000 } });
    await node.until(carried, (text) => text.includes('fd00:96::b'));
    expect(await node.output('ipvsadm', '-l', '--timeout')).toContain(': 900 2 300');
    const seen: Record<string, readonly string[]> = {};
    const waiting = [...cases];
    const worker = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const { shape, uneven } = await machine.call<Outcomes>('outcomes', { objects: next.objects, n: connections });
        expect(uneven).toEqual([]);
        Object.assign(seen, shape);
      }
    };
    // Those that wait for an answer in vain do not hold up the others.
    await Promise.all([worker(), worker(), worker()]);
    const expected = Object.assign({}, ...cases.map((c) => c.outcomes), ...ipvsDifferences.map((d) => d.probes));
    expect(seen).toEqual(expected);
  });

  test('Services that go take their virtual servers, addresses and members along', async () => {
    const kept = new Set(renamed(byName('01')).map(({ metadata }) => metadata.name));
    await node.delete(objects.filter(({ kind, metadata }) => kind !== 'Node' && !kept.has(metadata.name)));
    await node.until(savedServers, (text) => union(linesOf(text)).length === 3);
    expect(linesOf(await node.output(...savedServers))).toEqual([
      '-A -t 10.96.123.45:80 -s rr',
      '-a -t 10.96.123.45:80 -r 10.244.1.2:80 -m -w 1',
      '-a -t 10.96.123.45:80 -r 10.244.2.3:80 -m -w 1',
    ]);
    await node.until(carried, (text) => linesOf(text).length === 1);
    expect(union(linesOf(await node.output('ipset', 'save')).filter((line) => line.startsWith('add')))).toEqual([
      'add KUBE-CLUSTER-IP 10.96.123.45,tcp:80',
      'add KUBE-IPVS-IPS 10.96.123.45',
      'add KUBE-LOOP-BACK 10.244.1.2,tcp:80,10.244.1.2',
    ]);
  });

  let number = 45;

  test('an endpoint that goes keeps its connections, and is gone with the last of them', async () => {
    // A Service that nobody has used, in no first try either: the kernel counts connections that have come to a proper end for
    // two more minutes.
    number += 1;
    const ip = `10.96.123.${number}`;
    const unused = renamed(byName('01')).map((object) => unusedCopy(object, number));
    await node.put(unused);
    await serves(ip, new RegExp(`${ip}:80 rr\\n.*Masq.*\\n.*Masq`));
    const probe = { who: 'labpod', ip, port: 80 };
    const [holder = ''] = (await machine.call<string>('hold', { name: 'held', ...probe })).split(' ');
    const slice = unused.find(({ kind }) => kind === 'EndpointSlice') as EndpointSlice;
    const real = (pattern: string) => new RegExp(`${ip}:80 rr\\n(?:.*Masq.*\\n)*.*${holder}:80 +Masq ${pattern}`);
    const others = (slice.endpoints ?? []).filter(({ addresses }) => addresses[0] !== holder);
    await node.updateSlice({ ...(await currentOf(slice)), endpoints: others });
    await node.until(listing, (text) => real(' +0 +1 ').test(text));
    expect(await machine.call('still_answers', { name: 'held' })).toBe(true);
    const fresh = await machine.call<Record<string, number>>('ask', { ...probe, proto: 'TCP', n: 6 });
    expect(Object.keys(fresh).map((answer) => answer.split(' ')[0])).toEqual([others[0]!.addresses[0]]);
    await machine.call('reset', { name: 'held' });
    // After a reset the kernel counts it ten seconds more, and the proxy looks every minute.
    await node.until(listing, (text) => !real('').test(text));
    // And when it comes back it is as any other.
    await node.updateSlice({ ...(await currentOf(slice)), endpoints: slice.endpoints });
    await node.until(listing, (text) => real(' +1 ').test(text));
    await node.delete(unused);
  });

  test('an endpoint of UDP goes at once', async () => {
    const dns = renamed(byName('06'));
    await node.put(dns);
    await serves('10.96.0.10', /UDP +10\.96\.0\.10:53 rr\n.*10\.244\.1\.5:53.*\n.*10\.244\.2\.5:53/);
    const probe = { who: 'labpod', ip: '10.96.0.10', port: 53, proto: 'UDP', n: 4 };
    expect(Object.keys(await machine.call<object>('ask', probe))).toHaveLength(2);
    const slice = dns.find(({ kind }) => kind === 'EndpointSlice') as EndpointSlice;
    await node.updateSlice({ ...(await currentOf(slice)), endpoints: slice.endpoints?.slice(0, 1) });
    await node.until(listing, (text) => !/UDP +10\.96\.0\.10:53 rr\n.*\n.*10\.244\.2\.5:53/.test(text));
    expect(Object.keys(await machine.call<object>('ask', probe))).toEqual(['10.244.1.5 53 10.244.1.250']);
  });

  test('what others take away comes back', async () => {
    // What it finds when it looks is what it wrote.
    expect(node.log).toEqual([]);
    onTestFinished(() => {
      node.log.length = 0;
    });
    await node.output('ipvsadm', '-C');
    await node.output('ip', 'addr', 'del', '10.96.123.45/32', 'dev', 'kube-ipvs0');
    await serves('10.96.123.45', /10\.96\.123\.45:80/);
    expect(node.log).toContain('rules were changed by someone else: putting them right');
  });

  test.each(['iptables', 'nftables'] as const)('a change to %s leaves nothing of it, and back', async (mode) => {
    const [program, endpoint] =
      mode === 'iptables' ? ['iptables-save', '10.244.1.2:80'] : ['nft list ruleset', '10.244.1.2'];
    const command = program!.split(' ');
    const probe = { who: 'labpod', ip: '10.96.123.45', port: 80, proto: 'TCP', n: 1 };
    await node.stop();
    node.start(mode);
    await node.until(command, (text) => text.includes(endpoint!));
    await node.until(['ip', 'link', 'show'], (text) => !text.includes('kube-ipvs0'));
    expect((await node.output(...listing)).split('\n').slice(3).join('')).toBe('');
    expect(await node.output('ipset', 'save')).toBe('');
    for (const save of ['iptables-save', 'ip6tables-save']) {
      const ownToIpvs =
        /kubernetes ipvs|KUBE-IPVS|KUBE-NODE-PORT\b|KUBE-LOAD-BALANCER|kube-proxy firewall rules|--match-set/;
      expect(await node.output(save)).not.toMatch(ownToIpvs);
    }
    expect(Object.keys(await machine.call<object>('ask', probe))).not.toContain('timeout');
    await node.stop();
    node.start('ipvs');
    await node.until(command, (text) => !text.includes(endpoint!));
    await serves('10.96.123.45', /10\.96\.123\.45:80/);
    expect(await node.output('iptables-save')).not.toMatch(
      /KUBE-(SVC-|SEP-|EXT-|NODEPORTS|EXTERNAL-SERVICES|FIREWALL)/,
    );
    expect(Object.keys(await machine.call<object>('ask', probe))).not.toContain('timeout');
  });
});
