import { expect, test } from 'vitest';
import { GoValue, goSyntax, goText, goTypeName, printedJson } from './go-text.ts';
import { parseExactly } from './int64.ts';

test.each([
  [
    '{"b":9007199254740993,"a":{"d":-9223372036854775808,"c":[9223372036854775807]}}',
    '{"a":{"c":[9223372036854775807],"d":-9223372036854775808},"b":9007199254740993}',
  ],
  ['9007199254740993', '9007199254740993'],
  ['{"b":"<&>","a":null}', '{"a":null,"b":"\\u003c\\u0026\\u003e"}'],
])('%s is printed with its keys in order, and each whole number as it is', (text, printed) => {
  expect(printedJson(parseExactly(text))).toBe(printed);
});

const none = new GoValue({ typeName: 'structpb.NullValue', text: 'NULL_VALUE', syntax: '0' });

test.each([
  [
    { a: [1, 1.5, 1e-7], b: 'x' },
    'map[a:[1 1.5 1e-07] b:x]',
    'map[string]interface {}{"a":[]interface {}{1, 1.5, 1e-07}, "b":"x"}',
  ],
  [12345678901.5, '1.23456789015e+10', '1.23456789015e+10'],
  [[none], '[NULL_VALUE]', '[]interface {}{0}'],
])('%j is printed as Go prints it', (value, text, syntax) => {
  expect([goText(value), goSyntax(value)]).toEqual([text, syntax]);
});

test('a value of Go alone tells its type', () => {
  expect(goTypeName(none)).toBe('structpb.NullValue');
});
