// What iptables rules do to a packet.
import type { Chain, Match, Rule, TableName, Target } from '../iptables/ruleset.ts';
import { splitHostPort } from '../net/ip.ts';
import { isWithin, type Routing } from './address.ts';
import type { IpSets } from './ipset.ts';
import type { AddressPort, Memory } from './packet.ts';
import { decided, masqueraded, type PacketState, remembered } from './state.ts';
import { type Branch, type Chains, goOn, type Within } from './walk.ts';

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
    const branches: Branch[] = [];
    let way: Within = { state, elements: [], chance: 1 };
    for (const match of rule.matches) {
      if (match.kind === 'random' && match.probability < 1) {
        branches.push({ state: likely(way, 1 - match.probability).state, sequel: goOn });
      }
      const matched = this.#match(match, way);
      if (!matched) return [...branches, { state: way.state, sequel: goOn }];
      way = matched;
    }
    const { state: after, sequel } = this.#follow(rule.target, way.state);
    const decision = { by: 'iptables', table: this.#table, chain, rule, elements: way.elements } as const;
    return [...branches, { state: decided(after, decision, way.chance), sequel }];
  }

  /** The packet where it matches; undefined where it cannot. */
  #match(match: Match, way: Within): Within | undefined {
    const { state } = way;
    switch (match.kind) {
      case 'random':
        return likely(way, match.probability);
      case 'remember':
        return { ...way, state: remembered(state, match.list, state.source.address) };
      case 'in-set': {
        const element = this.#context.sets.find(match.set, match.flags, state);
        return element && { ...way, elements: [...way.elements, element] };
      }
      default:
        return this.#holds(match, state) === ('not' in match && match.not === true) ? undefined : way;
    }
  }

  /** Whether the match holds, were it not negated. */
  #holds(match: Exclude<Match, { kind: 'random' | 'remember' | 'in-set' }>, state: PacketState): boolean {
    switch (match.kind) {
      case 'comment':
      case 'count':
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

/** The packet where a throw of the dice went this way. */
function likely(way: Within, probability: number): Within {
  const { state, chance } = way;
  return { ...way, chance: chance * probability, state: { ...state, probability: state.probability * probability } };
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
  const { host: address, port } = splitHostPort(text);
  return { address, port };
}
