import { expect, test } from 'vitest';
import type { ElementEvent, NftEvent } from '../../nftables/events.ts';
import { type ForeignEdit, Generations } from './generations.ts';

const generation: NftEvent = { kind: 'generation' };
const chain: NftEvent = { kind: 'chain', verb: 'add', family: 'ip', table: 'portico-proxy', chain: 'services' };
const element: ElementEvent = {
  kind: 'element',
  verb: 'delete',
  family: 'ip',
  table: 'portico-proxy',
  set: 'cluster-ips',
  key: new Uint8Array([10, 96, 0, 10]),
};

/** What someone else did, after each event. */
function edits(generations: Generations, events: readonly NftEvent[]): ForeignEdit[] {
  return events.map((event) => generations.read(event)).filter((edit) => edit !== undefined);
}

test('a transaction that was announced is ours, whatever it touched; the next is not', () => {
  const generations = new Generations();
  generations.announce();
  expect(edits(generations, [chain, element, generation])).toEqual([]);
  expect(edits(generations, [element, element, generation])).toEqual([
    { structure: false, elements: [element, element] },
  ]);
  expect(edits(generations, [chain, generation])).toEqual([{ structure: true, elements: [] }]);
});

test('what began before ours was announced is not ours', () => {
  const generations = new Generations();
  expect(edits(generations, [element])).toEqual([]);
  generations.announce();
  expect(edits(generations, [generation])).toEqual([{ structure: false, elements: [element] }]);
  expect(edits(generations, [element, generation])).toEqual([]);
});

test('a transaction that was refused makes none', () => {
  const generations = new Generations();
  generations.announce();
  generations.withdraw();
  expect(edits(generations, [chain, generation])).toHaveLength(1);
});

test('changes of other tables are of no concern', () => {
  const generations = new Generations();
  expect(edits(generations, [{ ...chain, table: 'filter' }, generation])).toEqual([]);
  expect(edits(generations, [{ ...element, table: 'filter' }, generation, generation])).toEqual([]);
});

test('a monitor that ends in the middle of an edit of our chains leaves no doubt', () => {
  const generations = new Generations();
  generations.read(chain);
  expect(generations.end()).toBe('edited');
  expect(generations.end()).toBe('unknown');
});
