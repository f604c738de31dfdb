// The rules of the nodes that a packet meets, as data that it can be sent through.
import type { IPFamily } from '../../net/ip.ts';
import { isLoopbackAddress } from '../../netfilter/address.ts';
import type { AddressPort } from '../../netfilter/packet.ts';
import { PacketSimulator } from '../../netfilter/simulator.ts';
import type { PolicyPlan } from '../../networkpolicy/plan.ts';
import { policyTable } from '../../networkpolicy/render.ts';
import type { FamilyPlans } from '../../proxy/config.ts';
import { type ServiceHealth, serviceHealths } from '../../proxy/healthcheck/responses.ts';
import { plansOf } from '../../proxy/offline.ts';
import { rulesetOf } from '../../proxy/ruleset.ts';
import { answersHealthChecks, type ProxyMode, type ProxySettings } from '../../proxy/settings.ts';
import { TraceError } from './ends.ts';
import { policyPlan } from './policies.ts';
import { networkOf, type World } from './world.ts';

interface RulesOfNode extends FamilyPlans {
  readonly policies: PolicyPlan | undefined;
  /** Of all its devices. */
  readonly ownAddresses: readonly string[];
  readonly simulator: PacketSimulator;
}

export interface HealthAt extends ServiceHealth {
  /** At the address that was asked. */
  readonly isAnswered: boolean;
}

/** Plans and simulators of the nodes that the packet meets, made once each. */
export class NodeRules {
  readonly #world: World;
  readonly #settings: ProxySettings;
  readonly #family: IPFamily;
  readonly #made = new Map<string, RulesOfNode>();

  constructor(world: World, settings: ProxySettings, family: IPFamily) {
    this.#world = world;
    this.#settings = settings;
    this.#family = family;
  }

  at(nodeName: string): RulesOfNode {
    let made = this.#made.get(nodeName);
    if (!made) {
      const { objects, nodes } = this.#world;
      const node = nodes.get(nodeName);
      if (!node) throw new TraceError(`there is no Node ${nodeName} among the objects`);
      const [rules] = plansOf({ objects, nodeName, settings: this.#settings, families: [this.#family] });
      if (!rules) throw new Error('one family gives one set of plans');
      const services = rulesetOf(this.#settings.mode, rules.plans, rules.config);
      const policies = policyPlan(objects, nodeName);
      const table = policies && policyTable(policies, this.#family);
      const ruleset = { ...services, nftables: [...(services.nftables ?? []), ...(table ? [table] : [])] };
      const network = networkOf(this.#world, node, this.#family);
      const ownAddresses = network.devices.flatMap(({ addresses }) => addresses);
      made = { ...rules, policies, ownAddresses, simulator: new PacketSimulator({ ruleset, network }) };
      this.#made.set(nodeName, made);
    }
    return made;
  }

  simulator(node: string): PacketSimulator {
    return this.at(node).simulator;
  }

  /** What the proxy of a node tells load balancers that ask at one of its ports; undefined where that is no port for it. */
  healthAt(nodeName: string, { address, port }: AddressPort): HealthAt | undefined {
    const { objects, nodes } = this.#world;
    const families = plansOf({ objects, nodeName, settings: this.#settings, families: ['IPv4', 'IPv6'] });
    const health = serviceHealths(families.flatMap(({ plans }) => plans)).get(port);
    return health && { ...health, isAnswered: answersHealthChecks(this.#settings, address, nodes.get(nodeName)) };
  }

  get mode(): ProxyMode {
    return this.#settings.mode;
  }
}

/** Whether a node answers at an address for the node ports of Services. */
export function answersNodePorts(nodes: NodeRules, node: string, address: string): boolean {
  const { config, ownAddresses } = nodes.at(node);
  const { nodePortAddresses, localhostNodePorts } = config;
  if (nodePortAddresses !== 'all') return nodePortAddresses.includes(address);
  if (nodes.mode === 'ipvs') return config.node.addresses.includes(address);
  return isLoopbackAddress(address) ? localhostNodePorts : ownAddresses.includes(address);
}
