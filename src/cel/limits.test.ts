// Expressions that upstream takes, or that would take all time or memory here: they end, and nothing is thrown.
import { expect, test } from 'vitest';
import { compileExpression } from './compile.ts';
import { string } from './types.ts';

const overBudget = 'operation cancelled: actual cost limit exceeded';
const tooDeep = 'ERROR: <input>:1:1: expression recursion limit exceeded: 250';

function evaluate(source: string, self = '') {
  const { program, errors } = compileExpression(source, { variables: { self: string } });
  return program?.evaluate({ self }) ?? { error: errors?.split('\n')[0] };
}

test.each([
  ['lists.range(300000).distinct().size() > 0', overBudget],
  ['sets.equivalent(lists.range(200000), lists.range(200000).reverse())', overBudget],
  [`[[1, 2, 3, 4]]${'.map(a, a + a + a + a)'.repeat(20)}[0].size() > 0`, overBudget],
  [`[[[1]]${'.map(a, [a, a, a, a])'.repeat(14)}[0]].all(x, x.flatten(30).size() > 0)`, overBudget],
  [Array(20_000).fill('1').join(' + '), tooDeep],
  [Array(20_000).fill('true').join(' && '), tooDeep],
  [`self${'.a'.repeat(20_000)}`, tooDeep],
])('%.60s', (source, error) => {
  expect(evaluate(source)).toMatchObject({ error });
});

test('what no text can hold is an error of the evaluation', () => {
  const { error } = evaluate("self.replace('a', self) == ''", 'a'.repeat(100_000));
  expect(error).toBe('internal error: Invalid string length');
});

test('spaces within a text are trimmed in linear time', () => {
  const text = `${' '.repeat(200_000)}a${' '.repeat(200_000)}b\u00a0`;
  expect(evaluate("self.trim().endsWith('b')", text)).toMatchObject({ value: true });
});

test('lists may be added as long as their sums stay small', () => {
  expect(evaluate('(lists.range(1000) + lists.range(1000)).size() == 2000')).toMatchObject({ value: true });
});
