import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyTransaction } from '../../nftables/fake.ts';
import { renderTransaction } from '../../nftables/render.ts';
import type { Table } from '../../nftables/ruleset.ts';
import { arbitraryEvent } from '../fixtures/arbitrary.ts';
import { Follower } from '../fixtures/follower.ts';
import { shapeOf } from '../fixtures/nft-shape.ts';
import { config, endpoint, service, slice } from '../fixtures/objects.ts';
import { nftablesRuleset } from './ruleset.ts';
import { NftablesState } from './state.ts';

function newFollower(): Follower<NftablesState> {
  return new Follower(new NftablesState(config));
}

/** The table of the same objects, made at once. */
const fresh = (follower: Follower<NftablesState>): Table => nftablesRuleset(follower.plans(), config);

describe('the table', () => {
  test('follows any events by small transactions to where it would be at once', () => {
    fc.assert(
      fc.property(fc.array(fc.array(arbitraryEvent, { maxLength: 4 }), { maxLength: 12 }), (batches) => {
        const follower = newFollower();
        let kernel = applyTransaction(undefined, follower.state.takeAll());
        for (const batch of batches) {
          for (const event of batch) follower.handle(event);
          follower.update();
          const transaction = follower.state.take();
          if (transaction) kernel = applyTransaction(kernel, transaction);
          expect(shapeOf(kernel!)).toEqual(shapeOf(follower.state.table()));
        }
        expect(shapeOf(kernel!)).toEqual(shapeOf(fresh(follower)));
        expect(JSON.stringify(shapeOf(kernel!))).not.toContain('MISSING');
      }),
      { numRuns: 150 },
    );
  });

  test('has the same rules for one Service and for a thousand', () => {
    const rules = (count: number): number => {
      const follower = newFollower();
      for (let i = 0; i < count; i += 1) {
        const name = `web-${i}`;
        follower.view.setService(service({ name, clusterIP: `10.96.${i >> 8}.${i & 255}` }));
        follower.view.setSlice(slice(name, [endpoint('10.244.1.1', 'node-a'), endpoint('10.244.2.1', 'node-b')]));
      }
      return [...fresh(follower).chains.values()].reduce((sum, chain) => sum + chain.rules.length, 0);
    };
    expect(rules(1000)).toBe(rules(1));
  });
});

describe('a change', () => {
  function ready(count: number): Follower<NftablesState> {
    const follower = newFollower();
    follower.view.setService(service({ name: 'web' }));
    follower.view.setSlice(slice('web', addresses(count)));
    follower.update();
    follower.state.takeAll();
    return follower;
  }
  const addresses = (count: number) => Array.from({ length: count }, (_, i) => endpoint(`10.244.2.${i + 1}`, 'node-b'));
  const text = (follower: Follower<NftablesState>) => {
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
