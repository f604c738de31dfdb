// The packet simulator against the real kernel: random Services, their rules loaded into a namespace, packets sent into it
// from pods, from outside and from the node itself. Who got them, and under which source, is read from conntrack.
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { renderTable as renderIptables } from '../../src/iptables/render.ts';
import { joinHostPort } from '../../src/net/ip.ts';
import type { Memory, Outcome } from '../../src/netfilter/packet.ts';
import { PacketSimulator } from '../../src/netfilter/simulator.ts';
import { stepText } from '../../src/netfilter/text.ts';
import { renderTable as renderNftables } from '../../src/nftables/render.ts';
import {
  addresses,
  arbitraryWorld,
  networkOf,
  outsideDevice,
  type Probe,
  podDevice,
  probesOf,
  type World,
  worldConfig,
  worldPlans,
} from '../../src/proxy/fixtures/world.ts';
import { rulesetOf } from '../../src/proxy/ruleset.ts';
import { TestNamespace } from './netns.ts';
import type { Sending } from './packet-sender.ts';

const { IPv4, IPv6 } = addresses;

/** A namespace that sends packets. */
class PacketSender {
  readonly space: TestNamespace;
  #lines: Interface | undefined;
  #input: NodeJS.WritableStream | undefined;

  constructor(space: TestNamespace) {
    this.space = space;
  }

  start(): void {
    const child = this.space.start([process.execPath, resolve(import.meta.dirname, 'packet-sender.ts')]);
    this.#lines = createInterface({ input: child.stdout! });
    this.#input = child.stdin!;
  }

  /** Which of them were refused; `refusing` is an address at which port 9 is closed. */
  async send(sendings: readonly Sending[], refusing: string): Promise<boolean[]> {
    const answer = once(this.#lines!, 'line');
    this.#input!.write(`${JSON.stringify({ sendings, refusing })}\n`);
    return JSON.parse((await answer)[0] as string) as boolean[];
  }
}

let node: PacketSender;
let pods: PacketSender;
let outside: PacketSender;

beforeAll(() => {
  [node, pods, outside] = ['node', 'pods', 'outside'].map((name) => new PacketSender(new TestNamespace(name))) as [
    PacketSender,
    PacketSender,
    PacketSender,
  ];
  for (const { space } of [node, pods, outside]) {
    for (const setting of [
      'net.ipv4.icmp_ratemask=0',
      'net.ipv4.icmp_ratelimit=0',
      'net.ipv6.icmp.ratelimit=0',
      'net.ipv6.icmp.ratemask=254',
      'net.ipv4.conf.all.rp_filter=0',
      'net.ipv4.conf.default.rp_filter=0',
      'net.ipv6.conf.default.accept_dad=0',
    ]) {
      space.run(`sysctl -qw ${setting}`);
    }
  }
  for (const setting of [
    'net.ipv4.ip_forward=1',
    'net.ipv6.conf.all.forwarding=1',
    'net.ipv4.conf.all.route_localnet=1',
    // What was sent is still known when a busy machine comes to look.
    ...['udp_timeout', 'udp_timeout_stream', 'tcp_timeout_syn_sent', 'tcp_timeout_syn_recv'].map(
      (of) => `net.netfilter.nf_conntrack_${of}=3600`,
    ),
  ]) {
    node.space.run(`sysctl -qw ${setting}`);
  }
  // In the order of networkOf: where the kernel needs any address of the node, it takes that of the first device.
  connect(outsideDevice, outside.space, {
    own: [IPv4.node, IPv6.node],
    theirs: [0, 1].flatMap((n) => [IPv4.outside(n), IPv6.outside(n)]),
  });
  connect(podDevice, pods.space, {
    own: [IPv4.bridge, IPv6.bridge],
    theirs: [...numbers(1, 9), 100].flatMap((n) => [IPv4.pod(n), IPv6.pod(n)]),
  });
  for (const { via, space } of [
    { via: [IPv4.outside(0), IPv6.outside(0)], space: node.space },
    { via: [IPv4.bridge, IPv6.bridge], space: pods.space },
    { via: [IPv4.node, IPv6.node], space: outside.space },
  ]) {
    for (const gateway of via) space.run(`ip route add default via ${gateway}`);
  }
  for (const sender of [node, pods, outside]) sender.start();
});
afterAll(() => {
  for (const sender of [node, pods, outside]) sender?.space.close();
});

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

interface Ends {
  readonly own: readonly string[];
  readonly theirs: readonly string[];
}

/** A link between the node's device and another namespace. */
function connect(device: string, peer: TestNamespace, { own, theirs }: Ends): void {
  node.space.run(`ip link add ${device} type veth peer name eth0 netns ${peer.name}`);
  for (const { space, name, list } of [
    { space: node.space, name: device, list: own },
    { space: peer, name: 'eth0', list: theirs },
  ]) {
    for (const address of list) {
      space.run(`ip addr add ${address}/${address.includes(':') ? '64 nodad' : '24'} dev ${name}`);
    }
    space.run(`ip link set ${name} up`);
  }
}

/** Without resets, as they make conntrack forget connections; nobody listens in the namespaces. */
const noResets = ['prerouting', 'output']
  .map(
    (hook) =>
      `table inet no-resets { chain ${hook} { type filter hook ${hook} priority -300; tcp flags rst drop; }; };`,
  )
  .join('\n');

type Mode = 'nftables' | 'iptables';

function load(world: World, mode: Mode): PacketSimulator {
  const ruleset = rulesetOf(mode, worldPlans(world), worldConfig(world, mode));
  node.space.run('nft flush ruleset');
  node.space.run('nft -f -', noResets);
  for (const table of ruleset.nftables ?? []) node.space.run('nft -f -', renderNftables(table));
  if (ruleset.iptables) {
    const program = world.family === 'IPv4' ? 'iptables-restore' : 'ip6tables-restore';
    node.space.run(program, ruleset.iptables.map(renderIptables).join(''));
  }
  return new PacketSimulator({ ruleset, network: networkOf(world) });
}

/** What becomes of a packet, as conntrack shows it. What the node sends to itself has left before its input refuses it. */
function fateOf({ packet }: Probe, { verdict, source, destination, steps }: Outcome): string {
  const isThrough = verdict.kind === 'sent' || verdict.kind === 'local';
  const hasLeft = packet.inInterface === undefined && steps.at(-1)?.hook === 'input';
  if (!isThrough && !hasLeft) return verdict.kind;
  return `${joinHostPort(destination.address, destination.port)} from ${source.address}`;
}

/** The fates of the packets that got through, by sender, protocol and destination. */
function tracked(world: World): Map<string, Set<string>> {
  const own = networkOf(world).devices.flatMap((device) => device.addresses);
  const entries = new Map<string, Set<string>>();
  const listing = node.space.run(`conntrack -L -f ${world.family.toLowerCase()}`);
  for (const line of listing.split('\n')) {
    const values = [...line.matchAll(/(src|dst|sport|dport)=(\S+)/g)].map((match) => match[2]!);
    const [source, destination, , port, answering, answered, answeringPort] = values;
    if (!source || !destination || !answeringPort) continue;
    const who = own.includes(source) || source === addresses[world.family].loopback ? 'node' : source;
    const key = `${line.split(' ')[0]} ${who} ${destination} ${port}`;
    const fates = entries.get(key) ?? new Set();
    entries.set(key, fates.add(`${joinHostPort(answering!, Number(answeringPort))} from ${answered}`));
  }
  return entries;
}

function keyOf({ packet: { protocol, source, destination } }: Probe): string {
  return `${protocol} ${source?.address ?? 'node'} ${destination.address} ${destination.port}`;
}

function senderOf({ packet: { inInterface } }: Probe): PacketSender {
  return inInterface === undefined ? node : inInterface === podDevice ? pods : outside;
}

const isRefusal = (outcomes: readonly Outcome[]) => outcomes.every(({ verdict }) => verdict.kind === 'reject');

/** Several first packets of each probe, so that the dice show more than one side. */
const times = 3;

interface Predicted {
  readonly probe: Probe;
  readonly outcomes: readonly Outcome[];
}

/** Sends the probes that are a sender's own; gives for each whether all its packets were refused. */
async function ask(sender: PacketSender, own: readonly Predicted[], refusing: string): Promise<boolean[]> {
  const sendings = own.flatMap(({ probe: { packet }, outcomes }) => {
    const sending: Sending = {
      protocol: packet.protocol as Sending['protocol'],
      ...(packet.source && { source: packet.source.address }),
      destination: packet.destination.address,
      port: packet.destination.port,
      refusal: isRefusal(outcomes),
    };
    return Array<Sending>(times).fill(sending);
  });
  const results = await sender.send(sendings, refusing);
  return own.map((_, i) => results.slice(i * times, (i + 1) * times).every(Boolean));
}

/** What the kernel does with the probes, by their keys. */
async function observe(world: World, predicted: readonly Predicted[]): Promise<Map<string, ReadonlySet<string>>> {
  node.space.run('conntrack -F');
  const refused = new Map<string, boolean>();
  const all = [node, pods, outside].map(async (sender) => {
    const own = predicted.filter(({ probe }) => senderOf(probe) === sender);
    const results = await ask(sender, own, addresses[world.family].node);
    own.forEach(({ probe }, i) => {
      refused.set(keyOf(probe), results[i]!);
    });
  });
  await Promise.all(all);
  const through = tracked(world);
  return new Map(
    predicted.map(({ probe, outcomes }) => {
      const key = keyOf(probe);
      const fates = through.get(key) ?? new Set([refused.get(key) ? 'reject' : 'drop']);
      return [key, isRefusal(outcomes) && !refused.get(key) ? new Set([...fates, 'no refusal']) : fates];
    }),
  );
}

function check(predicted: readonly Predicted[], observed: ReadonlyMap<string, ReadonlySet<string>>): void {
  for (const { probe, outcomes } of predicted) {
    const fates = new Set(outcomes.map((outcome) => fateOf(probe, outcome)));
    const wrong = [...observed.get(keyOf(probe))!].filter((fate) => !fates.has(fate));
    if (wrong.length === 0) continue;
    const steps = outcomes.map((o) => [fateOf(probe, o), ...o.steps.map(stepText)].join('\n    ')).join('\n  ');
    throw new Error(`${probe.name}: the kernel says ${wrong.join(', ')}, the simulator\n  ${steps}`);
  }
}

/** Which clients the kernel keeps with which endpoints, after what was observed. */
function memoryOf(predicted: readonly Predicted[], observed: ReadonlyMap<string, ReadonlySet<string>>): Memory {
  const memory = new Map<string, Set<string>>();
  for (const { probe, outcomes } of predicted) {
    for (const outcome of outcomes.filter((candidate) => observed.get(keyOf(probe))!.has(fateOf(probe, candidate)))) {
      for (const { list, address } of outcome.remembers) {
        memory.set(list, (memory.get(list) ?? new Set()).add(address));
      }
    }
  }
  return memory;
}

async function compare(world: World, mode: Mode): Promise<void> {
  const simulator = load(world, mode);
  // Programs here have no SCTP; its rules are loaded all the same.
  const probes = probesOf(world).filter(({ packet }) => packet.protocol !== 'sctp');
  const first = probes.map((probe) => ({ probe, outcomes: simulator.send(probe.packet) }));
  const observed = await observe(world, first);
  check(first, observed);
  const memory = memoryOf(first, observed);
  const sticky = first.filter(({ outcomes }) => outcomes.some(({ remembers }) => remembers.length > 0));
  const second = sticky.map(({ probe }) => ({ probe, outcomes: simulator.send(probe.packet, memory) }));
  check(second, await observe(world, second));
}

describe.each<Mode>(['nftables', 'iptables'])('under the rules of mode %s', (mode) => {
  test('the kernel does what the simulator says', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryWorld, (world) => compare(world, mode)),
      { seed: 4, numRuns: 6, endOnFailure: true },
    );
  });
});
