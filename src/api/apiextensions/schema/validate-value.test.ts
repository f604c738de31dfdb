// Values against schemas, as kube-apiserver 1.36 answered.
import { expect, test } from 'vitest';
import '../../../apimachinery/json/int64.ts';
import { fieldErrorMessage } from '../../../apimachinery/validation/field-error.ts';
import { hasFormat } from './formats.ts';
import type { JSONSchemaProps } from './props.ts';
import { validateValue } from './validate-value.ts';

const type = (wanted: string, given: string) =>
  `f: Invalid value: "${given}": f in body must be of type ${wanted}: "${given}"`;
const unfit = (why: string) => `<nil>: Invalid value: "": ${why} in f`;
const text: JSONSchemaProps = { type: 'string' };
const integer: JSONSchemaProps = { type: 'integer' };
const number: JSONSchemaProps = { type: 'number' };

test.each<[JSONSchemaProps, unknown, string[]]>([
  [{ ...text, format: 'ipv4' }, true, [type('ipv4', '')]],
  [{ ...text, format: 'ipv4' }, 1, [type('ipv4', 'int64')]],
  [{ ...text, format: 'ipv4' }, 1.5, [type('ipv4', 'float64')]],
  // A format of texts is all that a list is held to.
  [{ ...text, format: 'ipv4' }, ['x'], []],
  [{ ...text, format: 'nosuch' }, 1, [type('string', 'integer')]],
  [{ ...integer, format: 'date' }, 'x', [type('integer', 'string')]],
  [
    { ...integer, format: 'int32' },
    1.5,
    [type('int32', 'float64'), unfit('Checked value must be of type integer with format int32')],
  ],
  [{ ...integer, format: 'int32' }, 2147483648, [unfit('Checked value must be of type integer with format int32')]],
  [{ ...number, format: 'float' }, 3.5e38, [unfit('Checked value must be of type number with format float')]],
  [integer, 1e20, [type('integer', 'number'), unfit('Checked value must be of type integer (default format)')]],
  [integer, 9007199254740993n, []],
  [
    { ...integer, maximum: 5 },
    9007199254740993n,
    ['f: Invalid value: 9007199254740993: f in body should be less than or equal to 5'],
  ],
  // Bounds of an int64 are cut to one, and what is out of range is the smallest.
  [{ ...number, minimum: 0.5 }, 0, []],
  [
    { ...number, maximum: 1e21 },
    1,
    ['f: Invalid value: 1: f in body should be less than or equal to -9223372036854775808'],
  ],
  [{ ...number, maximum: 1e21 }, 1.5, []],
  [{ ...number, multipleOf: 0.1 }, 1, ['f: Invalid value: 0: factor MultipleOf declared for f must be positive: 0']],
  [{ ...number, multipleOf: 0.1 }, 0.3, []],
  [{ ...number, multipleOf: 2.5 }, 2, []],
  [
    { ...integer, maximum: 2.5 },
    10000000000,
    [
      unfit('Maximum boundary value must be of type integer (default format)'),
      'f: Invalid value: 1e+10: f in body should be less than or equal to 2.5',
    ],
  ],
  [
    { type: 'object', enum: ['a'] },
    { b: 1, a: [{ d: '<', c: 9007199254740993n }] },
    ['f: Unsupported value: {"a":[{"c":9007199254740993,"d":"\\u003c"}],"b":1}: supported values: "a"'],
  ],
  [{ ...text, maxLength: 1 }, 'ab', ['f: Too long: may not be more than 1 byte']],
  [{ ...number, multipleOf: 2.5 }, 2.6, ['f: Invalid value: 2.6: f in body should be a multiple of 2.5']],
  [
    { ...number, maximum: 0 },
    1234567.5,
    ['f: Invalid value: 1.2345675e+06: f in body should be less than or equal to 0'],
  ],
  // Of the rules of a text the first that it breaks is told, and its format.
  [
    { ...text, minLength: 3, pattern: 'x', format: 'date' },
    'a',
    [
      'f: Invalid value: "a": f in body should be at least 3 chars long',
      'f: Invalid value: "a": f in body must be of type date: "a"',
    ],
  ],
  [{ ...text, pattern: 'x' }, 'a\u0000<', ['f: Invalid value: "a\\x00<": f in body should match \'x\'']],
  // Numbers are converted to the type of what is allowed.
  [{ ...number, enum: [1, 1.5] }, 1.7, []],
  [{ ...text, nullable: true, enum: ['a', null] }, null, ['f: Unsupported value: null: supported values: "a", "null"']],
  [
    { type: 'object', enum: [{ b: 1, a: '<' }] },
    { b: 2, a: '>' },
    ['f: Unsupported value: {"a":"\\u003e","b":2}: supported values: "{\\"a\\":\\"\\\\u003c\\",\\"b\\":1}"'],
  ],
  [
    { ...integer, minimum: 3, anyOf: [{ minimum: 3 }] },
    1,
    [
      '<nil>: Invalid value: "": "f" must validate at least one schema (anyOf)',
      'f: Invalid value: 1: f in body should be greater than or equal to 3',
    ],
  ],
])('%j: %s', (schema, value, messages) => {
  const found = validateValue({ f: value }, { type: 'object', properties: { f: schema } });
  expect(found.map(fieldErrorMessage)).toEqual(messages);
});

const items: JSONSchemaProps = { type: 'object', properties: { k: text, n: { ...integer, maximum: 1 } } };
const mapList = {
  type: 'array',
  items,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['k'],
} satisfies JSONSchemaProps;

test.each<[string, JSONSchemaProps, readonly [unknown, unknown], number]>([
  ['what is as it was', { ...text, maxLength: 1 }, ['long', 'long'], 0],
  ['another value', { ...text, maxLength: 1 }, ['long', 'also'], 1],
  ['an item of a map list, elsewhere', mapList, [[{ k: 'a', n: 5 }], [{ k: 'b' }, { k: 'a', n: 5 }]], 0],
  ['an item of any other list', { type: 'array', items }, [[{ k: 'a', n: 5 }], [{ k: 'b' }, { k: 'a', n: 5 }]], 1],
  ['what a combination is about', { anyOf: [{ maximum: 1 }], ...integer }, [5, 5], 0],
  [
    'an object, unless it has a field of no schema',
    { type: 'object', minProperties: 2, 'x-kubernetes-preserve-unknown-fields': true },
    [{ x: 1 }, { x: 1 }],
    1,
  ],
])('an update is not held against %s', (_, schema, [old, value], errors) => {
  const root: JSONSchemaProps = { type: 'object', properties: { f: schema } };
  expect(validateValue({ f: value }, root, { path: '', old: { f: old } })).toHaveLength(errors);
});

test.each([
  ['uri', 'http://a/%zz', false],
  ['uri', 'mailto:a@b.c', true],
  ['uri', '1:b', false],
  ['email', '.a@b.c', false],
  ['email', 'A <a@b.c>', true],
  ['email', '"q q"@b.c', true],
  ['email', 'a@[127.0.0.1] (home)', true],
  ['email', 'a@b.c,d@e.f', false],
  ['hostname', 'a.b', false],
  ['hostname', 'a.bc', true],
  ['hostname', 'a b', false],
  ['ipv4', '01.2.3.4', true],
  ['ipv4', '::ffff:1.2.3.4', true],
  ['ipv6', '::ffff:1.2.3.4', true],
  ['ipv6', 'fe80::1%eth0', false],
  ['uuid4', '9b2c8e0e-1f5a-4c3e-1d2b-0a1b2c3d4e5f', false],
  ['creditcard', '4111-1111-1111-1111', true],
  ['creditcard', '1111111111111117', false],
  ['ssn', '111111111', false],
  ['rgbcolor', 'rgb( 1, 2, 255 )', true],
  ['rgbcolor', 'rgb(01,2,3)', false],
  ['mac', '00:11:22:33:44:55:66:77', true],
  ['mac', '00:11:22:33:44', false],
  ['byte', '', false],
  ['date', '10000-01-01', false],
  ['date-time', '2026-02-28 10:00:00Z', false],
  ['date-time', '2026-02-28T10:00:00', false],
  ['datetime', '2026-02-28t10:00:00,5z', true],
  ['duration', '1 fortnight', false],
  ['duration', 'about 3 weeks', true],
  ['duration', '1.5h', true],
])('format %s: %s is %s', (format, value, right) => {
  expect(hasFormat(value, format)).toBe(right);
});
