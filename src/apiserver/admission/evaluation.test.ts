import { expect, test } from 'vitest';
import { authorizerValue } from '../../cel/functions/authorizer.ts';
import { bool } from '../../cel/types.ts';
import { fromJson } from '../../cel/values.ts';
import type { AdmissionRequest } from './admission.ts';
import { evaluateConditions, evaluateStage } from './evaluation.ts';
import { compileAdmission } from './expressions.ts';
import { refusalOf } from './refusal.ts';

const bindings = {
  object: fromJson({ n: 1 }),
  oldObject: null,
  authorizer: authorizerValue(() => ({ allowed: false })),
};
const outOfBudget = 'validation failed due to running out of cost budget, no further validation rules will be run';
const compiled = (source: string) => ({ source, ...compileAdmission(source, {}, [bool]) });
const absent = (name: string) => `expression 'object.${name} == 1' resulted in error: no such key: ${name}`;

test.each<[string, readonly string[], ReturnType<typeof evaluateConditions>]>([
  ['none', [], { matches: true }],
  ['all hold', ['object.n == 1', 'true'], { matches: true }],
  ['one that is false decides', ['object.a == 1', 'object.n == 2'], { matches: false }],
  ['an error', ['true', 'object.a == 1'], { error: absent('a') }],
  ['two', ['object.a == 1', 'object.b == 1'], { error: `[${absent('a')}, ${absent('b')}]` }],
  ['twice the same', ['object.a == 1', 'object.a == 1'], { error: absent('a') }],
  // A check of an authorizer costs 350,000, and all conditions together 2,500,000.
  ['what is false does not count where all is too much', ['false', ...Array(4).fill(dear(2))], { error: outOfBudget }],
])('conditions: %s', (_, sources, result) => {
  expect(evaluateConditions(sources.map(compiled), { bindings })).toEqual(result);
});

/** An expression that asks an authorizer so many times. */
function dear(times: number): string {
  const one = (i: number) => `authorizer.path('/${i}').check('get').allowed()`;
  return Array.from({ length: times }, (_, i) => one(i)).join(' || ');
}

test('what is too dear ends all', () => {
  const cheap = compiled('object.n == 1');
  expect(evaluateStage([cheap, cheap], { bindings, budget: 7 })).toMatchObject({ outcomes: [{ value: true }, {}] });
  expect(evaluateStage([cheap, cheap], { bindings, budget: 4 })).toEqual({ error: outOfBudget });
});

test.each<[Partial<AdmissionRequest>, string]>([
  [{ name: 'a' }, 'a'],
  [{ name: '', object: { metadata: { name: 'b' } } as never }, 'b'],
  [{ name: '', object: { metadata: { generateName: 'c-' } } as never }, 'c-'],
  [{ name: '', object: { metadata: {} } as never }, 'Unknown'],
  [{ name: 'one-of-them', isCollection: true }, 'Unknown'],
])('a refusal names what was asked for: %o', (request, name) => {
  const { status } = refusalOf({ definition: { group: '', resource: 'pods' }, ...request } as AdmissionRequest, 'no');
  expect(status.message).toBe(`pods "${name}" is forbidden: no`);
});
