// What `portico trace` says of packets is what becomes of them: random clusters, their rules loaded into the kernels of two
// nodes, and packets from everybody to every door.
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, test } from 'vitest';
import {
  arbitraryCluster,
  arbitrarySettings,
  type Cluster,
  families,
  type NodeName,
  nodeAddress,
  nodeNames,
  nodeNumbers,
  outsideAddress,
  podsPerNode,
  type Question,
  questionsOf,
  serviceCIDRs,
} from '../../src/explain/fixtures/cluster.ts';
import { policyTablesOfNodes } from '../../src/explain/trace/policies.ts';
import { traceText } from '../../src/explain/trace/text.ts';
import type { Trace } from '../../src/explain/trace/trace.ts';
import { tracePacket } from '../../src/explain/trace/trace-packet.ts';
import { renderTable as renderIptables } from '../../src/iptables/render.ts';
import { joinHostPort } from '../../src/net/ip.ts';
import { renderTable as renderNftables } from '../../src/nftables/render.ts';
import { plansOf } from '../../src/proxy/offline.ts';
import { rulesetOf } from '../../src/proxy/ruleset.ts';
import type { ProxySettings } from '../../src/proxy/settings.ts';
import type { Asking } from './echo-peer.ts';
import type { TestNamespace } from './netns.ts';
import { type LabNode, NodeLab } from './node-lab.ts';
import { until } from './running-proxy.ts';

/** Who answers and asks, in a namespace. */
class Peer {
  readonly space: TestNamespace;
  /** Resolves when it listens. */
  readonly ready: Promise<unknown>;
  readonly #lines: Interface;
  readonly #input: NodeJS.WritableStream;

  constructor(space: TestNamespace, addresses: readonly string[]) {
    this.space = space;
    const child = space.start([process.execPath, resolve(import.meta.dirname, 'echo-peer.ts'), ...addresses]);
    this.#lines = createInterface({ input: child.stdout! });
    this.#input = child.stdin!;
    this.ready = once(this.#lines, 'line');
  }

  async ask(askings: readonly Asking[]): Promise<string[]> {
    const answer = once(this.#lines, 'line');
    this.#input.write(`${JSON.stringify(askings)}\n`);
    return JSON.parse((await answer)[0] as string) as string[];
  }
}

let lab: NodeLab;
const nodes = new Map<NodeName, LabNode>();
/** By the name of a pod, of a node, or `outside`. */
const peers = new Map<string, Peer>();
const outside = () => peers.get('outside')!.space;

beforeAll(async () => {
  lab = new NodeLab('trace', 1);
  for (const name of nodeNames) nodes.set(name, await lab.addNode({ name, number: nodeNumbers[name], segment: 1 }));
  for (const [name, node] of nodes) {
    await until(() => node.space.run('ip -6 route show proto 80') !== '', `routes of ${name}`);
    node.space.run('sysctl -qw net.ipv4.conf.all.route_localnet=1');
    peers.set(name, new Peer(node.space, node.ips));
    for (let n = 0; n < podsPerNode; n += 1) {
      const { space, ips } = node.addPod(`${name}${n}`);
      peers.set(`${name}${n}`, new Peer(space, ips));
    }
  }
  const space = lab.namespace('outside');
  lab.router.run(`ip link add to-outside type veth peer name eth0 netns ${space.name}`);
  lab.router.run('ip link set to-outside master seg1 up');
  space.run('ip link set eth0 up');
  const own = families.flatMap((family) => [0, 1, 2].map((n) => outsideAddress(n, family)));
  for (const ip of own) space.run(`ip addr add ${ip}/${ip.includes(':') ? '64 nodad' : 24} dev eth0`);
  peers.set('outside', new Peer(space, own));
  // There is none to pods.
  for (const range of [...serviceCIDRs, '198.51.100.0/24', '2001:db8:51::/64']) {
    space.run(`ip route add ${range} via ${nodeAddress('a', range.includes(':') ? 'IPv6' : 'IPv4')}`);
  }
  for (const each of [...peers.values()].map(({ space: one }) => one)) {
    const unlimited = ['net.ipv4.icmp_ratelimit=0', 'net.ipv4.icmp_ratemask=0', 'net.ipv6.icmp.ratelimit=0'];
    // What one cluster's nodes say about routes is not to be remembered in the next.
    const forgetful = ['ipv4', 'ipv6'].flatMap((ip) =>
      ['all', 'eth0'].map((on) => `net.${ip}.conf.${on}.accept_redirects=0`),
    );
    for (const setting of [...unlimited, ...forgetful]) each.run(`sysctl -qw ${setting}`);
  }
  await Promise.all([...peers.values()].map(({ ready }) => ready));
});
afterAll(() => lab?.close());

/** Every node's rules, and whose the addresses of load balancers are. */
function load({ objects, services }: Cluster, settings: ProxySettings): void {
  const { mode } = settings;
  for (const [name, { space }] of nodes) {
    for (const line of space.run('nft list tables').trim().split('\n')) {
      if (line !== 'table inet portico-podnetwork') space.run(`nft delete ${line}`);
    }
    for (const { plans, config } of plansOf({ objects, nodeName: name, settings, families })) {
      const ruleset = rulesetOf(mode, plans, config);
      for (const table of [...(ruleset.nftables ?? []), ...policyTablesOfNodes(objects)(name, config.family)]) {
        space.run('nft -f -', renderNftables(table));
      }
      const restore = config.family === 'IPv4' ? 'iptables-restore' : 'ip6tables-restore';
      if (ruleset.iptables) space.run(restore, ruleset.iptables.map(renderIptables).join(''));
    }
    for (const protocol of [4, 6]) {
      const shown = space.run(`ip -${protocol} -o addr show dev eth0`);
      for (const [, address] of shown.matchAll(/ (\S+\/(?:32|128)) /g)) space.run(`ip addr del ${address} dev eth0`);
    }
    space.run('conntrack -F');
  }
  const balancers = services.flatMap(({ metadata, status }) =>
    (status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => [
      ip,
      metadata.annotations?.['portico.dev/announced-by'],
    ]),
  );
  for (const [ip = ''] of balancers) {
    // Of two that announce one address, the later counts, as in the trace.
    const announcer = balancers.findLast(([one, by]) => one === ip && by !== undefined)?.[1] as NodeName | undefined;
    const six = ip.includes(':');
    if (announcer)
      nodes
        .get(announcer)!
        .space.run(
          `ip addr replace ${ip}/${six ? 128 : 32} dev eth0 valid_lft 3600 preferred_lft 0${six ? ' nodad' : ''}`,
        );
    outside().run(`ip route replace ${ip} via ${nodeAddress(announcer ?? 'a', six ? 'IPv6' : 'IPv4')}`);
  }
}

const peerOf = ({ from }: Question): string =>
  from.kind === 'external' ? 'outside' : from.name.endsWith('-host') ? from.name[0]! : from.name;

interface Predicted {
  readonly question: Question;
  readonly trace: Trace;
}

/** What the sender may see, by the trace. */
function seen({ outcomes }: Trace): Set<string> {
  return new Set(
    outcomes.map(({ result, destination, source, isUnanswered }) => {
      if (result === 'dropped' || isUnanswered) return 'silence';
      // Beyond the edge only these servers listen.
      if (
        result === 'leaves the cluster' &&
        !families.some((f) => [8080, 8081].some((port) => destination === joinHostPort(outsideAddress(2, f), port)))
      )
        return 'nobody';
      if (result === 'refused') return 'refused';
      return `${destination} from ${source}`;
    }),
  );
}

const hasWay = ({ from, to }: Question): boolean =>
  from.kind !== 'external' || !/^(10\.244\.|fd00:10:244:)/.test(to.host);

async function observe(predicted: readonly Predicted[]): Promise<string[]> {
  const answers = new Map<Predicted, string>();
  await Promise.all(
    [...peers].map(async ([name, peer]) => {
      const own = predicted.filter(({ question }) => peerOf(question) === name);
      const found = await peer.ask(
        own.map(({ question: { from, to }, trace }) => ({
          ...{ protocol: to.protocol, host: to.host, port: to.port },
          ...(from.kind === 'external' && from.address && { source: from.address }),
          isAwaited: !seen(trace).has('silence') && !seen(trace).has('nobody'),
        })),
      );
      own.forEach((one, i) => {
        answers.set(one, found[i]!);
      });
    }),
  );
  return predicted.map((one) => answers.get(one)!);
}

/** What a process of the node, or of the pod itself, would do, it does where it listens. */
function isAsTraced({ question: { to }, trace }: Predicted, observed: string): boolean {
  const may = seen(trace);
  if (may.has(observed)) return true;
  const isAnswer = observed.includes(' from ');
  if (may.has('nobody') || trace.cause?.field === 'spec.podCIDRs') return !isAnswer;
  const isUntranslated =
    trace.service === undefined && trace.outcomes.some(({ note }) => note?.includes('listens there'));
  return isUntranslated && to.port !== 8080 && observed === 'refused';
}

async function compare(cluster: Cluster, settings: ProxySettings): Promise<void> {
  load(cluster, settings);
  const predicted = questionsOf(cluster)
    .filter(hasWay)
    .map((question) => ({
      question,
      trace: tracePacket({
        ...question,
        objects: cluster.objects,
        settings,
        clusterDomain: 'cluster.local',
        entryNode: 'a',
      }),
    }));
  const observed = await observe(predicted);
  predicted.forEach((one, i) => {
    if (isAsTraced(one, observed[i]!)) return;
    throw new Error(`the kernel says ${observed[i]}, where\n${traceText(one.trace, { isInFull: true })}`);
  });
}

describe.each<'nftables' | 'iptables'>(['nftables', 'iptables'])('under the rules of mode %s', (mode) => {
  test('packets go where the trace says', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryCluster, arbitrarySettings, (cluster, settings) =>
        compare(cluster, { ...settings, mode }),
      ),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 4), endOnFailure: true },
    );
  });
});
