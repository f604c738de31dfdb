import { expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { tableOf } from './table.ts';

const object = {
  metadata: { name: 'n' },
  spec: {
    text: 'text',
    empty: '',
    html: '<a&b>',
    i: 5,
    f: 2.5,
    whole: 3,
    small: 0.00001,
    large: 12345678.5,
    most: 9007199254740993n,
    yes: true,
    none: null,
    map: { b: 1, a: { y: '<&>', x: [1, { q: null, p: 0.00001 }] } },
    list: [1, 'a', null, { v: 'k', k: 2 }, [1, 2]],
    emptyMap: {},
    date: '2021-02-03T04:05:06Z',
    bad: 'yesterday',
    zero: '0001-01-01T00:00:00Z',
    five: '5',
  },
} as unknown as KubeObject;
const now = Date.parse('2021-02-03T05:05:06Z');

// What apiextensions-apiserver 1.36 puts into the cell.
test.each([
  ['string', '.spec.text', 'text'],
  ['string', '.spec.empty', ''],
  ['string', '.spec.html', '<a&b>'],
  ['string', '.spec.i', '5'],
  ['string', '.spec.f', '2.5'],
  ['string', '.spec.whole', '3'],
  ['string', '.spec.small', '1e-05'],
  ['string', '.spec.large', '1.23456785e+07'],
  ['string', '.spec.most', '9007199254740993'],
  ['string', '.spec.yes', 'true'],
  ['string', '.spec.none', '<no value>'],
  ['string', '.spec.missing', null],
  ['string', '.spec.map', '{"a":{"x":[1,{"p":0.00001,"q":null}],"y":"\\u003c\\u0026\\u003e"},"b":1}'],
  ['string', '.spec.list', '[1,"a",null,{"k":2,"v":"k"},[1,2]]'],
  ['string', '.spec.emptyMap', '{}'],
  ['integer', '.spec.f', 2],
  ['integer', '.spec.five', null],
  ['integer', '.spec.none', null],
  ['number', '.spec.i', 5],
  ['boolean', '.spec.yes', true],
  ['boolean', '.spec.text', null],
  ['date', '.spec.date', '60m'],
  ['date', '.spec.bad', '<invalid>'],
  ['date', '.spec.empty', '<unknown>'],
  ['date', '.spec.zero', '<unknown>'],
  ['date', '.spec.i', null],
])('a column of type %s of %s', (type, jsonPath, cell) => {
  expect(tableOf([{ name: 'C', type, jsonPath }]).cells(object, now)).toEqual(['n', cell]);
});
