import { expect, test } from 'vitest';
import { fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';
import { compileRules } from './rule-compiler.ts';

const advice =
  '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)';
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
  expect(errorsOf(names({}))).toEqual([
    `schema.properties[list].x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x ${advice}`,
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
