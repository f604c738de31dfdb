import { expect, test } from 'vitest';
import { scanJson } from '../json/go-syntax.ts';
import { lastOf, valuesOf } from '../json/repeated.ts';
import { joinRepeated } from './join-repeated.ts';
import type { Schema } from './schema.ts';

const schemaOf = (kind: Schema['kind']) => ({ kind }) as Schema;
/** The values of `a`, as they stand. */
const read = (text: string) => valuesOf((scanJson(text).value as Record<string, unknown>).a);

test.each([
  ['objects are filled up', 'object', '{"a":{"x":1},"a":{"y":2}}', { value: { x: 1, y: 2 }, dropped: [] }],
  [
    'what is no object begins anew',
    'object',
    '{"a":{"x":1},"a":{"y":2},"a":3,"a":{"z":4}}',
    { value: { z: 4 }, dropped: [{ x: 1, y: 2 }, 3] },
  ],
  ['null empties a map', 'map', '{"a":{"x":1},"a":null}', { value: undefined, dropped: [{ x: 1 }] }],
  ['null says nothing of an object', 'object', '{"a":{"x":1},"a":null}', { value: { x: 1 }, dropped: [] }],
  [
    'items are filled up one by one',
    'list',
    '{"a":[{"x":1}],"a":[{"x":2},{"y":3}]}',
    { value: [{ x: 2 }, { y: 3 }], dropped: [] },
  ],
  ['a shorter list hides items', 'list', '{"a":[1,2],"a":[3]}', { value: [3], dropped: [[null, 2]] }],
  ['a text is replaced', 'string', '{"a":"x","a":"y"}', { value: 'y', dropped: ['x'] }],
] as const)('%s', (_, kind, text, expected) => {
  const joined = joinRepeated(read(text), schemaOf(kind), false);
  // Below the joined value keys may be repeated in turn.
  expect({ value: lastOf(joined.value), dropped: joined.dropped.map(lastOf) }).toEqual(expected);
});

test('a body may repeat a key as often as it has room for: each repetition costs as much as the first', () => {
  const many = 200_000;
  const repeated = (value: string) => read(`{${`"a":${value},`.repeat(many)}"a":${value}}`);
  expect(repeated('"x"')).toHaveLength(many + 1);
  expect(lastOf(joinRepeated(repeated('{"x":1}'), schemaOf('object'), false).value)).toEqual({ x: 1 });
  expect(lastOf(joinRepeated(repeated('[1]'), schemaOf('list'), false).value)).toEqual([1]);
});
