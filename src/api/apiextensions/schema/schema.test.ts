import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonCopy } from '../../../apimachinery/json/value.ts';
import { fieldErrorMessage } from '../../../apimachinery/validation/field-error.ts';
import { applyDefaults, dropForbiddenNulls } from './defaults.ts';
import { validateEmbedded } from './embedded.ts';
import { hasFormat } from './formats.ts';
import { findValues, parseJsonPath } from './json-path.ts';
import { validateListTypes } from './list-types.ts';
import { matchesPattern, patternProblem } from './patterns.ts';
import type { JSONSchemaProps } from './props.ts';
import { prune } from './prune.ts';
import { publishedSchema } from './publish.ts';
import { validateValue } from './validate-value.ts';

const text: JSONSchemaProps = { type: 'string' };
const integer: JSONSchemaProps = { type: 'integer' };
const keeps = { 'x-kubernetes-preserve-unknown-fields': true } as const;
const object = (properties: Record<string, JSONSchemaProps>, more: JSONSchemaProps = {}): JSONSchemaProps => ({
  type: 'object',
  properties,
  ...more,
});
const list = (items: JSONSchemaProps, more: JSONSchemaProps = {}): JSONSchemaProps => ({
  type: 'array',
  items,
  ...more,
});

describe('pruning', () => {
  const embedded = object({ r: object({}, { 'x-kubernetes-embedded-resource': true }) });
  const resource = { apiVersion: 'v1', kind: 'K', metadata: { x: 1 } };
  const partly = object({ o: object({ p: object({}) }, keeps) });
  test.each<[string, JSONSchemaProps, object, [object, string[]]]>([
    ['unknown fields go', object({ a: integer }), { a: 1, b: 2 }, [{ a: 1 }, ['b']]],
    ['deep inside of lists', object({ l: list(object({ a: integer })) }), { l: [{ b: 1 }] }, [{ l: [{}] }, ['l[0].b']]],
    [
      'maps keep their keys',
      object({ m: { type: 'object', additionalProperties: object({}) } }),
      { m: { k: { x: 1 } } },
      [{ m: { k: {} } }, ['m.k.x']],
    ],
    [
      'what is preserved stays',
      object({ o: { type: 'object', ...keeps } }),
      { o: { x: { y: 1 } } },
      [{ o: { x: { y: 1 } } }, []],
    ],
    [
      'named fields of what preserves are pruned',
      partly,
      { o: { p: { x: 1 }, q: 1 } },
      [{ o: { p: {}, q: 1 } }, ['o.p.x']],
    ],
    ['the root is a resource', object({}), resource, [resource, []]],
    ['so are embedded resources', embedded, { r: { kind: 'K', x: 1 } }, [{ r: { kind: 'K' } }, ['r.x']]],
    ['objects in lists of scalars', object({ l: list(integer) }), { l: [{ x: 1 }] }, [{ l: [{}] }, ['l[0].x']]],
  ])('%s', (_, schema, value, [expected, paths]) => {
    const copy = jsonCopy(value) as Record<string, unknown>;
    expect(prune(copy, schema)).toEqual(paths);
    expect(copy).toEqual(expected);
  });
});

describe('defaulting', () => {
  const defaulted = object({
    a: { ...integer, default: 1 },
    o: { ...object({ b: { ...text, default: 'x' } }), default: {} },
  });
  test.each<[string, JSONSchemaProps, object, object]>([
    ['absent fields, from the outside in', defaulted, {}, { a: 1, o: { b: 'x' } }],
    ['present ones stay, false and empty too', defaulted, { a: 0, o: { b: '' } }, { a: 0, o: { b: '' } }],
    ['null counts as absent', defaulted, { a: null }, { a: 1, o: { b: 'x' } }],
    ['null that is allowed stays', object({ a: { ...integer, default: 1, nullable: true } }), { a: null }, { a: null }],
    ['null without a default goes', object({ a: integer }), { a: null }, {}],
    ['items and map values', object({ l: list(defaulted) }), { l: [{}] }, { l: [{ a: 1, o: { b: 'x' } }] }],
    [
      'nothing is made for an absent object without a default',
      object({ o: object({ b: { ...text, default: 'x' } }) }),
      {},
      {},
    ],
  ])('%s', (_, schema, value, expected) => {
    const copy = jsonCopy(value);
    applyDefaults(copy, schema);
    dropForbiddenNulls(copy, schema);
    expect(copy).toEqual(expected);
  });
});

/** Schemas and values over few names, so that they meet. */
const name = fc.constantFrom('a', 'b', 'c');
const schemas: fc.Arbitrary<JSONSchemaProps> = fc.letrec<{ schema: JSONSchemaProps }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small' },
    fc.constant(text),
    fc.constant({ ...integer, default: 1 }),
    fc.record({ type: fc.constant('object'), properties: fc.dictionary(name, tie('schema'), { maxKeys: 3 }) }),
    fc.record({ type: fc.constant('object'), additionalProperties: tie('schema') }),
    fc.record({
      type: fc.constant('object'),
      properties: fc.dictionary(name, tie('schema'), { maxKeys: 2 }),
      ...Object.fromEntries(Object.entries(keeps).map(([k, v]) => [k, fc.constant(v)])),
    }),
    fc.record({ type: fc.constant('array'), items: tie('schema') }),
  ),
})).schema as fc.Arbitrary<JSONSchemaProps>;
const values = fc.dictionary(name, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 3 });

test('what was pruned or defaulted once is not changed again', () => {
  fc.assert(
    fc.property(schemas, values, (schema, given) => {
      const value = jsonCopy(given) as Record<string, unknown>;
      const root = object({ a: schema, b: schema });
      prune(value, root);
      expect(prune(jsonCopy(value), root)).toEqual([]);
      applyDefaults(value, root);
      dropForbiddenNulls(value, root);
      const once = jsonCopy(value);
      expect(prune(value, root)).toEqual([]);
      applyDefaults(value, root);
      dropForbiddenNulls(value, root);
      expect(value).toEqual(once);
    }),
    { numRuns: 200 },
  );
});

test('an update that changes nothing is right, whatever the schema says', () => {
  fc.assert(
    fc.property(schemas, values, (schema, given) => {
      const value = jsonCopy(given) as Record<string, unknown>;
      const root = object({ a: schema });
      prune(value, root);
      expect(validateValue(value, root, { path: '', old: jsonCopy(value) })).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

describe('validation', () => {
  const field = (schema: JSONSchemaProps) => object({ f: schema });
  test.each<[JSONSchemaProps, unknown, string[]]>([
    [integer, 'x', ['f: Invalid value: "string": f in body must be of type integer: "string"']],
    [
      integer,
      1.5,
      [
        'f: Invalid value: "number": f in body must be of type integer: "number"',
        '<nil>: Invalid value: "": Checked value must be of type integer (default format) in f',
      ],
    ],
    [{ type: 'number' }, 1, []],
    [text, null, ['f: Invalid value: "null": f in body must be of type string: "null"']],
    [{ ...text, nullable: true }, null, []],
    [
      { 'x-kubernetes-int-or-string': true },
      true,
      ['f: Invalid value: "boolean": f in body must be of type integer,string: "boolean"'],
    ],
    [{ ...integer, minimum: 1 }, 0, ['f: Invalid value: 0: f in body should be greater than or equal to 1']],
    [
      { ...integer, minimum: 1, exclusiveMinimum: true },
      1,
      ['f: Invalid value: 1: f in body should be greater than 1'],
    ],
    [{ ...integer, maximum: 3 }, 4, ['f: Invalid value: 4: f in body should be less than or equal to 3']],
    [{ type: 'number', multipleOf: 0.1 }, 0.3, []],
    [{ ...integer, multipleOf: 2 }, 3, ['f: Invalid value: 3: f in body should be a multiple of 2']],
    [{ ...text, maxLength: 2 }, 'äöü', ['f: Too long: may not be more than 2 bytes']],
    [{ ...text, minLength: 2 }, '😀', ['f: Invalid value: "😀": f in body should be at least 2 chars long']],
    [{ ...text, pattern: '^a+$' }, 'b', ['f: Invalid value: "b": f in body should match \'^a+$\'']],
    [{ ...text, enum: ['x', 'y'] }, 'z', ['f: Unsupported value: "z": supported values: "x", "y"']],
    [{ ...integer, enum: [1, 2] }, 3, ['f: Unsupported value: 3: supported values: "1", "2"']],
    [list(integer, { maxItems: 1 }), [1, 2], ['f: Too many: 2: must have at most 1 item']],
    [list(integer, { minItems: 1 }), [], ['f: Invalid value: 0: f in body should have at least 1 items']],
    [list(integer), [1, 'x'], ['f[1]: Invalid value: "string": f[1] in body must be of type integer: "string"']],
    [object({}, { required: ['g'] }), {}, ['f.g: Required value']],
    [object({}, { maxProperties: 1 }), { a: 1, b: 2 }, ['f: Too many: 2: must have at most 1 item']],
    [
      { ...text, format: 'date-time' },
      'noon',
      ['f: Invalid value: "noon": f in body must be of type date-time: "noon"'],
    ],
    [{ ...text, format: 'unheard-of' }, 'x', []],
    [{ ...integer, not: { enum: [7] } }, 7, ['<nil>: Invalid value: "": "f" must not validate the schema (not)']],
    [
      { ...integer, anyOf: [{ minimum: 5 }, { maximum: 1 }] },
      3,
      [
        '<nil>: Invalid value: "": "f" must validate at least one schema (anyOf)',
        'f: Invalid value: 3: f in body should be greater than or equal to 5',
      ],
    ],
    [
      { ...integer, oneOf: [{ minimum: 1 }, { minimum: 2 }] },
      3,
      ['<nil>: Invalid value: "": "f" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
    ],
    [
      { ...integer, allOf: [{ minimum: 1 }, { maximum: 2 }] },
      3,
      [
        'f: Invalid value: 3: f in body should be less than or equal to 2',
        '<nil>: Invalid value: "": "f" must validate all the schemas (allOf)',
      ],
    ],
  ])('%j: %j', (schema, value, messages) => {
    expect(validateValue({ f: value }, field(schema)).map(fieldErrorMessage)).toEqual(messages);
  });

  test('an update is spared what it left as it was, also in the items of a map', () => {
    const items = object({ id: text, n: { ...integer, maximum: 1 } });
    const schema = object({
      l: list(items, { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['id'] }),
      s: { ...text, maxLength: 1 },
    });
    const old = {
      l: [
        { id: 'a', n: 5 },
        { id: 'b', n: 1 },
      ],
      s: 'long',
    };
    const changed = {
      l: [
        { id: 'b', n: 6 },
        { id: 'a', n: 5 },
      ],
      s: 'long',
    };
    const errors = validateValue(changed, schema, { path: '', old });
    expect(errors.map(({ field: at }) => at)).toEqual(['l[0].n']);
    expect(validateValue({ ...old, s: 'longer' }, schema, { path: '', old }).map(({ field: at }) => at)).toEqual(['s']);
  });
});

test('patterns are Go’s, and never slow', () => {
  expect(patternProblem('[')).toBe('error parsing regexp: missing closing ]: `[`');
  expect(patternProblem('a(?=b)')).toContain('error parsing regexp');
  expect(matchesPattern('^(?i)abc$', 'ABC')).toBe(true);
  expect(matchesPattern('^[[:alpha:]]+$', 'ab1')).toBe(false);
  expect(matchesPattern('^a\\-b$', 'a-b')).toBe(true);
  // Backtracking would take longer than anyone waits.
  expect(matchesPattern('^(a+)+$', `${'a'.repeat(50_000)}b`)).toBe(false);
  expect(matchesPattern('^a*a*a*a*$', `${'a'.repeat(20_000)}b`)).toBe(false);
});

test('sets and maps hold no item twice', () => {
  const set = list(text, { 'x-kubernetes-list-type': 'set' });
  const map = list(object({}), { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['a', 'b'] });
  const schema = object({ set, map });
  const value = {
    set: ['x', 'y', 'x', 'x'],
    map: [
      { a: 1, c: 1 },
      { a: 1, b: 2 },
      { a: 1, c: 2 },
    ],
  };
  expect(validateListTypes(value, schema).map(fieldErrorMessage)).toEqual([
    'set[2]: Duplicate value: "x"',
    'map[2]: Duplicate value: {"a":1}',
  ]);
});

test('embedded resources have a kind', () => {
  const schema = object({ r: { type: 'object', 'x-kubernetes-embedded-resource': true, ...keeps } });
  expect(validateEmbedded({ r: { kind: 'K' } }, schema).map(fieldErrorMessage)).toEqual([
    'r.apiVersion: Required value',
  ]);
});

test.each<[string, string, boolean]>([
  ['ipv4', '10.0.0.1', true],
  ['ipv4', '::1', false],
  ['ipv6', '::1', true],
  ['cidr', '10.0.0.1/8', true],
  ['uuid4', '9b2c8e0e-1f5a-4c3e-9d2b-0a1b2c3d4e5f', true],
  ['uuid4', '9b2c8e0e-1f5a-3c3e-9d2b-0a1b2c3d4e5f', false],
  ['date', '2026-02-30', false],
  ['date-time', '2026-02-28T10:00:00.5+02:00', true],
  ['duration', '1h30m', true],
  ['duration', 'soon', false],
  ['email', 'a@b.example', true],
  ['email', 'ab', false],
  ['uri', 'https://example.com/x', true],
  ['hostname', 'a_b', false],
  ['byte', 'YQ==', true],
  ['byte', 'YQ', false],
  ['k8s-short-name', 'a.b', false],
  ['k8s-long-name', 'a.b', true],
])('format %s: %s is %s', (format, value, right) => {
  expect(hasFormat(value, format)).toBe(right);
});

test.each<[string, unknown[]]>([
  ['.spec.size', [3]],
  ['.spec.list[1]', ['b']],
  ['.spec.list[-1]', ['b']],
  ['.spec.list[*]', ['a', 'b']],
  ['.metadata.annotations.a\\.b/c', ['x']],
  [".metadata.annotations['a.b/c']", []],
  [".metadata.annotations['a\\.b/c']", ['x']],
  [".spec['size','list'][0]", []],
  ['.spec.list[0:1]', ['a']],
  ['.spec.list[1:]', ['b']],
  ['.spec.list[::2]', ['a']],
  ['.spec.list[-2,-1]', ['a', 'b']],
  ['.spec.list[2]', []],
  ['..status', ['True', 'False']],
  ['.conditions[*].n', [1, 2]],
  ['.conditions[?(@.status)].n', [1, 2]],
  ['.conditions[?(@.none)].n', []],
  [".conditions[?(@.status != 'True')].n", [2]],
  ['.conditions[?(@.n=="1")].n', []],
  ['.spec.list.size', []],
  ['.spec.size[0]', []],
  ['.spec.', []],
  ['.conditions[?(@.type=="Ready")].status', ['True']],
  ['.conditions[?(@.n>1)].type', ['Other']],
  ['.spec.absent.deep', []],
])('the path %s', (path, expected) => {
  const value = {
    metadata: { annotations: { 'a.b/c': 'x' } },
    spec: { size: 3, list: ['a', 'b'] },
    conditions: [
      { type: 'Ready', status: 'True', n: 1 },
      { type: 'Other', status: 'False', n: 2 },
    ],
  };
  expect(findValues(value, parseJsonPath(path) ?? [])).toEqual(expected);
});

test.each(['.a[', '.a[x]', '.a[?(@.b=="c)]', '.a[?(@.b)', ".a['b", '.a\\', '....a', '.a[-]', '.a ~'])(
  'no path: %s',
  (path) => expect(parseJsonPath(path)).toBeUndefined(),
);

test('OpenAPI v2 leaves out what it cannot say', () => {
  const schema = object({
    x: { 'x-kubernetes-int-or-string': true, anyOf: [integer, text] },
    y: { ...text, nullable: true, default: 'a' },
    z: object({ w: text }, keeps),
  });
  const kind = { group: 'example.com', version: 'v1', kind: 'K' };
  const properties = (version: 2 | 3) =>
    publishedSchema(schema, kind, { version, metadata: { $ref: 'meta' } }).properties;
  expect(properties(2)).toMatchObject({
    x: { 'x-kubernetes-int-or-string': true },
    y: {},
    z: { 'x-kubernetes-preserve-unknown-fields': true },
    metadata: { $ref: 'meta' },
  });
  expect(properties(2)).not.toHaveProperty('x.anyOf');
  expect(properties(2)).not.toHaveProperty('z.properties');
  expect(properties(3)).toMatchObject({ x: { anyOf: [integer, text] }, y: { nullable: true, default: 'a' } });
});

test('what Swagger’s readers would take too literally is not published to them', () => {
  const kind = { group: 'example.com', version: 'v1', kind: 'K' };
  const published = (schema: JSONSchemaProps) => publishedSchema(schema, kind, { version: 2, metadata: {} });
  const kinds = { 'x-kubernetes-group-version-kind': [kind] };
  expect(published(object({ a: text }, { ...keeps, description: 'd' }))).toEqual({ type: 'object', ...kinds });
  const lists = published(
    object(
      { some: { type: 'array' }, may: { ...text, nullable: true }, a: { ...text, default: 'x' } },
      {
        required: ['may', 'a'],
      },
    ),
  );
  expect(lists).toMatchObject({ required: ['a'], properties: { a: { type: 'string', default: 'x' } } });
  expect(lists).not.toHaveProperty('properties.some.type');
});
