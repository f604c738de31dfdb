import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyTransaction } from './fake.ts';
import { renderTable, renderTransaction } from './render.ts';
import type { Chain, NftSet, SetDeclaration, Table } from './ruleset.ts';
import { diff } from './transaction.ts';

/** Tables small enough that two of them have much in common: what matters is in the changes. */
const tables: fc.Arbitrary<Table> = fc
  .record({
    chains: fc.subarray(['a', 'b', 'c', 'd'], { minLength: 1 }),
    sets: fc.subarray(['s', 't', 'u'], { minLength: 1 }),
    timeouts: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
    elements: fc.array(fc.tuple(fc.nat(2), fc.nat(5), fc.nat(3)), { maxLength: 12 }),
    rules: fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.nat(2)), { maxLength: 8 }),
  })
  .map(({ chains, sets, timeouts, elements, rules }) => {
    const setMap = new Map<string, NftSet>();
    for (const [i, name] of sets.entries()) {
      const declaration: SetDeclaration = {
        kind: 'map',
        name,
        type: 'type ipv4_addr : verdict',
        flags: ['dynamic'],
        timeoutSeconds: timeouts[i]!,
      };
      const own = elements.filter(([set]) => set === i);
      const pairs = own.map(([, key, chain]) => [`10.0.0.${key}`, `goto ${chains[chain % chains.length]}`] as const);
      setMap.set(name, { declaration, elements: new Map(pairs) });
    }
    const chainMap = new Map<string, Chain>();
    for (const [i, name] of chains.entries()) {
      // Leads only to later chains, so that there are no loops.
      const own = rules.filter(([from, to]) => from === i && to > i && to < chains.length);
      chainMap.set(name, {
        name,
        rules: own.map(([, to, set]) => ({
          statements: [
            { kind: 'lookup', key: ['ip saddr'], op: '==', set: sets[set % sets.length]! },
            { kind: 'goto', chain: chains[to]! },
          ],
        })),
      });
    }
    return { family: 'ip', name: 'test', sets: setMap, chains: chainMap };
  });

const sorted = (table: Table | undefined) =>
  table && {
    ...table,
    chains: new Map([...table.chains].sort(([a], [b]) => (a < b ? -1 : 1))),
    sets: new Map(
      [...table.sets]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, set]) => [name, { ...set, elements: new Map([...set.elements].sort()) }]),
    ),
  };

describe('diff', () => {
  test('applied to the one gives the other', () => {
    fc.assert(
      fc.property(fc.option(tables, { nil: undefined }), fc.option(tables, { nil: undefined }), (a, b) => {
        const transaction = diff(a, b);
        const result = transaction ? applyTransaction(a, transaction) : a;
        expect(sorted(result)).toEqual(sorted(b));
      }),
      { numRuns: 500 },
    );
  });

  test('of equal tables does nothing', () => {
    fc.assert(
      fc.property(tables, (table) => {
        expect(diff(table, table)?.operations).toEqual([]);
      }),
    );
  });

  test('of one more element is one element', () => {
    const declaration: SetDeclaration = { kind: 'set', name: 's', type: 'type ipv4_addr' };
    const table = (...keys: string[]): Table => ({
      family: 'ip',
      name: 'test',
      chains: new Map(),
      sets: new Map([['s', { declaration, elements: new Map(keys.map((key) => [key, ''])) }]]),
    });
    const transaction = diff(table('10.0.0.1'), table('10.0.0.1', '10.0.0.2'))!;
    expect(renderTransaction(transaction)).toBe('add element ip test s { 10.0.0.2 }\n');
  });
});

describe('the fake refuses what the kernel refuses', () => {
  const declaration: SetDeclaration = { kind: 'map', name: 'm', type: 'type ipv4_addr : verdict' };
  const table: Table = {
    family: 'ip',
    name: 'test',
    chains: new Map([['a', { name: 'a', rules: [] }]]),
    sets: new Map([['m', { declaration, elements: new Map([['10.0.0.1', 'goto a']]) }]]),
  };
  test.each([
    ['ENOENT', { op: 'add-elements', set: 'm', elements: [['10.0.0.2', 'goto nowhere']] }],
    ['EEXIST', { op: 'add-elements', set: 'm', elements: [['10.0.0.1', 'drop']] }],
    ['ENOENT', { op: 'delete-elements', set: 'm', keys: ['10.0.0.9'] }],
    ['EBUSY', { op: 'delete-chain', chain: 'a' }],
    ['ENOENT', { op: 'flush-chain', chain: 'b' }],
  ] as const)('%s: %j', (code, operation) => {
    const attempt = () => applyTransaction(table, { family: 'ip', table: 'test', operations: [operation] });
    expect(attempt).toThrow(expect.objectContaining({ code }));
  });
});

test('a table as text', () => {
  const table: Table = {
    family: 'ip6',
    name: 'test',
    comment: 'what for',
    sets: new Map([
      [
        'affinity',
        {
          declaration: {
            kind: 'set',
            name: 'affinity',
            type: 'type ipv6_addr',
            flags: ['dynamic', 'timeout'],
            timeoutSeconds: 60,
          },
          elements: new Map(),
        },
      ],
    ]),
    chains: new Map([
      [
        'in',
        {
          name: 'in',
          hook: { type: 'nat', hook: 'prerouting', priority: -100 },
          rules: [
            { statements: [{ kind: 'update', set: 'affinity', key: ['ip6 saddr'] }], comment: 'remember' },
            { statements: [{ kind: 'dnat', family: 'ip6', address: 'fd00::1', port: 80 }] },
          ],
        },
      ],
    ]),
  };
  expect(renderTable(table)).toBe(readFileSync(new URL('testdata/table.nft', import.meta.url), 'utf8'));
});
