// Services and slices come by watches of their own: in whatever order the two meet, and whenever rules are written in
// between, the rules are the same in the end.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ProxyConfig } from './config.ts';
import { arbitraryEvent, type ObjectEvent } from './fixtures/arbitrary.ts';
import { Follower, type PortState } from './fixtures/follower.ts';
import { shapeOf } from './fixtures/nft-shape.ts';
import { nodeA, settings } from './fixtures/objects.ts';
import { IptablesState } from './iptables/state.ts';
import { ipvsRuleset } from './ipvs/ruleset.ts';
import { NftablesState } from './nftables/state.ts';
import { configOf, type ProxyMode } from './settings.ts';

/** Two streams, each in its order, taken from as the choices say. */
function interleave<T>(streams: readonly [readonly T[], readonly T[]], choices: readonly boolean[]): T[] {
  const [first, second] = streams.map((stream) => [...stream]) as [T[], T[]];
  const merged = choices.flatMap((choice) => (choice ? first : second).splice(0, 1));
  return [...merged, ...first, ...second];
}

/** A way to take the events in: from which watch the next one comes, and after which of them rules are written. */
const arbitraryWay = fc.record({
  choices: fc.array(fc.boolean(), { maxLength: 30 }),
  writes: fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
});

interface Writable extends PortState {
  take(): unknown;
}

function follow<State extends Writable>(
  state: State,
  events: readonly ObjectEvent[],
  writes: readonly boolean[],
): Follower<State> {
  const follower = new Follower(state);
  events.forEach((event, i) => {
    follower.handle(event);
    if (!writes[i]) return;
    follower.update();
    state.take();
  });
  follower.update();
  return follower;
}

/** The rules of a mode after the events, for comparing. */
const rulesAfter: Readonly<
  Record<ProxyMode, (events: readonly ObjectEvent[], writes: readonly boolean[], config: ProxyConfig) => unknown>
> = {
  nftables: (events, writes, config) => shapeOf(follow(new NftablesState(config), events, writes).state.table()),
  iptables: (events, writes, config) => follow(new IptablesState(config), events, writes).state.tables(),
  // All of it is made of the plans at every sync.
  ipvs: (events, writes, config) => ipvsRuleset(follow(new NftablesState(config), events, writes).plans(), config),
};

test.each<ProxyMode>(['nftables', 'iptables', 'ipvs'])('in mode %s the order of events does not show', (mode) => {
  const config = configOf({ ...settings, mode }, 'IPv4', nodeA);
  fc.assert(
    fc.property(fc.array(arbitraryEvent, { maxLength: 25 }), arbitraryWay, arbitraryWay, (events, one, other) => {
      const isSlice = ({ kind }: ObjectEvent) => kind.startsWith('slice');
      const streams = [events.filter((event) => !isSlice(event)), events.filter(isSlice)] as const;
      const [first, second] = [one, other].map(({ choices, writes }) =>
        rulesAfter[mode](interleave(streams, choices), writes, config),
      );
      expect(first).toEqual(second);
    }),
    { seed: 4, numRuns: 100 },
  );
});
