// Walks chains of rules of either kind. What a rule does is the caller's; jumps and returns are the same everywhere.
import type { FoundElement } from './packet.ts';
import type { PacketState } from './state.ts';

/** What follows a rule. */
export type Sequel =
  | { readonly kind: 'next' | 'return' | 'accept' | 'drop' | 'reject' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string };

export const goOn: Sequel = { kind: 'next' };

/** A packet within a rule: what it was found in so far, and how likely it came so far. */
export interface Within {
  readonly state: PacketState;
  readonly elements: readonly FoundElement[];
  readonly chance: number;
}

export interface Branch {
  readonly state: PacketState;
  readonly sequel: Sequel;
}

/** How a packet leaves a base chain; what falls out of its end is accepted. */
export interface Ended {
  readonly state: PacketState;
  readonly verdict: 'accept' | 'drop' | 'reject';
}

export interface Chains<Rule> {
  /** The rules of a chain; none for a chain that is not there. */
  rules(chain: string): readonly Rule[];
  /** All that may come of a rule: one branch, or several when dice are thrown. */
  evaluate(rule: Rule, chain: string, state: PacketState): readonly Branch[];
}

/** Goes through a chain and all it leads to. What comes out of its end, or returns, is in `back`. */
function walkChain<Rule>(
  chains: Chains<Rule>,
  chain: string,
  start: PacketState,
): { ended: Ended[]; back: PacketState[] } {
  const ended: Ended[] = [];
  const back: PacketState[] = [];
  let here: PacketState[] = [start];
  for (const rule of chains.rules(chain)) {
    const next: PacketState[] = [];
    for (const packet of here) {
      for (const { state, sequel } of chains.evaluate(rule, chain, packet)) {
        switch (sequel.kind) {
          case 'next':
            next.push(state);
            break;
          case 'return':
            back.push(state);
            break;
          case 'jump':
          case 'goto': {
            const inner = walkChain(chains, sequel.chain, state);
            ended.push(...inner.ended);
            (sequel.kind === 'jump' ? next : back).push(...inner.back);
            break;
          }
          default:
            ended.push({ state, verdict: sequel.kind });
        }
      }
    }
    here = next;
    if (here.length === 0) break;
  }
  return { ended, back: [...back, ...here] };
}

/** Goes through a base chain, whose policy is to accept. */
export function walk<Rule>(chains: Chains<Rule>, chain: string, start: PacketState): Ended[] {
  const { ended, back } = walkChain(chains, chain, start);
  return [...ended, ...back.map((state): Ended => ({ state, verdict: 'accept' }))];
}
