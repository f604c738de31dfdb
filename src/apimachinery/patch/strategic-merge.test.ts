import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Field, type ObjectSchema, type Schema, scalarSchema } from '../schema/schema.ts';
import { PatchSyntaxError } from './json-patch.ts';
import { applyStrategicMergePatch } from './strategic-merge.ts';
import { PatchTypeError } from './strategic-problems.ts';

function object(fields: Readonly<Record<string, Schema | Partial<Field>>>): ObjectSchema {
  const made = Object.entries(fields).map(([name, given]): [string, Field] => [
    name,
    {
      name,
      schema: scalarSchema('any'),
      required: false,
      absent: 'nothing',
      keepsZero: true,
      patchStrategy: [],
      patchMergeKey: undefined,
      default: undefined,
      ...('kind' in given ? { schema: given as Schema } : given),
    },
  ]);
  return { kind: 'object', name: 'v1.Test', fields: new Map(made), filled: [], atomic: false };
}

const text = scalarSchema('string');
const item = object({ name: text, value: text, tags: text });
const schema = object({
  items: {
    schema: { kind: 'list', items: item, type: 'map', keys: ['name'] },
    patchStrategy: ['merge'],
    patchMergeKey: 'name',
  },
  finalizers: { schema: { kind: 'list', items: text, type: 'set', keys: [] }, patchStrategy: ['merge'] },
  args: { kind: 'list', items: text, type: 'atomic', keys: [] },
  labels: { kind: 'map', values: text, atomic: false },
  strategy: { schema: object({ type: text, rolling: text }), patchStrategy: ['retainKeys'] },
});

const live = {
  items: [
    { name: 'a', value: '1' },
    { name: 'b', value: '2' },
  ],
  finalizers: ['x', 'y'],
  args: ['1', '2'],
  labels: { k: 'v', l: 'w' },
  strategy: { type: 'Rolling', rolling: 'fast' },
};

test.each([
  ['an item by its key', { items: [{ name: 'b', value: '3' }] }, { items: [live.items[0], { name: 'b', value: '3' }] }],
  ['a new item', { items: [{ name: 'c' }] }, { items: [{ name: 'c' }, ...live.items] }],
  ['an item deleted', { items: [{ name: 'a', $patch: 'delete' }] }, { items: [live.items[1]] }],
  ['the list replaced', { items: [{ name: 'c' }, { $patch: 'replace' }] }, { items: [{ name: 'c' }] }],
  ['a list emptied', { items: [{ $patch: 'replace' }] }, { items: [] }],
  ['a list removed', { items: null }, { items: undefined }],
  [
    'a list in another order',
    { '$setElementOrder/items': [{ name: 'b' }, { name: 'a' }] },
    { items: live.items.toReversed() },
  ],
  [
    'a new item in front',
    { '$setElementOrder/items': [{ name: 'c' }, { name: 'a' }, { name: 'b' }], items: [{ name: 'c' }] },
    { items: [{ name: 'c' }, ...live.items] },
  ],
  [
    "the server's items keep their place",
    { '$setElementOrder/items': [{ name: 'c' }, { name: 'b' }], items: [{ name: 'c' }] },
    { items: [{ name: 'c' }, ...live.items] },
  ],
  ['scalars merged', { finalizers: ['z', 'x'] }, { finalizers: ['z', 'x', 'y'] }],
  [
    'items changed stand in the order of the patch',
    { items: [{ name: 'b' }, { name: 'a' }] },
    { items: live.items.toReversed() },
  ],
  [
    'a new item keeps its nulls',
    { items: [{ name: 'c', value: null }] },
    { items: [{ name: 'c', value: null }, ...live.items] },
  ],
  ['a list deleted', { '$deleteFromPrimitiveList/finalizers': null }, { finalizers: undefined }],
  ['a key in another case', { LABELS: { k: 'x' } }, { LABELS: { k: 'x' } }],
  ['scalars deleted', { '$deleteFromPrimitiveList/finalizers': ['x'] }, { finalizers: ['y'] }],
  [
    'scalars deleted, added and ordered',
    { '$deleteFromPrimitiveList/finalizers': ['x'], '$setElementOrder/finalizers': ['z', 'y'], finalizers: ['z'] },
    { finalizers: ['z', 'y'] },
  ],
  ['an atomic list', { args: ['3'] }, { args: ['3'] }],
  ['a map', { labels: { k: null, m: 'n' } }, { labels: { l: 'w', m: 'n' } }],
  ['a map replaced', { labels: { $patch: 'replace', z: '9' } }, { labels: { z: '9' } }],
  ['a map emptied', { labels: { $patch: 'delete' } }, { labels: {} }],
  ['keys retained', { strategy: { $retainKeys: ['type'], type: 'Recreate' } }, { strategy: { type: 'Recreate' } }],
  [
    'a new object without nulls and what is marked, but with other directives',
    { more: { a: null, b: [{ $patch: 'delete' }, { c: 1 }], $retainKeys: ['b'] } },
    { more: { b: [{ c: 1 }], $retainKeys: ['b'] } },
  ],
])('%s', (_, patch, expected) => {
  expect(applyStrategicMergePatch(live, patch, schema)).toEqual({ ...live, ...expected });
});

test.each([
  [{ $retainKeys: 'a' }, new PatchSyntaxError('invalid patch format of retainKeys')],
  [
    { strategy: { $retainKeys: ['type'], rolling: 'slow' } },
    new PatchSyntaxError('invalid patch format of retainKeys'),
  ],
  [{ $setElementOrder: [] }, new PatchSyntaxError('invalid patch format of setElementOrder list')],
  [{ $deleteFromPrimitiveList: [] }, new PatchSyntaxError('invalid patch format of primitive list')],
  [{ finalizers: [['z']] }, new PatchTypeError('list element types are not identical: [[x y] [[z]]]')],
])('%j is refused', (patch, error) => {
  expect(() => applyStrategicMergePatch(live, patch, schema)).toThrow(error);
});

test.each([
  [{ labels: { $patch: 'destroy' } }, 'unknown patch type: destroy in map: map[$patch:destroy]'],
  [{ labels: { $patch: 1 } }, 'unknown patch type: %!s(int64=1) in map: map[$patch:1]'],
  [{ items: [{ value: 'x' }] }, 'map: map[value:x] does not contain declared merge key: name'],
  [{ items: [{ $patch: 'delete' }] }, 'map: map[$patch:delete] does not contain declared merge key: name'],
  [{ items: [{ $patch: 'merge' }] }, 'merging lists cannot yet be specified in the patch'],
  [
    { items: [{ name: 'a' }, 'b'] },
    'list element types are not identical: [[map[name:a value:1] map[name:b value:2]] [map[name:a] b]]',
  ],
  [{ finalizers: [{ name: 'z' }] }, 'list element types are not identical: [[x y] [map[name:z]]]'],
  [{ '$setElementOrder/items': 'a' }, 'expected a []interface {}, but received a string'],
  [
    { '$setElementOrder/items': [{ name: 'a' }], items: [{ name: 'b' }] },
    "The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
  ],
  [{ '$setElementOrder/none': ['a'] }, 'unable to find api field in struct Test for the json field "none"'],
  [{ '$setElementOrder/labels': ['a'] }, 'expected a []interface {}, but received a map[string]interface {}'],
])('%j does not fit the type', (patch, message) => {
  expect(() => applyStrategicMergePatch(live, patch, schema)).toThrow(new PatchTypeError(message));
});

test('a patch without directives applies once; the live object stays as it was', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const value = fc.constantFrom('1', '2');
  const items = fc.uniqueArray(fc.record({ name, value }), { selector: (i) => i.name, maxLength: 4 });
  const patches = fc.record(
    { items, labels: fc.dictionary(name, fc.option(value)), args: fc.array(value) },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(
      fc.record({ items, labels: fc.dictionary(name, value), args: fc.array(value) }),
      patches,
      (before, patch) => {
        const kept = structuredClone(before);
        const once = applyStrategicMergePatch(before, patch, schema);
        expect(before).toEqual(kept);
        expect(applyStrategicMergePatch(once, patch, schema)).toEqual(once);
        const names = (once.items as { name: string }[]).map((i) => i.name);
        expect(new Set(names).size).toBe(names.length);
      },
    ),
  );
});

test('long lists are merged, shortened and ordered without comparing all with all', () => {
  // So many that comparing them would outlast the test's time by far.
  const half = 25_000;
  const names = (from: number) => Array.from({ length: 2 * half }, (_, i) => `n${from + i}`);
  const items = (from: number) => names(from).map((name) => ({ name, value: '1' }));
  const patch = {
    items: items(half).reverse(),
    '$setElementOrder/items': items(half).reverse(),
    '$deleteFromPrimitiveList/finalizers': names(0),
    finalizers: names(half),
  };
  const merged = applyStrategicMergePatch({ items: items(0), finalizers: names(0) }, patch, schema);
  expect((merged.items as unknown[]).length).toBe(3 * half);
  expect(merged.finalizers).toEqual(names(half));
});
