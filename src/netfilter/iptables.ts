// What iptables rules do to a packet.
import type { Chain, Match, Rule, TableName, Target } from '../iptables/ruleset.ts';
import { isWithin, type Routing } from './address.ts';
import type { IpSets } from './ipset.ts';
import type { AddressPort, FoundElement, Memory } from './packet.ts';
import { decided, masqueraded, type PacketState, remembered } from './state.ts';
import type { Branch, Chains, Sequel } from './walk.ts';

interface Within {
  readonly state: PacketState;
  readonly elements: readonly FoundElement[];
  readonly chance: number;
}

/** What a match makes of a packet: those that go on within the rule, and those that go on to the next rule. */
interface Sorted {
  readonly matched: readonly Within[];
  readonly others: readonly PacketState[];
}

const goOn: Sequel = { kind: 'next' };

/** What rules ask beside the packet. */
export interface IptablesContext {
  readonly routing: Routing;
  readonly sets: IpSets;
  readonly memory: Memory;
}

/** The rules of one table as a packet meets them. */
export class IptablesChains implements Chains<Rule> {
  readonly #table: TableName;
  readonly #chains: ReadonlyMap<string, Chain>;
  readonly #context: IptablesContext;

  constructor(table: TableName, chains: ReadonlyMap<string, Chain>, context: IptablesContext) {
    this.#table = table;
    this.#chains = chains;
    this.#context = context;
  }

  rules(chain: string): readonly Rule[] {
    return this.#chains.get(chain)?.rules ?? [];
  }

  evaluate(rule: Rule, chain: string, state: PacketState): Branch[] {
    let matched: readonly Within[] = [{ state, elements: [], chance: 1 }];
    const branches: Branch[] = [];
    for (const match of rule.matches) {
      const results = matched.map((way) => this.#sort(match, way));
      for (const { others } of results) for (const other of others) branches.push({ state: other, sequel: goOn });
      matched = results.flatMap((result) => result.matched);
      if (matched.length === 0) return branches;
    }
    for (const { state: here, elements, chance } of matched) {
      const { state: after, sequel } = this.#follow(rule.target, here);
      const decision = { by: 'iptables', table: this.#table, chain, rule, elements } as const;
      branches.push({ state: decided(after, decision, chance), sequel });
    }
    return branches;
  }

  #sort(match: Match, way: Within): Sorted {
    const { state, chance } = way;
    if (match.kind === 'random') {
      const part = (p: number): PacketState => ({ ...state, probability: state.probability * p });
      const p = match.probability;
      return {
        matched: p > 0 ? [{ ...way, state: part(p), chance: chance * p }] : [],
        others: p < 1 ? [part(1 - p)] : [],
      };
    }
    if (match.kind === 'remember') {
      return { matched: [{ ...way, state: remembered(state, match.list, state.source.address) }], others: [] };
    }
    if (match.kind === 'in-set') {
      const element = this.#context.sets.find(match.set, match.flags, state);
      if (!element) return { matched: [], others: [state] };
      return { matched: [{ ...way, elements: [...way.elements, element] }], others: [] };
    }
    const isNegated = 'not' in match && match.not === true;
    return this.#holds(match, state) === isNegated ? { matched: [], others: [state] } : { matched: [way], others: [] };
  }

  /** Whether the match holds, were it not negated. */
  #holds(match: Exclude<Match, { kind: 'random' | 'remember' | 'in-set' }>, state: PacketState): boolean {
    switch (match.kind) {
      case 'comment':
        return true;
      case 'protocol':
      case 'protocol-number':
        return state.protocol === match.protocol;
      case 'source':
        return isWithin(state.source.address, match.address);
      case 'destination':
        return isWithin(state.destination.address, match.address);
      case 'destination-port':
        return state.destination.port === match.port;
      case 'in-interface':
        return isNamed(state.inInterface ?? '', match.name);
      case 'ct-state':
        return match.states.some((wanted) => hasState(state, wanted));
      case 'mark':
        return (state.mark & match.bits) >>> 0 === match.bits;
      case 'source-type':
        return this.#context.routing.isLocal(state.source.address);
      case 'destination-type':
        return this.#context.routing.isLocal(state.destination.address);
      case 'from-bridge-port':
        return state.fromBridgePort;
      case 'virtual-server':
        return (
          state.protocol === match.protocol &&
          state.virtualServer?.address === match.address &&
          state.virtualServer.port === match.port
        );
      case 'recently-seen':
        return this.#context.memory.get(match.list)?.has(state.source.address) ?? false;
    }
  }

  #follow(target: Target | undefined, state: PacketState): Branch {
    switch (target?.kind) {
      case undefined:
        return { state, sequel: goOn };
      case 'ACCEPT':
        return { state, sequel: { kind: 'accept' } };
      case 'DROP':
        return { state, sequel: { kind: 'drop' } };
      case 'REJECT':
        return { state, sequel: { kind: 'reject' } };
      case 'RETURN':
        return { state, sequel: { kind: 'return' } };
      case 'chain':
        return { state, sequel: { kind: 'jump', chain: target.chain } };
      case 'MARK': {
        const mark = (target.op === 'or' ? state.mark | target.bits : state.mark ^ target.bits) >>> 0;
        return { state: { ...state, mark }, sequel: goOn };
      }
      case 'MASQUERADE':
        return { state: masqueraded(state, this.#context.routing), sequel: { kind: 'accept' } };
      case 'DNAT':
        return {
          state: { ...state, destination: addressPort(target.to), destinationTranslated: true },
          sequel: { kind: 'accept' },
        };
    }
  }
}

/** `eth0`, or with a `+` at its end every name that begins so. */
function isNamed(name: string, wanted: string): boolean {
  return wanted.endsWith('+') ? name.startsWith(wanted.slice(0, -1)) : name === wanted;
}

function hasState(state: PacketState, wanted: string): boolean {
  return wanted === 'DNAT' ? state.destinationTranslated : state.connection.state.toUpperCase() === wanted;
}

/** `10.0.0.1:80`, `[fd00::1]:80`. */
function addressPort(text: string): AddressPort {
  const colon = text.lastIndexOf(':');
  return { address: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}
