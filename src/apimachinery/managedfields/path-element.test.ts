import { expect, test } from 'vitest';
import { inTextOrder, pathsOf, printPath, readFieldSet, setOf } from './field-set.ts';
import { canonicalElement, compareElements } from './path-element.ts';

test.each([
  ['f:a', 'f:a'],
  ['v:1', 'v:1'],
  ['v:"a&b"', 'v:"a\\u0026b"'],
  ['k:{"protocol":"TCP", "port":80}', 'k:{"port":80,"protocol":"TCP"}'],
  ['k:{"name":null}', 'k:{"name":null}'],
  ['i:+3', 'i:3'],
  ['i:x', undefined],
  ['k:[]', undefined],
  ['v:', undefined],
  ['spec', undefined],
  ['x:spec', 'unknown'],
])('%s is written %s', (element, written) => expect(canonicalElement(element)).toBe(written));

test('elements stand by kind, numbers in them by size', () => {
  const ordered = [
    '.',
    'f:a',
    'f:b',
    'k:{"name":"a"}',
    'k:{"name":"web-10"}',
    'k:{"name":"web-9"}',
    'k:{"port":80}',
    'k:{"port":80,"protocol":"TCP"}',
    'k:{"port":80,"protocol":"UDP"}',
    'k:{"port":443,"protocol":"TCP"}',
    'v:-1',
    'v:2',
    'v:10.5',
    'v:"10"',
    'v:"2"',
    'v:false',
    'v:true',
    'i:2',
    'i:10',
  ];
  expect(ordered.toReversed().sort(compareElements)).toEqual(ordered);
});

test('a custom resource is written in the order of texts', () => {
  const set = setOf([
    ['f:p', 'k:{"port":443}'],
    ['f:p', 'k:{"port":80}'],
  ]);
  expect(Object.keys(set['f:p']!)).toEqual(['k:{"port":80}', 'k:{"port":443}']);
  expect(Object.keys(inTextOrder(set)['f:p']!)).toEqual(['k:{"port":443}', 'k:{"port":80}']);
});

test('what is not known is left out of a set that comes from outside', () => {
  expect(readFieldSet({ 'f:a': { '.': {}, 'x:b': {} }, 'y:c': {} })).toEqual({ 'f:a': {} });
  expect(readFieldSet({ 'f:a': { b: {} } })).toBeUndefined();
});

test('conflicts are told of place by place: what ends there, then what goes on', () => {
  const set = setOf([
    ['f:spec', 'f:a', 'f:deep'],
    ['f:spec', 'f:b'],
    ['f:spec', 'f:list', 'k:{"id":"x","ok":true}'],
    ['f:spec', 'f:list', 'v:"x"'],
  ]);
  expect(pathsOf(set).map(printPath)).toEqual([
    '.spec.b',
    '.spec.a.deep',
    '.spec.list[id="x",ok=true]',
    '.spec.list[="x"]',
  ]);
});
