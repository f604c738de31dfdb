import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Namespace, Pod } from '../api/core/v1/types.generated.ts';
import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '../api/networking/v1/types.generated.ts';
import type { LabelSelector } from '../apimachinery/meta/v1.generated.ts';
import { type IPFamily, parseIP } from '../net/ip.ts';
import { PacketSimulator } from '../netfilter/simulator.ts';
import { applyTransaction } from '../nftables/fake.ts';
import { renderTable } from '../nftables/render.ts';
import type { Table } from '../nftables/ruleset.ts';
import { diff } from '../nftables/transaction.ts';
import { deniedBy } from './denied-by.ts';
import { type PolicyObjects, planPolicies } from './plan.ts';
import { addressText, disjoint, rangesOf, union } from './ranges.ts';
import { policyTable } from './render.ts';

const spaces = ['red', 'blue'];
const colours = ['x', 'y'];
const labels = fc.record({ app: fc.constantFrom(...colours) });
const selector: fc.Arbitrary<LabelSelector> = fc.oneof<fc.Arbitrary<LabelSelector>[]>(
  fc.constant({}),
  labels.map((matchLabels) => ({ matchLabels })),
  fc.constant({ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['x'] }] }),
);
/** Six pods of each family, on two nodes and in two namespaces. */
const numbers = [1, 2, 3, 4, 5, 6];
const pods: fc.Arbitrary<Pod[]> = fc.tuple(
  ...numbers.map((n) =>
    fc.record({ space: fc.constantFrom(...spaces), labels, web: fc.constantFrom(80, 81, 90) }).map(
      ({ space, labels: own, web }): Pod => ({
        metadata: { name: `pod-${n}`, namespace: space, labels: own },
        spec: {
          nodeName: n <= 4 ? 'node-1' : 'node-2',
          containers: [{ name: 'c', image: 'i', ports: [{ name: 'web', containerPort: web }] }],
        },
        status: { podIPs: [{ ip: `10.244.${n <= 4 ? 1 : 2}.${n}` }, { ip: `fd00:${n <= 4 ? 1 : 2}::${n}` }] },
      }),
    ),
  ),
);
const ipBlock = fc.constantFrom<IPBlock[]>(
  { cidr: '0.0.0.0/0' },
  { cidr: '::/0', except: ['fd00:1::/64'] },
  { cidr: '10.244.0.0/16', except: ['10.244.1.0/30', '10.244.2.5/32'] },
  { cidr: '192.0.2.0/24' },
  { cidr: '192.0.2.128/25', except: ['192.0.2.128/25'] },
  { cidr: 'fd00::/8', except: ['fd00:2::4/126', 'fd00:1::2/127'] },
);
const peer: fc.Arbitrary<NetworkPolicyPeer> = fc.oneof(
  selector.map((podSelector) => ({ podSelector })),
  selector.map((namespaceSelector) => ({ namespaceSelector })),
  fc.record({ podSelector: selector, namespaceSelector: selector }),
  ipBlock.map((block) => ({ ipBlock: block })),
);
const protocol = fc.constantFrom('TCP', 'UDP', 'SCTP');
const port: fc.Arbitrary<NetworkPolicyPort> = fc.oneof(
  fc.record({ protocol }),
  fc.constant({ port: 'web' }),
  fc.record({ protocol, port: fc.constantFrom(80, 81, 90) }),
  fc.record({ protocol, port: fc.constantFrom(79, 80, 85), endPort: fc.constantFrom(85, 90) }),
);
const rule = fc.record({ peers: fc.array(peer, { maxLength: 3 }), ports: fc.array(port, { maxLength: 3 }) });
const policies: fc.Arbitrary<NetworkPolicy[]> = fc
  .array(
    fc.record({
      namespace: fc.constantFrom(...spaces),
      podSelector: selector,
      types: fc.constantFrom<(string[] | undefined)[]>(undefined, ['Ingress'], ['Egress'], ['Ingress', 'Egress']),
      ingress: fc.array(rule, { maxLength: 2 }),
      egress: fc.array(rule, { maxLength: 2 }),
    }),
    { maxLength: 4 },
  )
  .map((all) =>
    all.map(({ namespace, podSelector, types, ingress, egress }, i) => ({
      metadata: { name: `policy-${i}`, namespace },
      spec: {
        podSelector,
        ...(types && { policyTypes: types }),
        ingress: ingress.map(({ peers, ports }) => ({ from: peers, ports })),
        egress: egress.map(({ peers, ports }) => ({ to: peers, ports })),
      },
    })),
  );
const namespaces: Namespace[] = spaces.map((name, i) => ({
  metadata: { name, labels: { app: colours[i] ?? '' } },
  spec: {},
}));
const objects: fc.Arbitrary<PolicyObjects> = fc.record({ pods, policies, namespaces: fc.constant(namespaces) });

const addresses: Record<IPFamily, readonly string[]> = {
  IPv4: [...numbers.map((n) => `10.244.${n <= 4 ? 1 : 2}.${n}`), '192.0.2.7', '192.0.2.130', '203.0.113.1'],
  IPv6: [...numbers.map((n) => `fd00:${n <= 4 ? 1 : 2}::${n}`), '2001:db8::1'],
};

function simulatorOf(table: Table | undefined, family: IPFamily): PacketSimulator {
  const [own, others] = family === 'IPv4' ? ['10.244.1.0/24', '0.0.0.0/0'] : ['fd00:1::/64', '::/0'];
  return new PacketSimulator({
    ruleset: { nftables: table ? [table] : [] },
    network: {
      devices: [{ name: 'eth0', addresses: [family === 'IPv4' ? '172.30.0.11' : 'fd00:172::11'] }],
      routes: [
        { destination: own, device: 'cni0' },
        { destination: others, device: 'eth0' },
      ],
    },
  });
}

describe('the rules', () => {
  test.each(['IPv4', 'IPv6'] as const)('do to packets what the plan says, %s', (family) => {
    const address = fc.constantFrom(...addresses[family]);
    const packet = fc.record({
      source: address,
      destination: address,
      protocol: fc.constantFrom('TCP', 'UDP', 'SCTP'),
      port: fc.constantFrom(1, 79, 80, 81, 85, 86, 90, 91),
    });
    fc.assert(
      fc.property(objects, fc.array(packet, { minLength: 20, maxLength: 20 }), (world, packets) => {
        const plan = planPolicies(world, 'node-1');
        const simulator = simulatorOf(policyTable(plan, family), family);
        for (const one of packets) {
          const [outcome] = simulator.send({
            protocol: one.protocol.toLowerCase() as 'tcp' | 'udp' | 'sctp',
            source: { address: one.source, port: 40_000 },
            destination: { address: one.destination, port: one.port },
            inInterface: one.source.startsWith(family === 'IPv4' ? '10.244.1.' : 'fd00:1:') ? 'cni0' : 'eth0',
          });
          const planned = deniedBy(plan, one) ? 'drop' : 'sent';
          expect({ ...one, verdict: outcome?.verdict.kind }).toEqual({ ...one, verdict: planned });
        }
      }),
      { numRuns: 150 },
    );
  });

  test('a change becomes elements, and is taken as the kernel takes it', () => {
    fc.assert(
      fc.property(objects, objects, (before, after) => {
        const [from, to] = [before, after].map((world) => policyTable(planPolicies(world, 'node-1'), 'IPv4'));
        const transaction = diff(from, to);
        const result = transaction ? applyTransaction(from, transaction) : from;
        expect(result && renderTable(sorted(result))).toEqual(to && renderTable(sorted(to)));
      }),
      { numRuns: 100 },
    );
  });

  test('one more peer is one more element, and no rule', () => {
    const pod = (name: string, ip: string, node: string): Pod => ({
      metadata: { name, namespace: 'red' },
      spec: { nodeName: node, containers: [{ name: 'c', image: 'i' }] },
      status: { podIPs: [{ ip }] },
    });
    const policy: NetworkPolicy = {
      metadata: { name: 'friends', namespace: 'red' },
      spec: { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] },
    };
    const first = [pod('a', '10.244.1.1', 'node-1')];
    const tableOf = (all: Pod[]) =>
      policyTable(planPolicies({ pods: all, namespaces, policies: [policy] }, 'node-1'), 'IPv4');
    const change = diff(tableOf(first), tableOf([...first, pod('b', '10.244.2.1', 'node-2')]));
    expect(change?.operations).toEqual([
      { op: 'add-elements', set: expect.stringMatching(/^ingress-.*-peers$/), elements: [['10.244.2.1', '']] },
    ]);
  });

  test('established connections, and the node’s own, are let through', () => {
    const world: PolicyObjects = {
      namespaces,
      pods: [
        {
          metadata: { name: 'a', namespace: 'red' },
          spec: { nodeName: 'node-1', containers: [] },
          status: { podIPs: [{ ip: '10.244.1.1' }] },
        },
      ],
      policies: [
        { metadata: { name: 'none', namespace: 'red' }, spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] } },
      ],
    };
    const table = policyTable(planPolicies(world, 'node-1'), 'IPv4');
    const simulator = simulatorOf(table, 'IPv4');
    const destination = { address: '10.244.1.1', port: 80 };
    const outside = {
      protocol: 'tcp',
      source: { address: '192.0.2.7', port: 9 },
      destination,
      inInterface: 'eth0',
    } as const;
    const kind = (packet: Parameters<PacketSimulator['send']>[0]) => simulator.send(packet)[0]?.verdict.kind;
    expect(kind(outside)).toBe('drop');
    expect(kind({ ...outside, connection: { state: 'established' } })).toBe('sent');
    expect(kind({ protocol: 'tcp', destination })).toBe('sent');
    const toNode = { address: '172.30.0.11', port: 53 };
    expect(kind({ protocol: 'udp', source: destination, destination: toNode, inInterface: 'cni0' })).toBe('local');
    const dropping = simulator.send(outside)[0]?.steps.at(-1)?.decision;
    expect(dropping).toMatchObject({ by: 'nftables', rule: { comment: 'red/none' } });
    expect(policyTable(planPolicies({ ...world, policies: [] }, 'node-1'), 'IPv4')).toBeUndefined();
    expect(policyTable(planPolicies(world, 'node-1'), 'IPv6')).toBeUndefined();
  });
});

/** Sets and chains by name: in which order they came does not matter. */
function sorted(table: Table): Table {
  const byName = <T>(things: ReadonlyMap<string, T>) => new Map([...things].sort(([a], [b]) => (a < b ? -1 : 1)));
  const sets = [...byName(table.sets)].map(
    ([name, set]) => [name, { ...set, elements: byName(set.elements) }] as const,
  );
  return { ...table, sets: new Map(sets), chains: byName(table.chains) };
}

describe('ranges', () => {
  const range = (max: number) =>
    fc.tuple(fc.nat(max), fc.nat(max)).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
  const has = (ranges: readonly { from: number; to: number }[], n: number) =>
    ranges.some(({ from, to }) => from <= n && n <= to);

  test('a union holds the same numbers in ranges with gaps between them', () => {
    fc.assert(
      fc.property(fc.array(range(30), { maxLength: 8 }), (ranges) => {
        const merged = union(ranges);
        for (let n = 0; n <= 31; n += 1) expect(has(merged, n)).toBe(has(ranges, n));
        for (const [i, { from }] of merged.entries()) expect(from > (merged[i - 1]?.to ?? -2) + 1).toBe(true);
      }),
    );
  });

  test('disjoint boxes hold the same points, each in one box', () => {
    const box = fc.record({ at: range(12), ports: range(6) });
    fc.assert(
      fc.property(fc.array(box, { maxLength: 6 }), (boxes) => {
        const result = disjoint(
          boxes.map(({ at, ports }) => ({
            addresses: { from: BigInt(at.from), to: BigInt(at.to) },
            ports: union([ports]),
          })),
        );
        for (let address = 0; address <= 13; address += 1) {
          for (let n = 0; n <= 7; n += 1) {
            const wanted = boxes.some(({ at, ports }) => has([at], address) && has([ports], n));
            const found = result.filter(
              ({ addresses: { from, to }, ports }) => from <= address && BigInt(address) <= to && has(ports, n),
            );
            expect(found).toHaveLength(wanted ? 1 : 0);
          }
        }
      }),
    );
  });

  test('blocks lose their exceptions', () => {
    const cidr = (text: string) => {
      const [address = '', length = ''] = text.split('/');
      return { family: 'IPv4' as const, base: parseIP(address)?.value ?? 0n, prefixLength: Number(length) };
    };
    const texts = (whole: string, ...except: string[]) =>
      rangesOf({ cidr: cidr(whole), except: except.map(cidr) }).map((r) => addressText(r, 'IPv4'));
    expect(texts('10.0.0.0/8')).toEqual(['10.0.0.0/8']);
    expect(texts('10.0.0.0/24', '10.0.0.0/25')).toEqual(['10.0.0.128/25']);
    expect(texts('10.0.0.0/24', '10.0.0.255/32', '10.0.0.16/28')).toEqual(['10.0.0.0/28', '10.0.0.32-10.0.0.254']);
    expect(texts('10.0.0.0/24', '10.0.0.0/24')).toEqual([]);
  });
});
