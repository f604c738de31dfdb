// The rules of the nodes that a packet meets, as data that it can be sent through.
import type { IPFamily } from '../../net/ip.ts';
import { PacketSimulator } from '../../netfilter/simulator.ts';
import { plansOf } from '../../proxy/offline.ts';
import type { ServicePortPlan } from '../../proxy/plan.ts';
import { rulesetOf } from '../../proxy/ruleset.ts';
import type { ProxySettings } from '../../proxy/settings.ts';
import { TraceError } from './ends.ts';
import { policyTables } from './policies.ts';
import { networkOf, type World } from './world.ts';

/** Plans and simulators of the nodes that the packet meets, made once each. */
export class NodeRules {
  readonly #world: World;
  readonly #settings: ProxySettings;
  readonly #family: IPFamily;
  readonly #made = new Map<
    string,
    { readonly plans: readonly ServicePortPlan[]; readonly simulator: PacketSimulator }
  >();

  constructor(world: World, settings: ProxySettings, family: IPFamily) {
    this.#world = world;
    this.#settings = settings;
    this.#family = family;
  }

  at(nodeName: string): { readonly plans: readonly ServicePortPlan[]; readonly simulator: PacketSimulator } {
    let made = this.#made.get(nodeName);
    if (!made) {
      const { objects, nodes } = this.#world;
      const node = nodes.get(nodeName);
      if (!node) throw new TraceError(`there is no Node ${nodeName} among the objects`);
      const [rules] = plansOf({ objects, nodeName, settings: this.#settings, families: [this.#family] });
      if (!rules) throw new Error('one family gives one set of plans');
      const services = rulesetOf(this.#settings.mode, rules.plans, rules.config);
      const policies = policyTables(objects, nodeName, this.#family);
      const ruleset = { ...services, nftables: [...(services.nftables ?? []), ...policies] };
      const network = networkOf(this.#world, node, this.#family);
      made = { plans: rules.plans, simulator: new PacketSimulator({ ruleset, network }) };
      this.#made.set(nodeName, made);
    }
    return made;
  }

  simulator(node: string): PacketSimulator {
    return this.at(node).simulator;
  }
}
