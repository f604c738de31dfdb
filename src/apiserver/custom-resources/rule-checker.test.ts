// Rules of custom resources over their objects, as kube-apiserver 1.36 answered.
import { expect, test } from 'vitest';
import type { JSONSchemaProps } from '../../api/apiextensions/schema/props.ts';
import type { ValidationRule } from '../../api/apiextensions/v1/types.generated.ts';
import { fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';
import { checkRules } from './rule-checker.ts';
import { compileRules } from './rule-compiler.ts';

function check(schema: JSONSchemaProps, value: unknown, old?: unknown) {
  const { root, errors } = compileRules({ type: 'object', properties: { f: schema } }, '');
  expect(errors).toEqual([]);
  const warnings: string[] = [];
  const before = old === undefined ? undefined : { f: old };
  const found = checkRules(root!, { f: value }, before, (text) => warnings.push(text));
  return { errors: found.map(fieldErrorMessage), warnings };
}

const withRule = (schema: JSONSchemaProps, rule: ValidationRule): JSONSchemaProps => ({
  ...schema,
  'x-kubernetes-validations': [rule],
});
const integer: JSONSchemaProps = { type: 'integer' };
const text: JSONSchemaProps = { type: 'string', maxLength: 30 };

test.each<[JSONSchemaProps, ValidationRule, unknown, string]>([
  [integer, { rule: ' self > 3 ' }, 1, 'f: Invalid value: 1: failed rule: self > 3'],
  [integer, { rule: 'self > 3', message: ' small ' }, 1, 'f: Invalid value: 1: small'],
  [integer, { rule: 'self > 3', reason: 'FieldValueDuplicate' }, 1, 'f: Duplicate value: 1'],
  [integer, { rule: 'self > 3', reason: 'FieldValueRequired', message: 'm' }, 1, 'f: Required value: m'],
  [text, { rule: 'self == ""', messageExpression: '"is " + self' }, 'x', 'f: Invalid value: "x": is x'],
  [
    text,
    { rule: 'self == ""', messageExpression: '"a\\n" + self' },
    'x',
    'f: Invalid value: "x": failed rule: self == ""',
  ],
  [integer, { rule: '1 / self > 0' }, 0, 'f: Invalid value: "integer": division by zero evaluating rule: 1 / self > 0'],
  [
    { type: 'object', properties: { 'a-b': integer } },
    { rule: 'self.a__dash__b > 3', fieldPath: "['a-b']" },
    { 'a-b': 1 },
    'f.a-b: Invalid value: failed rule: self.a__dash__b > 3',
  ],
  [
    { type: 'object', maxProperties: 5, additionalProperties: integer },
    { rule: '"k" in self', fieldPath: "['k']", reason: 'FieldValueRequired', message: 'm' },
    {},
    'f.[k]: Required value: m',
  ],
  // A format lets pass what is no value of its type.
  [
    { type: 'string', format: 'date-time' },
    { rule: 'self.getHours() < 12' },
    '2026-01-01t10:00:00z',
    'f: Invalid value: "string": Invalid date-time formatted string 2026-01-01t10:00:00z: parsing time "2026-01-01t10:00:00z" as "2006-01-02T15:04:05": cannot parse "t10:00:00z" as "T" evaluating rule: self.getHours() < 12',
  ],
  [
    { type: 'string', format: 'date-time' },
    { rule: 'self.getHours() < 12' },
    '2026-01-01T01:00:00+02:00',
    'f: Invalid value: "2026-01-01T01:00:00+02:00": failed rule: self.getHours() < 12',
  ],
  [
    { type: 'string', format: 'duration' },
    { rule: 'self < duration("1h")' },
    '2 days',
    'f: Invalid value: "2 days": failed rule: self < duration("1h")',
  ],
])('%j with %j: %j', (schema, rule, value, message) => {
  expect(check(withRule(schema, rule), value).errors).toEqual([message]);
});

const small = withRule(integer, { rule: 'self < 3' });
const mapList = {
  type: 'array',
  maxItems: 5,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['k'],
  items: { type: 'object', required: ['k'], properties: { k: text, v: small } },
} satisfies JSONSchemaProps;

test.each<[string, JSONSchemaProps, readonly [unknown, unknown], 'refused' | 'told']>([
  ['a value that stays', small, [5, 5], 'told'],
  ['a value that changes', small, [5, 6], 'refused'],
  ['an item of a map list that moves', mapList, [[{ k: 'a', v: 5 }], [{ k: 'b' }, { k: 'a', v: 5 }]], 'told'],
  ['an item of a list that is as it was', { type: 'array', maxItems: 5, items: small }, [[5], [5]], 'told'],
  ['an item of a list that is not', { type: 'array', maxItems: 5, items: small }, [[5], [5, 1]], 'refused'],
  ['a transition', withRule(integer, { rule: 'self < oldSelf' }), [5, 5], 'refused'],
])('after an update %s', (_, schema, [old, value], how) => {
  const { errors, warnings } = check(schema, value, old);
  expect([errors.length, warnings.length]).toEqual(how === 'told' ? [0, 1] : [1, 0]);
});
