// Expressions that upstream takes, or that would take all time or memory here: they end, and nothing is thrown.
import { expect, test } from 'vitest';
import { compileExpression } from './compile.ts';
import { string } from './types.ts';

const overBudget = 'operation cancelled: actual cost limit exceeded';
const tooDeep = 'ERROR: <input>:-1:0: max recursion depth exceeded';
const tooNested = 'ERROR: <input>:-1:0: expression recursion limit exceeded: 250';

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
  [`(${'1 + '.repeat(131)}1)${' + 1'.repeat(120)}`, tooDeep],
  [`${'('.repeat(250)}1${')'.repeat(250)}`, tooNested],
  [`-!true`, "ERROR: <input>:1:2: Syntax error: no viable alternative at input '-!'"],
  [`self${'.a'.repeat(20_000)}`, tooDeep],
])('%.60s', (source, error) => {
  expect(evaluate(source)).toMatchObject({ error });
});

test('a chain of && or || is as long as one likes; of other operators 250', () => {
  expect(evaluate(Array(20_000).fill("self == ''").join(' && '))).toEqual({ value: true, cost: 20_000 });
  expect(evaluate(`${"self == 'a' || ".repeat(20_000)}true`)).toEqual({ value: true, cost: 20_000 });
  expect(evaluate(`${'1 + '.repeat(250)}1 == 251`)).toMatchObject({ error: tooDeep });
  expect(evaluate(`(${'1 + '.repeat(249)}1 == 250) && (${'1 - '.repeat(249)}1 == -248)`)).toMatchObject({
    value: true,
  });
});

test('beyond a hundred complaints their number is said', () => {
  const { errors } = compileExpression(Array(103).fill('nope').join(' && '), { variables: {} });
  expect(errors?.split('\n').at(-1)).toBe('3 more errors were truncated');
  expect(errors?.match(/^ERROR/gm)).toHaveLength(100);
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
