import { expect, test } from 'vitest';
import { printedJson } from './go-text.ts';
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
