import { expect, test } from 'vitest';
import { fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';
import { compileRules } from './rule-compiler.ts';

const advice =
  '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)';
const contributed =
  'Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema';
const pairs = { rule: 'self.all(x, self.all(y, x.name == y.name || x == y))' };
const names = (limits: { readonly maxItems?: number; readonly maxLength?: number }) => ({
  type: 'array',
  ...(limits.maxItems && { maxItems: limits.maxItems }),
  items: {
    type: 'object',
    properties: { name: { type: 'string', ...(limits.maxLength && { maxLength: limits.maxLength }) } },
  },
  'x-kubernetes-validations': [pairs],
});
const errorsOf = (list: object) =>
  compileRules({ type: 'object', properties: { list } }, 'schema').errors.map(fieldErrorMessage);

test('a rule that no object could afford is refused, one over bounded lists is not', () => {
  const rule = 'schema.properties[list].x-kubernetes-validations[0].rule';
  expect(errorsOf(names({}))).toEqual([
    `${rule}: Forbidden: estimated rule cost exceeds budget by factor of more than 100x ${advice}`,
    `${rule}: ${contributed}`,
    `schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x ${advice}`,
  ]);
  expect(errorsOf(names({ maxItems: 64, maxLength: 253 }))).toEqual([]);
});

test('a rule within a list counts once per element', () => {
  const text = (maxLength: number) => ({
    type: 'string',
    maxLength,
    'x-kubernetes-validations': [{ rule: "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')" }],
  });
  const list = (maxItems: number) => ({ type: 'array', maxItems, items: text(1024) });
  expect(errorsOf(list(1000))).toEqual([]);
  expect(errorsOf(list(10_000))[0]).toMatch(
    /items.x-kubernetes-validations\[0\].rule: Forbidden: estimated rule cost exceeds budget by factor of \d\.\d+x/,
  );
});

test('in lists without bounds a rule counts as often as a request can hold its values', () => {
  const object = {
    type: 'object',
    required: ['name', 'kind'],
    properties: { name: { type: 'string', maxLength: 63 }, kind: { type: 'string', maxLength: 63 } },
    'x-kubernetes-validations': [{ rule: "self.name != ''" }],
  };
  expect(errorsOf({ type: 'array', items: { type: 'array', items: object } })).toEqual([]);
  const unnamed = {
    ...object,
    'x-kubernetes-validations': [{ rule: "self.name.matches('^[a-z]+$') && self.kind.matches('^[a-z]+$')" }],
  };
  const [error] = errorsOf({ type: 'array', items: { type: 'array', items: unnamed } });
  expect(error).toMatch(/cost exceeds budget by factor of \d+\.\d+x/);
});

test('rules that are affordable one by one may not be together; the most expensive are named', () => {
  const text = { type: 'string', maxLength: 1000 };
  const list = (maxItems: number) => ({
    type: 'array',
    maxItems,
    items: text,
    'x-kubernetes-validations': [{ rule: "self.all(x, x.contains('abcdefghij'))" }],
  });
  const lists = (count: number) => {
    const properties = Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, list(9000 - i)]));
    return compileRules({ type: 'object', properties }, 'schema').errors.map(fieldErrorMessage);
  };
  expect(lists(10)).toEqual([]);
  const errors = lists(35);
  expect(errors.slice(0, 4)).toEqual(
    [0, 1, 2, 3].map((i) => `schema.properties[p${i}].x-kubernetes-validations[0].rule: ${contributed}`),
  );
  expect(errors[4]).toMatch(
    /^schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of \d/,
  );
  expect(errors).toHaveLength(5);
});
