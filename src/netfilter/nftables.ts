// What nftables rules do to a packet.
import type { Field, KeyPart, Numgen, Rule, Statement, Table, Verdict } from '../nftables/ruleset.ts';
import { isBetween, isWithin, type Routing } from './address.ts';
import type { FoundElement, Memory } from './packet.ts';
import { decided, masqueraded, type PacketState, remembered } from './state.ts';
import { type Branch, type Chains, goOn, type Sequel, type Within } from './walk.ts';

interface Way extends Within {
  /** Set when the rule is over: it did not match (`next`), or it decided. */
  readonly over?: { readonly sequel: Sequel; readonly matched: boolean };
}

/** The rules of one table as a packet meets them. */
export class NftablesChains implements Chains<Rule> {
  readonly #table: Table;
  readonly #routing: Routing;
  readonly #memory: Memory;

  constructor(table: Table, routing: Routing, memory: Memory) {
    this.#table = table;
    this.#routing = routing;
    this.#memory = memory;
  }

  rules(chain: string): readonly Rule[] {
    return this.#table.chains.get(chain)?.rules ?? [];
  }

  evaluate(rule: Rule, chain: string, state: PacketState): Branch[] {
    let ways: Way[] = [{ state, elements: [], chance: 1 }];
    for (const statement of rule.statements) {
      ways = ways.flatMap((way) => (way.over ? [way] : this.#execute(statement, way)));
    }
    return ways.map(({ state: after, elements, chance, over = { sequel: goOn, matched: true } }) => {
      if (!over.matched) return { state: after, sequel: goOn };
      const decision = { by: 'nftables', table: this.#table, chain, rule, elements } as const;
      return { state: decided(after, decision, chance), sequel: over.sequel };
    });
  }

  #execute(statement: Statement, way: Way): Way[] {
    const { state } = way;
    switch (statement.kind) {
      case 'match': {
        const value = this.#field(statement.field, state);
        const found = statement.values.some((wanted) => fits(value, wanted));
        return [found === (statement.op === '==') ? way : mismatch(way)];
      }
      case 'lookup': {
        const element = this.#find(statement.set, this.#key(statement.key, state));
        if ((element !== undefined) !== (statement.op === '==')) return [mismatch(way)];
        return [element ? { ...way, elements: [...way.elements, element] } : way];
      }
      case 'vmap': {
        const element = this.#find(statement.map, this.#key(statement.key, state));
        if (!element) return [mismatch(way)];
        return [decide({ ...way, elements: [...way.elements, element] }, verdictOfValue(element.value))];
      }
      case 'random':
        return statement.verdicts.map((verdict) => decide(chanced(way, statement.verdicts.length), verdict));
      case 'match-mark':
        return [(state.mark & statement.bits) !== 0 ? way : mismatch(way)];
      case 'mark': {
        const mark = (statement.op === '|' ? state.mark | statement.bits : state.mark ^ statement.bits) >>> 0;
        return [{ ...way, state: { ...state, mark } }];
      }
      case 'dnat-map':
        return this.#translateByMap(statement, way);
      case 'dnat':
        return [translate(way, statement.address, statement.port)];
      case 'masquerade':
        return [decide({ ...way, state: masqueraded(state, this.#routing) }, { kind: 'accept' })];
      case 'update':
        return [{ ...way, state: remembered(state, statement.set, this.#key(statement.key, state)) }];
      default:
        return [decide(way, statement)];
    }
  }

  #translateByMap({ key, map }: Extract<Statement, { kind: 'dnat-map' }>, way: Way): Way[] {
    return drawsOf(key).map((draw) => {
      const drawn = chanced(way, draw.of);
      const parts = key.map((part) => (typeof part === 'string' ? this.#field(part, way.state) : String(draw.number)));
      const element = this.#find(map, parts.join(' . '));
      if (!element) return mismatch(drawn);
      const [address = '', port = ''] = element.value.split(' . ');
      return translate({ ...drawn, elements: [...way.elements, element] }, address, Number(port));
    });
  }

  #key(fields: readonly Field[], state: PacketState): string {
    return fields.map((field) => this.#field(field, state)).join(' . ');
  }

  #field(field: Field, state: PacketState): string {
    switch (field) {
      case 'ip saddr':
      case 'ip6 saddr':
        return state.source.address;
      case 'ip daddr':
      case 'ip6 daddr':
        return state.destination.address;
      case 'meta l4proto':
        return state.protocol;
      case 'meta iifname':
        return `"${state.inInterface ?? ''}"`;
      case 'th dport':
        return String(state.destination.port);
      // Packets here are of protocols with ports.
      case 'icmpv6 type':
        return '';
      case 'ct state':
        return state.connection.state;
      case 'ct status':
        return state.destinationTranslated ? 'dnat' : '';
      case 'fib saddr type':
        return this.#routing.isLocal(state.source.address) ? 'local' : 'unicast';
      case 'fib daddr type':
        return this.#routing.isLocal(state.destination.address) ? 'local' : 'unicast';
    }
  }

  #find(set: string, key: string): FoundElement | undefined {
    const known = this.#table.sets.get(set);
    const value = known?.elements.get(key);
    if (value !== undefined) return { set, key, value };
    if (this.#memory.get(set)?.has(key)) return { set, key, value: '' };
    if (!known?.declaration.flags?.includes('interval')) return undefined;
    const parts = key.split(' . ');
    for (const [range, rangeValue] of known.elements) {
      const ranges = range.split(' . ');
      if (parts.every((part, i) => fits(part, ranges[i] ?? ''))) return { set, key: range, value: rangeValue };
    }
    return undefined;
  }
}

/** Whether a value is the wanted one, is within a prefix or a range, or begins as a wildcard of interface names says. */
function fits(value: string, wanted: string): boolean {
  if (value === wanted) return true;
  if (wanted.endsWith('*"')) return value.startsWith(wanted.slice(0, -2));
  const range = /^([0-9a-f.:]+)-([0-9a-f.:]+)$/.exec(wanted);
  if (range) return isBetween(value, range[1] ?? '', range[2] ?? '');
  return wanted.includes('/') && isWithin(value, wanted);
}

function decide(way: Way, sequel: Verdict): Way {
  return { ...way, over: { sequel, matched: true } };
}

function mismatch(way: Way): Way {
  return { ...way, over: { sequel: goOn, matched: false } };
}

/** One of `of` equally likely ways. */
function chanced(way: Way, of: number): Way {
  return { ...way, chance: way.chance / of, state: { ...way.state, probability: way.state.probability / of } };
}

function translate(way: Way, address: string, port: number): Way {
  const state: PacketState = { ...way.state, destination: { address, port }, destinationTranslated: true };
  return decide({ ...way, state }, { kind: 'accept' });
}

function verdictOfValue(value: string): Verdict {
  const [kind = '', chain] = value.split(' ');
  if (chain !== undefined) return { kind: kind as 'jump' | 'goto', chain };
  return { kind: kind as 'accept' | 'drop' | 'return' | 'reject' };
}

function isNumgen(part: KeyPart): part is Numgen {
  return typeof part !== 'string';
}

/** The numbers that a key's generator may give, each as likely as any; a key without one has one draw. */
function drawsOf(key: readonly KeyPart[]): { readonly number: number; readonly of: number }[] {
  const numgen = key.find(isNumgen);
  if (!numgen) return [{ number: 0, of: 1 }];
  return Array.from({ length: numgen.mod }, (_, i) => ({ number: numgen.offset + i, of: numgen.mod }));
}
