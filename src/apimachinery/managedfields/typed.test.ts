// Facts as the API server of Kubernetes 1.36 shows them on custom resources.
import { describe, expect, test } from 'vitest';
import { fieldSchema } from '../../api/apiextensions/schema/field-schema.ts';
import type { JSONSchemaProps } from '../../api/apiextensions/schema/props.ts';
import { misfits } from './check-applied.ts';
import { compareTyped } from './compare.ts';
import { type FieldSet, pathsOf, printPath, setOf } from './field-set.ts';
import { mergeTyped, removePaths } from './merge.ts';
import { reconciled } from './reconcile.ts';
import { fieldSetOf } from './typed.ts';

const text: JSONSchemaProps = { type: 'string' };
const listOf = (listType: string, items: JSONSchemaProps, keys?: string[]): JSONSchemaProps => ({
  type: 'array',
  'x-kubernetes-list-type': listType,
  ...(keys && { 'x-kubernetes-list-map-keys': keys }),
  items,
});
const ports: JSONSchemaProps = {
  type: 'object',
  properties: { port: { type: 'integer' }, proto: { ...text, default: 'TCP' }, v: { type: 'integer' } },
};
const root: JSONSchemaProps = {
  type: 'object',
  properties: {
    set: listOf('set', text),
    ports: listOf('map', ports, ['port', 'proto']),
    atomic: listOf('atomic', text),
    map: { type: 'object', additionalProperties: text },
    struct: { type: 'object', properties: { a: text, b: text } },
    whole: { type: 'object', 'x-kubernetes-map-type': 'atomic', properties: { a: text } },
    any: { 'x-kubernetes-preserve-unknown-fields': true },
    open: { type: 'object', properties: { a: text }, 'x-kubernetes-preserve-unknown-fields': true },
    when: { type: 'string', format: 'date-time' },
  },
};
const schema = fieldSchema(root);
const paths = (set: FieldSet) => pathsOf(set).map(printPath);

describe('what differs', () => {
  test.each<[object, object, { added?: string[]; modified?: string[]; removed?: string[] }]>([
    [{ any: { a: 1 } }, { any: 3 }, { modified: ['.any'], removed: ['.any.a'] }],
    [{ any: 3 }, { any: { a: 1 } }, { modified: ['.any'], added: ['.any.a'] }],
    [{ any: null }, { any: { a: 1 } }, { added: ['.any.a'] }],
    [{ any: {} }, { any: [] }, { modified: ['.any'] }],
    [{ any: [1] }, { any: [2] }, { modified: ['.any'] }],
    [{ struct: {} }, { struct: null }, { modified: ['.struct'] }],
    [{ open: {} }, { open: { b: { c: 1 } } }, { added: ['.open.b', '.open.b.c'] }],
    // Duplicates are owned as one.
    [{ set: ['a', 'a'] }, { set: ['a', 'a', 'a'] }, { modified: ['.set[="a"]'] }],
    [{ set: ['a', 'a'] }, { set: ['a'] }, { added: ['.set[="a"]'], removed: ['.set[="a"]'] }],
    [{ set: ['a'] }, { set: ['a', 'a'] }, { added: ['.set[="a"]'], removed: ['.set[="a"]'] }],
    [
      { ports: [{ port: 1 }] },
      { ports: [{ port: 1 }, { port: 1, proto: 'TCP' }] },
      {
        added: ['.ports[port=1,proto="TCP"]'],
        removed: ['.ports[port=1,proto="TCP"]', '.ports[port=1,proto="TCP"].port'],
      },
    ],
  ])('from %j to %j', (before, after, { added = [], modified = [], removed = [] }) => {
    const found = compareTyped(before, after, schema);
    expect([found.added, found.modified, found.removed].map(paths)).toEqual([added, modified, removed]);
  });
});

test.each<[object, string[]]>([
  [{ struct: {}, map: {}, set: [], any: null }, ['.any', '.map', '.struct']],
  [{ open: { a: 'x', b: { c: 1 } } }, ['.open.a', '.open.b', '.open.b.c']],
  [{ any: { a: [1], b: {} } }, ['.any.a', '.any.b']],
  [{ set: ['b', 'a', 'b'] }, ['.set[="a"]', '.set[="b"]']],
  [{ whole: { a: 'x' }, atomic: ['x'] }, ['.atomic', '.whole']],
])('who applies %j states %j', (object, stated) => expect(paths(fieldSetOf(object, schema))).toEqual(stated));

describe('what a merge keeps', () => {
  test.each<[object, object, object]>([
    [{ struct: { a: 'x' } }, { struct: null }, { struct: { a: 'x' } }],
    [{ struct: {} }, { struct: null }, { struct: null }],
    [{ any: { a: 1 } }, { any: null }, { any: { a: 1 } }],
    [{ any: [1] }, { any: null }, { any: null }],
    [{ any: 3 }, { any: { a: 1 } }, { any: { a: 1 } }],
    [{ set: ['a'] }, { set: [] }, { set: ['a'] }],
    [{ whole: { a: 'x' } }, { whole: {} }, { whole: {} }],
    // Of duplicates nothing is merged.
    [
      { ports: [{ port: 1, v: 1 }, { port: 2 }, { port: 1, v: 2 }] },
      { ports: [{ port: 1, proto: 'TCP' }] },
      { ports: [{ port: 1, proto: 'TCP' }, { port: 2 }] },
    ],
  ])('%j and %j', (live, applied, merged) => expect(mergeTyped(live, applied, schema)).toEqual(merged));
});

test('what is taken out of a list that has become atomic takes the list', () => {
  const gone = setOf([['f:atomic', 'v:"x"']]);
  expect(removePaths({ atomic: ['x', 'y'], map: { a: 'b' } }, gone, schema)).toEqual({ atomic: null, map: { a: 'b' } });
});

test('what has become atomic is owned as a whole, what has become granular as it was', () => {
  const old = setOf([
    ['f:atomic', 'v:"x"'],
    ['f:whole', 'f:a'],
    ['f:set'],
    ['f:any', 'f:a'],
    ['f:ports', 'k:{"port":1,"proto":"TCP"}', 'f:v'],
    ['f:gone', 'f:a'],
  ]);
  expect(paths(reconciled(old, schema))).toEqual([
    '.atomic',
    '.set',
    '.whole',
    '.any.a',
    '.gone.a',
    '.ports[port=1,proto="TCP"].v',
  ]);
  const same = setOf([['f:map', 'f:a']]);
  expect(reconciled(same, schema)).toBe(same);
});

test.each<[object, string]>([
  [{ struct: 3 }, '.struct: expected map, got &{3}'],
  [{ set: { a: [1, null] } }, '.set: expected list, got &{map[a:[1 <nil>]]}'],
  [{ struct: { a: true } }, '.struct.a: expected string, got &value.valueUnstructured{Value:true}'],
  [{ struct: { a: ['x'] } }, '.struct.a: expected string, got &value.valueUnstructured{Value:[]interface {}{"x"}}'],
  [{ ports: [{ port: 'x' }] }, '.ports[port="x",proto="TCP"].port: expected numeric (int or float), got string'],
  [{ when: {} }, '.when: expected any scalar, got &{map[]}'],
  [{ nope: 1, struct: 3 }, '.nope: field not declared in schema'],
  [{ set: ['a', 'a'] }, '.set: duplicate entries for key [="a"]'],
  [{ set: [null] }, ".set: element 0: associative list without keys has an element that's an explicit null"],
  [{ set: [{}] }, ".set: element 0: associative list without keys has an element that's a map type"],
  [{ set: [[]] }, '.set: element 0: not supported: associative list with lists as elements'],
  [{ ports: [3, {}] }, '.ports: element 0: associative list with keys may not have non-map elements'],
  [{ ports: [null] }, '.ports: element 0: associative list with keys may not have a null element'],
])('%j does not fit: %s', (object, why) => {
  if (schema.kind !== 'object') throw new Error('an object');
  expect(misfits(object, schema)).toBe(why);
});

test('items that lack all their keys', () => {
  const type = fieldSchema({
    type: 'object',
    properties: { l: listOf('map', { type: 'object', properties: { a: text, b: text } }, ['a', 'b']) },
  });
  if (type.kind !== 'object') throw new Error('an object');
  expect(misfits({ l: [{}] }, type)).toBe(
    '.l: element 0: associative list with keys has an element that omits all key fields ["a" "b"] (and doesn\'t have default values for any key fields)',
  );
  // Null is a value of a key.
  expect(misfits({ l: [{ a: null }] }, type)).toBeUndefined();
});
