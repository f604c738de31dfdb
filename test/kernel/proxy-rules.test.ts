// Rules in the real kernel: changes lead where a ruleset written at once would, and rules do not grow with Services.
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { renderUpdate } from '../../src/iptables/render.ts';
import type { TableUpdate } from '../../src/iptables/ruleset.ts';
import { renderTransaction } from '../../src/nftables/render.ts';
import type { Table } from '../../src/nftables/ruleset.ts';
import { diff } from '../../src/nftables/transaction.ts';
import { arbitraryEvent } from '../../src/proxy/fixtures/arbitrary.ts';
import { Follower } from '../../src/proxy/fixtures/follower.ts';
import { config, endpoint, service, settings, slice } from '../../src/proxy/fixtures/objects.ts';
import {
  arbitraryFamily,
  arbitraryWorldOf,
  type World,
  worldConfig,
  worldPlans,
} from '../../src/proxy/fixtures/world.ts';
import { IptablesState } from '../../src/proxy/iptables/state.ts';
import { fillingScript } from '../../src/proxy/nftables/filling.ts';
import { hasStructure, type Listing, readListing, sameElements } from '../../src/proxy/nftables/listing.ts';
import { nftablesRuleset } from '../../src/proxy/nftables/ruleset.ts';
import { NftablesState } from '../../src/proxy/nftables/state.ts';
import { ownerOf } from '../../src/proxy/owner.ts';
import { configOf } from '../../src/proxy/settings.ts';
import { TestNamespace } from './netns.ts';
import { nftLines } from './nft-lines.ts';

let space: TestNamespace;
beforeAll(() => {
  space = new TestNamespace('rules');
});
afterAll(() => space?.close());
beforeEach(() => {
  space.run('nft flush ruleset');
});

/** Two worlds of one family. */
const pairs = arbitraryFamily.chain((family) => fc.tuple(arbitraryWorldOf(family), arbitraryWorldOf(family)));
const batches = fc.array(fc.array(arbitraryEvent, { maxLength: 4 }), { maxLength: 10 });

describe('nftables: the kernel takes', () => {
  test('every transaction, and holds in the end what one written at once would give it', () => {
    fc.assert(
      fc.property(batches, (events) => {
        const follower = new Follower(new NftablesState(config));
        const { state } = follower;
        space.run('nft -f -', renderTransaction(state.takeAll()));
        for (const batch of events) {
          for (const event of batch) follower.handle(event);
          follower.update();
          const transaction = state.take();
          if (transaction) space.run('nft -f -', renderTransaction(transaction));
          const listing = space.run('nft -j -s -p list table ip portico-proxy');
          expect(matchesListing(state.table(), readListing(listing)), listing).toBe(true);
        }
        const followed = nftLines(space, 'ip');
        space.run('nft -f -', renderTransaction(state.takeAll()));
        expect(followed).toEqual(nftLines(space, 'ip'));
      }),
      { numRuns: 25 },
    );
  });

  test('tables that are planned while it is written, and nothing of those that end early', () => {
    fc.assert(
      fc.property(arbitraryFamily.chain(arbitraryWorldOf), fc.integer({ min: 1, max: 4 }), (world, atOnce) => {
        const own = worldConfig(world, 'nftables');
        const states = [
          new NftablesState(own),
          new NftablesState(
            configOf({ ...settings, clusterCIDRs: ['fd00:10::/48'] }, 'IPv6', { ...config.node, addresses: [] }),
          ),
        ];
        function* planning(): Iterable<void> {
          for (const [i, plan] of worldPlans(world).entries()) {
            states[0]!.set(ownerOf(plan.servicePort), plan);
            if (i % atOnce === 0) yield;
          }
        }
        const pieces = [...fillingScript(own.family === 'IPv4' ? states : states.slice(0, 1), planning())];
        space.run('nft flush ruleset');
        const end = pieces.findIndex((piece) => piece.endsWith('}\n}\n'));
        expect(() => space.run('nft -f -', pieces.slice(0, end).join(''))).toThrow('syntax error');
        expect(space.run('nft list ruleset')).toBe('');
        space.run('nft -f -', pieces.join(''));
        const table = states[0]!.table();
        const listing = space.run(`nft -j -s -p list table ${table.family} ${table.name}`);
        expect(matchesListing(table, readListing(listing)), listing).toBe(true);
        expect(states[0]!.take()).toBeUndefined();
      }),
      { seed: 4, numRuns: 20 },
    );
  });

  test('the difference of any two tables, and holds the second one then', () => {
    const tableOf = (world: World): Table => nftablesRuleset(worldPlans(world), worldConfig(world, 'nftables'));
    const write = (table: Table | undefined, before: Table | undefined) => {
      const transaction = diff(before, table);
      if (transaction) space.run('nft -f -', renderTransaction(transaction));
    };
    fc.assert(
      fc.property(pairs, ([one, other]) => {
        const first = tableOf(one);
        const second = tableOf(other);
        write(first, undefined);
        write(second, first);
        const changed = nftLines(space, first.family);
        write(undefined, second);
        write(second, undefined);
        expect(changed).toEqual(nftLines(space, first.family));
        write(undefined, second);
      }),
      { seed: 4, numRuns: 15 },
    );
  });

  test('ten thousand Services with no more rules than ten', () => {
    const rules = (count: number): number => {
      const follower = new Follower(new NftablesState(config));
      for (let i = 0; i < count; i += 1) {
        const name = `web-${i}`;
        const nodePort = { name: 'http', port: 80, protocol: 'TCP', nodePort: 20000 + i };
        const clusterIP = `10.96.${i >> 8}.${i & 255}`;
        follower.view.setService(service({ name, type: 'NodePort', clusterIP, ports: [nodePort] }));
        follower.view.setSlice(slice(name, [endpoint('10.244.1.1', 'node-a'), endpoint('10.244.2.1', 'node-b')]));
      }
      follower.update();
      space.run('nft -f -', renderTransaction(follower.state.takeAll()));
      const { nftables } = JSON.parse(space.run('nft -j -t list table ip portico-proxy')) as { nftables: object[] };
      return nftables.filter((object) => 'rule' in object).length;
    };
    const few = rules(10);
    expect(few).toBeGreaterThan(20);
    expect(rules(10_000)).toBe(few);
  });
});

describe('iptables: the kernel takes', () => {
  const iptables = configOf({ ...settings, mode: 'iptables' }, 'IPv4', config.node);
  const restore = (updates: readonly TableUpdate[]) =>
    space.run('iptables-restore --noflush', updates.map(renderUpdate).join(''));

  /** The rules of each chain in their order, and the chains by name. */
  function dump(): string[] {
    const lines = space.run('iptables-save').split('\n');
    const table = (i: number) => lines.slice(0, i).findLast((line) => line.startsWith('*'));
    return lines
      .map((line, i) => ({ line, chain: `${table(i)} ${line.split(' ')[1]}` }))
      .filter(({ line }) => line.startsWith('-A') || line.startsWith(':'))
      .map(({ line, chain }) => ({ chain, line: line.replace(/\[\d+:\d+\]/, '') }))
      .sort((a, b) => (a.chain < b.chain ? -1 : a.chain > b.chain ? 1 : 0))
      .map(({ chain, line }) => `${chain}: ${line}`);
  }

  test('every partial update, and holds in the end what one written at once would give it', () => {
    fc.assert(
      fc.property(batches, (events) => {
        space.run('nft flush ruleset');
        const follower = new Follower(new IptablesState(iptables));
        const { state } = follower;
        restore(state.takeAll([]));
        for (const batch of events) {
          for (const event of batch) follower.handle(event);
          follower.update();
          if (state.hasChanges) restore(state.take());
        }
        const followed = dump();
        space.run('nft flush ruleset');
        const fresh = new IptablesState(iptables);
        for (const plan of follower.plans()) fresh.set(ownerOf(plan.servicePort), plan);
        restore(fresh.takeAll([]));
        expect(followed.filter((line) => line.includes('KUBE'))).toEqual(
          dump().filter((line) => line.includes('KUBE')),
        );
      }),
      { seed: 4, numRuns: 15 },
    );
  });
});

/** Whether a listing shows all of a table. Sets that fill themselves are not looked into. */
function matchesListing(table: Table, listing: Listing): boolean {
  if (!hasStructure(table, listing)) return false;
  for (const [name, { declaration, elements }] of table.sets) {
    if (declaration.flags?.includes('dynamic')) continue;
    if (!sameElements(elements, listing.sets.get(name)!)) return false;
  }
  return true;
}
