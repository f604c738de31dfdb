import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyTransaction } from '../../nftables/fake.ts';
import { renderTransaction } from '../../nftables/render.ts';
import type { Table } from '../../nftables/ruleset.ts';
import { arbitraryEvent, type ObjectEvent } from '../fixtures/arbitrary.ts';
import { config, endpoint, nodeA, service, slice } from '../fixtures/objects.ts';
import { ownerOf } from '../owner.ts';
import { ServiceView } from '../service-view.ts';
import { groupMap, localOffset } from './load-balancing.ts';
import { nftablesRuleset } from './ruleset.ts';
import { NftablesState } from './state.ts';

/** A view and the table that follows it, as a proxier has them. */
class Follower {
  readonly view = new ServiceView();
  readonly state = new NftablesState(config);
  readonly #owners = new Map<string, string[]>();

  handle(event: ObjectEvent): void {
    if (event.kind === 'service') this.view.setService(event.object);
    else if (event.kind === 'service-gone') this.view.deleteService(event.object);
    else if (event.kind === 'slice') this.view.setSlice(event.object);
    else this.view.deleteSlice(event.object);
  }

  update(): void {
    for (const name of this.view.takeChanged()) {
      const plans = this.view.plans(name, 'IPv4', nodeA);
      const owners = plans.map((plan) => ownerOf(plan.servicePort));
      for (const gone of this.#owners.get(name) ?? []) if (!owners.includes(gone)) this.state.set(gone, undefined);
      for (const plan of plans) this.state.set(ownerOf(plan.servicePort), plan);
      this.#owners.set(name, owners);
    }
  }

  /** The table of the same objects, made at once. */
  fresh(): Table {
    const names = [...this.view.names()].sort();
    return nftablesRuleset(
      names.flatMap((name) => this.view.plans(name, 'IPv4', nodeA)),
      config,
    );
  }
}

/** The endpoints that a packet with this key may be sent to by a chain of load balancing, without their numbers. */
function balanced(table: Table, key: string, value: string): string {
  const match = /^goto (nodeport-)?(local-)?lb-(\d+)$/.exec(value);
  if (!match) return value;
  const [, nodePort = '', local, count = ''] = match;
  const map = table.sets.get(groupMap(nodePort ? 'nodeport' : 'service', Number(count)))!;
  const numbers = Array.from({ length: Number(count) }, (_, i) => i + (local ? localOffset : 0));
  return numbers
    .map((number) => map.elements.get(`${key} . ${number}`) ?? 'MISSING')
    .sort()
    .join(' | ');
}

/** A table without the order of its parts, and with the endpoints in place of their numbers. */
function shape(table: Table) {
  const sets = [...table.sets.values()].filter(({ declaration }) => !declaration.name.includes('endpoints-'));
  const elements = sets.map(({ declaration, elements }) => [
    declaration.name,
    [...elements].map(([key, value]) => `${key} : ${balanced(table, key, value)}`).sort(),
  ]);
  return { sets: Object.fromEntries(elements), chains: Object.fromEntries([...table.chains].sort()) };
}

describe('the table', () => {
  test('follows any events by small transactions to where it would be at once', () => {
    fc.assert(
      fc.property(fc.array(fc.array(arbitraryEvent, { maxLength: 4 }), { maxLength: 12 }), (batches) => {
        const follower = new Follower();
        let kernel = applyTransaction(undefined, follower.state.takeAll());
        for (const batch of batches) {
          for (const event of batch) follower.handle(event);
          follower.update();
          const transaction = follower.state.take();
          if (transaction) kernel = applyTransaction(kernel, transaction);
          expect(shape(kernel!)).toEqual(shape(follower.state.table()));
        }
        expect(shape(kernel!)).toEqual(shape(follower.fresh()));
        expect(JSON.stringify(shape(kernel!))).not.toContain('MISSING');
      }),
      { numRuns: 150 },
    );
  });

  test('has the same rules for one Service and for a thousand', () => {
    const rules = (count: number): number => {
      const follower = new Follower();
      for (let i = 0; i < count; i += 1) {
        const name = `web-${i}`;
        follower.view.setService(service({ name, clusterIP: `10.96.${i >> 8}.${i & 255}` }));
        follower.view.setSlice(slice(name, [endpoint('10.244.1.1', 'node-a'), endpoint('10.244.2.1', 'node-b')]));
      }
      return [...follower.fresh().chains.values()].reduce((sum, chain) => sum + chain.rules.length, 0);
    };
    expect(rules(1000)).toBe(rules(1));
  });
});

describe('a change', () => {
  function ready(count: number): Follower {
    const follower = new Follower();
    follower.view.setService(service({ name: 'web' }));
    follower.view.setSlice(slice('web', addresses(count)));
    follower.update();
    follower.state.takeAll();
    return follower;
  }
  const addresses = (count: number) => Array.from({ length: count }, (_, i) => endpoint(`10.244.2.${i + 1}`, 'node-b'));
  const text = (follower: Follower) => {
    follower.update();
    const transaction = follower.state.take();
    return transaction ? renderTransaction(transaction) : '';
  };

  test('of one endpoint is a handful of elements', () => {
    const follower = ready(3);
    follower.view.setSlice(slice('web', addresses(4)));
    expect(text(follower)).toBe(
      [
        'delete element ip portico-proxy services { 10.96.0.10 . tcp . 80 }',
        'add element ip portico-proxy endpoints-16 { 10.96.0.10 . tcp . 80 . 3 : 10.244.2.4 . 8080 }',
        'add element ip portico-proxy services { 10.96.0.10 . tcp . 80 : goto lb-4 }',
        '',
      ].join('\n'),
    );
  });

  test('that takes one away gives its number to the last', () => {
    const follower = ready(3);
    follower.view.setSlice(slice('web', addresses(3).slice(1)));
    expect(text(follower)).toBe(
      [
        'delete element ip portico-proxy endpoints-16 { 10.96.0.10 . tcp . 80 . 0, 10.96.0.10 . tcp . 80 . 2 }',
        'delete element ip portico-proxy services { 10.96.0.10 . tcp . 80 }',
        'add element ip portico-proxy endpoints-16 { 10.96.0.10 . tcp . 80 . 0 : 10.244.2.3 . 8080 }',
        'add element ip portico-proxy services { 10.96.0.10 . tcp . 80 : goto lb-2 }',
        '',
      ].join('\n'),
    );
  });

  test('that changes nothing is none', () => {
    const follower = ready(3);
    follower.view.setSlice(slice('web', addresses(3)));
    expect(text(follower)).toBe('');
  });

  test('that passes through other states before it is taken is only what is left of it', () => {
    const follower = ready(16);
    follower.view.setSlice(slice('web', addresses(40)));
    follower.update();
    follower.view.setSlice(slice('web', addresses(16)));
    expect(text(follower)).toBe('');
  });
});
