// Whatever the objects, packets fare under the rules of every mode as the plans say.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinHostPort } from '../net/ip.ts';
import type { Memory, Outcome, Packet } from '../netfilter/packet.ts';
import { replyTo } from '../netfilter/reply.ts';
import { PacketSimulator } from '../netfilter/simulator.ts';
import { stepText } from '../netfilter/text.ts';
import { expectedFates, type Fates, type Situation } from './fixtures/expected.ts';
import {
  addresses,
  arbitraryWorld,
  networkOf,
  outsideDevice,
  podDevice,
  probesOf,
  type World,
  worldConfig,
  worldPlans,
} from './fixtures/world.ts';
import type { ServicePortPlan } from './plan.ts';
import { rulesetOf } from './ruleset.ts';
import type { ProxyMode } from './settings.ts';

function fateOf({ verdict, destination, masqueraded, translated }: Outcome): string {
  const source = masqueraded ? ' masqueraded' : '';
  switch (verdict.kind) {
    case 'sent':
    case 'local':
      return `${translated ? joinHostPort(destination.address, destination.port) : 'pass'}${source}`;
    default:
      return verdict.kind;
  }
}

function fatesOf(outcomes: readonly Outcome[]): Fates {
  const fates = new Map<string, number>();
  for (const outcome of outcomes) {
    const fate = fateOf(outcome);
    fates.set(fate, (fates.get(fate) ?? 0) + outcome.probability);
  }
  return fates;
}

const lines = (fates: Fates) => [...fates].map(([fate, probability]) => `${fate} ${probability.toFixed(6)}`).sort();

function simulated(world: World, mode: ProxyMode): { simulator: PacketSimulator; situation: Situation } {
  const plans = worldPlans(world);
  const config = worldConfig(world, mode);
  const network = networkOf(world);
  const ownAddresses = network.devices.flatMap((device) => device.addresses);
  return {
    simulator: new PacketSimulator({ ruleset: rulesetOf(mode, plans, config), network }),
    situation: { plans, config, mode, ownAddresses },
  };
}

const explained = (outcomes: readonly Outcome[]) =>
  outcomes.map((o) => [fateOf(o), ...o.steps.map((step) => `  ${stepText(step)}`)].join('\n')).join('\n');

describe.each<ProxyMode>(['nftables', 'iptables', 'ipvs'])('in mode %s', (mode) => {
  test('any packet fares as the plan says', () => {
    fc.assert(
      fc.property(arbitraryWorld, (world) => {
        const { simulator, situation } = simulated(world, mode);
        for (const { name, packet } of probesOf(world)) {
          const outcomes = simulator.send(packet);
          const fates = lines(fatesOf(outcomes));
          const wanted = lines(expectedFates(packet, situation));
          if (fates.join() !== wanted.join()) {
            throw new Error(`${name}: expected ${wanted.join(', ')}, saw ${fates.join(', ')}\n${explained(outcomes)}`);
          }
        }
      }),
      { seed: 4, numRuns: 40 },
    );
  });

  test('later packets go the same way, answers come back, and clients with affinity stay', () => {
    fc.assert(
      fc.property(arbitraryWorld, (world) => {
        const { simulator, situation } = simulated(world, mode);
        const sticky = new Set(
          situation.plans.filter((p) => p.servicePort.affinitySeconds).map((p) => p.servicePort.clusterIP),
        );
        for (const { packet } of probesOf(world)) {
          for (const outcome of simulator.send(packet)) {
            if (!outcome.translated || outcome.verdict.kind !== 'sent') continue;
            expect(simulator.send(laterThan(packet, outcome)).map(fateOf)).toEqual([fateOf(outcome)]);
            const [answer] = simulator.send(replyTo(packet, outcome, comesBackBy(outcome)));
            expect(answer!.source).toEqual(packet.destination);
            if (packet.source) expect(answer!.destination).toEqual(packet.source);
            expect(outcome.remembers.length > 0).toBe(sticky.has(clusterIPFor(packet, situation)));
            if (outcome.remembers.length === 0) continue;
            const memory: Memory = new Map(outcome.remembers.map(({ list, address }) => [list, new Set([address])]));
            expect(simulator.send(packet, memory).map(fateOf)).toEqual([fateOf(outcome)]);
          }
        }
      }),
      { seed: 4, numRuns: 10 },
    );
  });
});

/** The world with one external address for all that have one, under the same port, and open to everyone. */
function withOneAddress(world: World): World {
  const address = addresses[world.family].external(1);
  const services = world.services.map((object) => ({
    ...object,
    spec: {
      ...object.spec,
      externalIPs: object.spec?.externalIPs?.length ? [address] : [],
      loadBalancerSourceRanges: [],
    },
    status: object.status?.loadBalancer?.ingress?.length ? { loadBalancer: { ingress: [{ ip: address }] } } : {},
  }));
  return { ...world, services };
}

test('an address that several Services claim is served alike in nftables and iptables', () => {
  fc.assert(
    fc.property(arbitraryWorld.map(withOneAddress), (world) => {
      const shared = addresses[world.family].external(1);
      const modes = (['nftables', 'iptables'] as const).map((mode) => simulated(world, mode));
      for (const { name, packet } of probesOf(world).filter(
        ({ packet: { destination } }) => destination.address === shared,
      )) {
        const claims = modes[0]!.situation.plans.filter((plan) => claimsOf(plan, packet));
        const first = claims.find((plan) => plan.hasAnyEndpoints);
        // In nftables an address belongs to the first Service by name that has endpoints, which drops what its policy does
        // not let it serve here; in iptables that falls through to the next Service.
        if (first?.external === 'drop') continue;
        // iptables refuses nothing that the node itself sends to such addresses.
        if (!first && packet.inInterface === undefined) continue;
        const [nftables, iptables] = modes.map(({ simulator }) => lines(fatesOf(simulator.send(packet))));
        expect(nftables, name).toEqual(iptables);
      }
    }),
    { seed: 4, numRuns: 40 },
  );
});

function claimsOf({ servicePort }: ServicePortPlan, { protocol, destination: { address, port } }: Packet): boolean {
  const { externalIPs, loadBalancerIPs } = servicePort;
  const isOne = servicePort.protocol === protocol && servicePort.port === port;
  return isOne && [...externalIPs, ...loadBalancerIPs].includes(address);
}

function laterThan(packet: Packet, { source, destination, masqueraded }: Outcome): Packet {
  return { ...packet, connection: { state: 'established', destination, ...(masqueraded && { source }) } };
}

function comesBackBy({ verdict }: Outcome): string {
  return verdict.kind === 'sent' && verdict.device === podDevice ? podDevice : outsideDevice;
}

/** The cluster IP of the Service that a packet is for, by any of its addresses. */
function clusterIPFor({ destination: { address, port } }: Packet, { plans }: Situation): string {
  const plan = plans.find(
    ({ servicePort }) =>
      servicePort.nodePort === port ||
      [servicePort.clusterIP, ...servicePort.externalIPs, ...servicePort.loadBalancerIPs].includes(address),
  );
  return plan?.servicePort.clusterIP ?? '';
}
