// The packet lab (../shared/proxy-lab) without a kernel: every probe of every case through the simulator, under the rules
// of each mode, against what packets really did under kube-proxy v1.36.2's rules.
import { describe, expect, test } from 'vitest';
import type { Service } from '../../src/api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../src/api/discovery/v1/types.generated.ts';
import type { Memory, NodeNetwork, Outcome, Packet } from '../../src/netfilter/packet.ts';
import { PacketSimulator } from '../../src/netfilter/simulator.ts';
import { stepText } from '../../src/netfilter/text.ts';
import { plansOf } from '../../src/proxy/offline.ts';
import { rulesetOf } from '../../src/proxy/ruleset.ts';
import type { ProxyMode } from '../../src/proxy/settings.ts';
import { ipvsDifferences } from './ipvs-differences.ts';
import { cases, labText, objectsOf } from './proxy-cases.ts';

const family = (ip: string) => (ip.includes(':') ? 'IPv6' : 'IPv4');

/** The lab's node and what it is connected to: see lab.py. */
const places = {
  IPv4: { pod: '10.244.1.250', ext: '172.18.0.100', node: '172.18.0.2', bridge: '10.244.1.249', all: '0.0.0.0/0' },
  IPv6: {
    pod: 'fd00:10:244:1::fa',
    ext: 'fd00:172:18::100',
    node: 'fd00:172:18::2',
    bridge: 'fd00:10:244:1::f9',
    all: '::/0',
  },
} as const;

function networkOf(endpoints: readonly string[]): NodeNetwork {
  const { IPv4, IPv6 } = places;
  return {
    devices: [
      { name: 'ext', addresses: [IPv4.node, IPv6.node] },
      { name: 'pod', addresses: [IPv4.bridge, IPv6.bridge] },
    ],
    routes: [
      ...endpoints.map((ip) => ({ destination: `${ip}/${ip.includes(':') ? 128 : 32}`, device: `to ${ip}` })),
      { destination: '10.244.1.248/30', device: 'pod' },
      { destination: 'fd00:10:244:1::f8/126', device: 'pod' },
      { destination: IPv4.all, device: 'ext', via: IPv4.ext },
      { destination: IPv6.all, device: 'ext', via: IPv6.ext },
    ],
    routeLocalnet: true,
  };
}

class Lab {
  readonly #simulators: Readonly<Record<'IPv4' | 'IPv6', PacketSimulator>>;
  readonly #sticky: ReadonlySet<string>;
  readonly #services: readonly Service[];

  constructor(name: string, mode: ProxyMode) {
    const objects = objectsOf(name);
    const slices = objects.filter((object) => object.kind === 'EndpointSlice') as EndpointSlice[];
    const endpoints = slices.flatMap((slice) => (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses));
    const request = {
      objects: [...objectsOf('_cluster'), ...objects],
      nodeName: 'node-a',
      settings: {
        mode,
        clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'],
        serviceCIDRs: ['10.96.0.0/16', 'fd00:96::/112'],
        nodePortAddresses: [],
      },
      families: ['IPv4', 'IPv6'],
    } as const;
    const [four, six] = plansOf(request).map(
      ({ plans, config }) =>
        new PacketSimulator({ ruleset: rulesetOf(mode, plans, config), network: networkOf(endpoints) }),
    );
    this.#simulators = { IPv4: four!, IPv6: six! };
    this.#services = objects.filter((object) => object.kind === 'Service') as Service[];
    const sticky = this.#services.filter((service) => service.spec?.sessionAffinity === 'ClientIP');
    this.#sticky = new Set(sticky.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
  }

  /** What the lab would record for a probe, by its name. */
  outcome(probe: string): { readonly seen: readonly string[]; readonly why: string } {
    const many = /^16 clients, 5 times each -> (\S+) cluster-ip$/.exec(probe);
    if (many) return { seen: [this.#keeping(many[1]!)], why: '' };
    const [, who = '', own, service = '', address = '', port, protocol = ''] =
      /^(?:(pod|node|ext)|endpoint (\S+)) -> (\S+) \S+ (\S+):(\d+)\/(\S+)$/.exec(probe)!;
    const source = own ?? (who === 'node' ? undefined : places[family(address)][who as 'pod' | 'ext']);
    const packet: Packet = {
      protocol: protocol.toLowerCase() as Packet['protocol'],
      destination: { address, port: Number(port) },
      ...(source && { source: { address: source, port: 40000 }, inInterface: own ? `to ${own}` : who }),
    };
    const outcomes = this.#simulators[family(address)].send(packet);
    const why = outcomes.map(({ steps, verdict }) => [verdict.kind, ...steps.map(stepText)].join('\n  ')).join('\n');
    const even = outcomes.every(({ probability }) => Math.abs(probability * outcomes.length - 1) < 1e-6);
    if (!even) throw new Error(`${probe}: uneven\n${why}`);
    const seen = [...new Set(outcomes.map((outcome) => seenBy(packet, outcome)))].sort();
    if (!this.#sticky.has(service) || seen.some((what) => what === 'refused' || what === 'timeout'))
      return { seen, why };
    const counts = outcomes.map((outcome) => this.#kept(packet, outcome).length);
    return { seen: [`${Math.max(...counts)} endpoint`], why };
  }

  /** What the client sees from the second time on. */
  #kept(packet: Packet, { remembers }: Outcome): string[] {
    const memory: Memory = new Map(remembers.map(({ list, address }) => [list, new Set([address])]));
    const later = this.#simulators[family(packet.destination.address)].send(packet, memory);
    return [...new Set(later.map((outcome) => seenBy(packet, outcome)))];
  }

  #keeping(service: string): string {
    const { spec } = this.#services.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === service)!;
    const address = spec!.clusterIP!;
    const packet: Packet = {
      protocol: 'tcp',
      source: { address: '172.18.0.101', port: 40000 },
      destination: { address, port: spec!.ports![0]!.port },
      inInterface: 'ext',
    };
    const outcomes = this.#simulators[family(address)].send(packet);
    const isKept = outcomes.every((outcome) => this.#kept(packet, outcome).join() === seenBy(packet, outcome));
    const kept = isKept ? 'each is kept by one endpoint' : 'some client is not kept';
    return `${kept}, ${outcomes.length > 1 ? 'not all' : 'and all'} by the same`;
  }
}

/** Who answers and as whom the client is seen, or how it is refused, in the lab's words. */
function seenBy(packet: Packet, { verdict, destination, masqueraded, translated }: Outcome): string {
  switch (verdict.kind) {
    case 'drop':
      return 'timeout';
    // The lab's node itself listens nowhere.
    case 'local':
    case 'reject':
      return 'refused';
    case 'sent':
      if (translated) {
        const isNode = masqueraded || packet.source === undefined;
        return `${destination.address} ${destination.port} from ${isNode ? 'node' : 'client'}`;
      }
      // What no rule is for goes to the lab's outside, which sends it back, until its hops are used up and it is refused;
      // save that nobody takes a packet with the own address as its source from elsewhere.
      return verdict.via !== undefined && packet.inInterface !== 'ext' && packet.source ? 'refused' : 'timeout';
    default:
      return verdict.kind;
  }
}

interface Recorded {
  readonly nftables: Readonly<Record<string, readonly string[]>>;
  readonly iptables: Readonly<Record<string, readonly string[]>>;
}

describe.skipIf(cases.length === 0).each<ProxyMode>(['nftables', 'iptables', 'ipvs'])('packet lab, %s', (mode) => {
  test.each(cases)('%s', (name) => {
    const recorded = JSON.parse(labText('outcomes', `${name}.json`)) as Recorded;
    const simulated = new Lab(name, mode);
    const known: Readonly<Record<string, readonly string[]>> =
      mode === 'ipvs' ? Object.assign({}, ...ipvsDifferences.map(({ probes }) => probes)) : {};
    for (const [probe, outcome] of Object.entries(recorded[mode === 'nftables' ? 'nftables' : 'iptables'])) {
      const { seen, why } = simulated.outcome(probe);
      expect.soft(seen, `${probe}\n${why}`).toEqual(known[probe] ?? outcome);
    }
  });
});
