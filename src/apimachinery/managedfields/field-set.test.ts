import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  difference,
  emptySet,
  type FieldPath,
  hasPath,
  intersection,
  isEmptySet,
  matching,
  pathsOf,
  printPath,
  readFieldSet,
  recursiveDifference,
  setOf,
  union,
} from './field-set.ts';

const element = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'v:"y"');
const path: fc.Arbitrary<FieldPath> = fc.array(element, { minLength: 1, maxLength: 4 });
const paths = fc.array(path, { maxLength: 8 });
const text = (list: Iterable<FieldPath>) => new Set([...list].map((p) => p.join('/')));

test.each([
  [true, {}],
  [true, { '.': {}, 'f:a': { 'k:{"name":"x"}': {}, 'v:"y"': {}, 'v:1': {}, 'i:-1': {} } }],
  [true, { 'f:__proto__': {}, 'f:': {} }],
  [false, { constructor: {} }],
  [false, JSON.parse('{"__proto__":{}}')],
  [false, { a: {} }],
  [false, { 'f:a': 1 }],
  [true, { 'f:a': { 'f:b': null } }],
  [false, { 'k:{': {} }],
  [false, { 'k:"x"': {} }],
  [false, { 'v:': {} }],
  [false, { 'i:x': {} }],
  [false, []],
  [true, null],
])('whether it is a set of fields: %s for %j', (expected, value) =>
  expect(readFieldSet(value) !== undefined).toBe(expected),
);

test('a set holds the paths it is made of, and no others', () => {
  fc.assert(
    fc.property(paths, path, (list, other) => {
      const set = setOf(list);
      expect(text(pathsOf(set))).toEqual(text(list));
      expect(hasPath(set, other)).toBe(text(list).has(other.join('/')));
      expect(setOf(pathsOf(set))).toEqual(set);
    }),
  );
});

test('union, difference and intersection are those of sets of paths', () => {
  fc.assert(
    fc.property(paths, paths, (a, b) => {
      const [x, y] = [setOf(a), setOf(b)];
      expect(text(pathsOf(union(x, y)))).toEqual(new Set([...text(a), ...text(b)]));
      expect(text(pathsOf(difference(x, y)))).toEqual(new Set([...text(a)].filter((p) => !text(b).has(p))));
      expect(text(pathsOf(intersection(x, y)))).toEqual(new Set([...text(a)].filter((p) => text(b).has(p))));
      expect(union(difference(x, y), intersection(x, y))).toEqual(x);
      expect(isEmptySet(difference(x, x))).toBe(true);
    }),
  );
});

test('the recursive difference takes what is below too', () => {
  fc.assert(
    fc.property(paths, paths, (a, b) => {
      const left = [...text(a)].filter((p) => ![...text(b)].some((q) => p === q || p.startsWith(`${q}/`)));
      expect(text(pathsOf(recursiveDifference(setOf(a), setOf(b))))).toEqual(new Set(left));
    }),
  );
});

test('the form is that of the wire', () => {
  const port = 'k:{"port":80,"protocol":"TCP"}';
  const set = setOf([
    ['f:spec', 'f:ports', port, 'f:port'],
    ['f:spec', 'f:ports', port],
    ['f:metadata', 'f:labels', 'f:a'],
  ]);
  expect(JSON.stringify(set)).toBe(
    JSON.stringify({
      'f:metadata': { 'f:labels': { 'f:a': {} } },
      'f:spec': { 'f:ports': { [port]: { '.': {}, 'f:port': {} } } },
    }),
  );
  expect(setOf([])).toEqual(emptySet);
  expect(printPath(['f:spec', 'f:ports', port, 'f:name'])).toBe('.spec.ports[port=80,protocol="TCP"].name');
  expect(printPath(['f:metadata', 'f:finalizers', 'v:"x"'])).toBe('.metadata.finalizers[="x"]');
});

test('what patterns name, what leads there and what comes after', () => {
  const item = (name: string, field: string) => ['f:l', `k:{"name":"${name}"}`, field];
  const set = setOf([
    ['f:l'],
    ['f:m'],
    item('a', 'f:x'),
    [...item('a', 'f:x'), 'f:y'],
    item('a', 'f:z'),
    item('b', 'f:z'),
  ]);
  expect(pathsOf(matching(set, [['f:l', '*', 'f:x']])).map(printPath)).toEqual([
    '.l',
    '.l[name="a"].x',
    '.l[name="a"].x.y',
  ]);
  expect(matching(set, [['f:n']])).toEqual({});
});
