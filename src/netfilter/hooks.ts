// What a packet meets at each hook of the kernel, in the order of priorities.
import type * as iptables from '../iptables/ruleset.ts';
import type * as nftables from '../nftables/ruleset.ts';
import type { Routing } from './address.ts';
import { IpSets } from './ipset.ts';
import { IptablesChains } from './iptables.ts';
import { schedule, VirtualServers } from './ipvs.ts';
import { NftablesChains } from './nftables.ts';
import type { HookName, Memory, Ruleset, Verdict } from './packet.ts';
import { decided, type PacketState } from './state.ts';
import { type Ended, walk } from './walk.ts';

/** What one part of a hook makes of a packet. */
export type Passage =
  | { readonly kind: 'on'; readonly state: PacketState }
  | { readonly kind: 'end'; readonly state: PacketState; readonly verdict: Verdict }
  /** It goes on at the beginning of another hook. */
  | { readonly kind: 'enter'; readonly state: PacketState; readonly hook: HookName };

type BaseChain = (state: PacketState, memory: Memory) => readonly Ended[];

interface Part {
  readonly priority: number;
  run(state: PacketState, memory: Memory): readonly Passage[];
}

const hookNames: readonly HookName[] = ['prerouting', 'input', 'forward', 'output', 'postrouting'];

const dstnat = -100;
const srcnat = 100;

/** Of iptables; table nat has its place in {@link translation}. */
const tablePriorities: Readonly<Record<iptables.TableName, number>> = { mangle: -150, nat: 0, filter: 0 };

/** Which half of a connection's translation is settled at a hook. */
const translationAt: Readonly<Partial<Record<HookName, 'destination' | 'source'>>> = {
  prerouting: 'destination',
  output: 'destination',
  input: 'source',
  postrouting: 'source',
};

/** All parts of all hooks, from the rules of a node. */
export class Hooks {
  readonly #parts: Readonly<Record<HookName, readonly Part[]>>;

  constructor(ruleset: Ruleset, routing: Routing) {
    const chains = new BaseChains(ruleset, routing);
    const servers = new VirtualServers(ruleset.virtualServers ?? []);
    const partsOf = (hook: HookName): readonly Part[] => {
      const parts = [...chains.filters(hook), ...balancing(hook, servers, routing)];
      const half = translationAt[hook];
      if (half) parts.push(translation(half, { servers, chains: chains.translators(hook) }));
      return parts.sort((a, b) => a.priority - b.priority);
    };
    this.#parts = Object.fromEntries(hookNames.map((hook) => [hook, partsOf(hook)])) as Record<HookName, Part[]>;
  }

  /** Takes a packet through a hook, as far as the hook's parts let it. */
  run(state: PacketState, memory: Memory): Passage[] {
    let here: PacketState[] = [state];
    const passages: Passage[] = [];
    for (const part of this.#parts[state.hook]) {
      const next: PacketState[] = [];
      for (const packet of here) {
        for (const passage of part.run(packet, memory)) {
          if (passage.kind === 'on') next.push(passage.state);
          else passages.push(passage);
        }
      }
      here = next;
    }
    return [...passages, ...here.map((packet): Passage => ({ kind: 'on', state: packet }))];
  }
}

/** The chains that hooks lead to, of nftables and of iptables. */
class BaseChains {
  readonly #nftables: readonly nftables.Table[];
  readonly #iptables: readonly {
    readonly table: iptables.Table;
    readonly chains: ReadonlyMap<string, iptables.Chain>;
  }[];
  readonly #sets: IpSets;
  readonly #routing: Routing;

  constructor(ruleset: Ruleset, routing: Routing) {
    this.#nftables = ruleset.nftables ?? [];
    this.#iptables = (ruleset.iptables ?? []).map((table) => ({
      table,
      chains: new Map(table.chains.map((chain) => [chain.name, chain])),
    }));
    this.#sets = new IpSets(ruleset.ipsets ?? []);
    this.#routing = routing;
  }

  filters(hook: HookName): Part[] {
    return this.#at(hook, 'filter').map(({ priority, chain }) => ({
      priority,
      run: (state, memory) => chain(state, memory).map(passageOf),
    }));
  }

  /** In the order in which they are asked. */
  translators(hook: HookName): BaseChain[] {
    return this.#at(hook, 'nat')
      .sort((a, b) => a.priority - b.priority)
      .map(({ chain }) => chain);
  }

  #at(hook: HookName, type: 'filter' | 'nat'): { readonly priority: number; readonly chain: BaseChain }[] {
    const found: { priority: number; chain: BaseChain }[] = [];
    for (const table of this.#nftables) {
      for (const { name, hook: where } of table.chains.values()) {
        if (where?.hook !== hook || where.type !== type) continue;
        const chain: BaseChain = (state, memory) => walk(new NftablesChains(table, this.#routing, memory), name, state);
        found.push({ priority: where.priority, chain });
      }
    }
    for (const { table, chains } of this.#iptables) {
      const name = hook.toUpperCase();
      if ((table.name === 'nat') !== (type === 'nat') || !chains.has(name)) continue;
      const chain: BaseChain = (state, memory) => {
        const context = { routing: this.#routing, sets: this.#sets, memory };
        return walk(new IptablesChains(table.name, chains, context), name, state);
      };
      const natPriority = translationAt[hook] === 'destination' ? dstnat : srcnat;
      found.push({ priority: type === 'nat' ? natPriority : tablePriorities[table.name], chain });
    }
    return found;
  }
}

function passageOf({ state, verdict }: Ended): Passage {
  return verdict === 'accept' ? { kind: 'on', state } : { kind: 'end', state, verdict: { kind: verdict } };
}

/**
 * Only the first packet of a connection sees chains of type nat, one after another until one translates; what they settle
 * holds for the packets after it.
 */
function translation(
  half: 'destination' | 'source',
  { servers, chains }: { servers: VirtualServers; chains: readonly BaseChain[] },
): Part {
  const isTranslated = (state: PacketState) => (half === 'source' ? state.masqueraded : state.destinationTranslated);
  const settle = (state: PacketState): Passage => ({
    kind: 'on',
    state: { ...state, settled: { ...state.settled, [half]: true } },
  });
  return {
    priority: half === 'destination' ? dstnat : srcnat,
    run(state, memory) {
      if (state.settled[half] || state.connection.state === 'invalid') return [{ kind: 'on', state }];
      if (state.connection.state !== 'new') {
        // IPVS translates destinations of its own connections, and later.
        const isBalanced = half === 'destination' && servers.serverOf(state) !== undefined;
        return [settle(isBalanced ? state : known(state, half))];
      }
      const passages: Passage[] = [];
      let here: PacketState[] = [state];
      for (const chain of chains) {
        const next: PacketState[] = [];
        for (const ended of here.flatMap((packet) => chain(packet, memory))) {
          if (ended.verdict !== 'accept') passages.push(passageOf(ended));
          else if (isTranslated(ended.state)) passages.push(settle(ended.state));
          else next.push(ended.state);
        }
        here = next;
      }
      return [...passages, ...here.map(settle)];
    },
  };
}

/** The packet translated as its connection has been. */
function known(state: PacketState, half: 'destination' | 'source'): PacketState {
  const { connection } = state;
  const now = 'destination' in connection || 'source' in connection ? connection[half] : undefined;
  if (!now) return state;
  const marks = half === 'source' ? { masqueraded: true } : { destinationTranslated: true };
  return decided({ ...state, [half]: now, ...marks }, { by: 'conntrack' });
}

/** IPVS takes packets after the filters of input, and on their way out just after destination translation. */
function balancing(hook: HookName, servers: VirtualServers, routing: Routing): Part[] {
  if (servers.isEmpty || (hook !== 'input' && hook !== 'output')) return [];
  return [
    {
      priority: hook === 'input' ? srcnat - 1 : dstnat + 2,
      run(state, memory) {
        const server = servers.serverOf(state);
        if (!server) return [{ kind: 'on', state }];
        const { connection } = state;
        const sent =
          connection.state === 'established' && connection.destination
            ? [{ ...known(state, 'destination'), virtualServer: server }]
            : schedule(server, state, memory);
        if (sent.length === 0) {
          const refused = decided(state, { by: 'ipvs', server, realServer: undefined });
          return [{ kind: 'end', state: refused, verdict: { kind: 'reject' } }];
        }
        return sent.map(
          (packet): Passage =>
            routing.isLocal(packet.destination.address)
              ? { kind: 'on', state: packet }
              : { kind: 'enter', state: packet, hook: 'output' },
        );
      },
    },
  ];
}
