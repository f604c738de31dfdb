// The chains that a proxier wants, kept up to date port by port, with what changed since it was last asked.
import { renderRule } from '../../iptables/render.ts';
import type { Chain, Rule, Table, TableUpdate } from '../../iptables/ruleset.ts';
import type { ProxyConfig } from '../config.ts';
import type { ServicePortPlan } from '../plan.ts';
import { baseJumps, filterChains, natChains, nodePortJumps } from './base.ts';
import { wholeTables } from './jumps.ts';
import { chains } from './names.ts';
import { type EndpointStyle, type ServiceRules, type SharedRules, serviceRules } from './service.ts';

/** From so many endpoints on, kube-proxy leaves the comments of endpoint rules out. */
const largeCluster = 1000;

interface Entry {
  readonly plan: ServicePortPlan;
  rules: ServiceRules;
}

/** What the kernel should hold for one family. Changes are collected until one of the `take`s hands them over. */
export class IptablesState {
  readonly #config: ProxyConfig;
  readonly #entries = new Map<string, Entry>();
  readonly #changed = new Set<string>();
  readonly #stale = new Set<string>();
  #endpoints = 0;
  #gone = false;
  #style: EndpointStyle = { comments: true };

  constructor(config: ProxyConfig) {
    this.#config = config;
  }

  /** Sets what one port wants, or with undefined that it is gone. `owner` is its name and protocol. */
  set(owner: string, plan: ServicePortPlan | undefined): void {
    const old = this.#entries.get(owner);
    // A port without endpoints has rules in the shared chains only.
    for (const chain of old?.rules.chains ?? []) this.#stale.add(chain.name);
    if (old && !plan) this.#gone = true;
    this.#endpoints += (plan?.reachable.length ?? 0) - (old?.plan.reachable.length ?? 0);
    if (!plan) {
      this.#entries.delete(owner);
      this.#changed.delete(owner);
      return;
    }
    const rules = serviceRules(plan, this.#config, this.#style);
    for (const chain of rules.chains) this.#stale.delete(chain.name);
    this.#entries.set(owner, { plan, rules });
    this.#changed.add(owner);
  }

  /** What one port has, as `iptables-save` would print it. */
  rulesOf(owner: string): string[] {
    const entry = this.#entries.get(owner);
    if (!entry) return [];
    const { shared, chains: own } = entry.rules;
    const lines = (table: string, chain: string, rules: readonly Rule[]) =>
      rules.map((rule) => `-t ${table} -A ${chain} ${renderRule(rule)}`);
    return [
      ...lines('filter', chains.services, shared.filterServices),
      ...lines('filter', chains.externalServices, shared.filterExternalServices),
      ...lines('filter', chains.nodePorts, shared.filterNodePorts),
      ...lines('filter', chains.proxyFirewall, shared.filterProxyFirewall),
      ...lines('nat', chains.services, shared.natServices),
      ...lines('nat', chains.nodePorts, shared.natNodePorts),
      ...own.flatMap(({ name, rules }) => lines('nat', name, rules)),
    ];
  }

  /** How many rules each table has from us. */
  ruleCounts(): { readonly filter: number; readonly nat: number } {
    const constant = (own: readonly Chain[]) => own.reduce((sum, { rules }) => sum + rules.length, 0);
    let filter = constant(filterChains(this.#config));
    let nat = constant(natChains(this.#config)) + nodePortJumps(this.#config).length;
    for (const { rules } of this.#entries.values()) {
      const { shared } = rules;
      filter += shared.filterServices.length + shared.filterExternalServices.length;
      filter += shared.filterNodePorts.length + shared.filterProxyFirewall.length;
      nat += shared.natServices.length + shared.natNodePorts.length + constant(rules.chains);
    }
    return { filter, nat };
  }

  /** Whether anything changed since the last take. */
  get hasChanges(): boolean {
    return this.#gone || this.#changed.size > 0 || this.#stale.size > 0;
  }

  /** What to restore with --noflush after the changes since the last take: shared chains, changed and stale ones. */
  take(): TableUpdate[] {
    if (this.#restyle()) return this.takeAll([]);
    const changed = [...this.#changed].sort().flatMap((owner) => this.#entries.get(owner)!.rules.chains);
    return this.#updates(changed, []);
  }

  /** All chains; `present` are the chains of Services in the kernel, of which the unwanted are removed. */
  takeAll(present: Iterable<string>): TableUpdate[] {
    this.#restyle();
    const all = this.#sorted().flatMap(({ rules }) => rules.chains);
    const wanted = new Set(all.map((chain) => chain.name));
    return this.#updates(
      all,
      [...present].filter((name) => !wanted.has(name)),
    );
  }

  /** The tables as they are once all is applied to an empty kernel. */
  tables(): Table[] {
    return wholeTables(this.takeAll([]), baseJumps());
  }

  /** Whether the size of the cluster changed how rules are written; then all are written anew. */
  #restyle(): boolean {
    const comments = this.#endpoints <= largeCluster;
    if (comments === this.#style.comments) return false;
    this.#style = { comments };
    for (const entry of this.#entries.values()) entry.rules = serviceRules(entry.plan, this.#config, this.#style);
    return true;
  }

  #sorted(): Entry[] {
    return [...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
  }

  #updates(own: readonly Chain[], remove: readonly string[]): TableUpdate[] {
    const entries = this.#sorted();
    const shared = (part: keyof SharedRules): Rule[] => entries.flatMap(({ rules }) => rules.shared[part]);
    const filter: TableUpdate = {
      name: 'filter',
      chains: [
        { name: chains.services, rules: shared('filterServices') },
        { name: chains.externalServices, rules: shared('filterExternalServices') },
        { name: chains.nodePorts, rules: shared('filterNodePorts') },
        { name: chains.proxyFirewall, rules: shared('filterProxyFirewall') },
        ...filterChains(this.#config),
      ],
    };
    const nat: TableUpdate = {
      name: 'nat',
      chains: [
        { name: chains.services, rules: [...shared('natServices'), ...nodePortJumps(this.#config)] },
        { name: chains.nodePorts, rules: shared('natNodePorts') },
        ...natChains(this.#config),
        ...own,
      ],
      remove: [...new Set([...remove, ...this.#stale])],
    };
    this.#changed.clear();
    this.#stale.clear();
    this.#gone = false;
    return [filter, nat];
  }
}
