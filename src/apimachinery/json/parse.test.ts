import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scanJson } from './go-syntax.ts';
import { parseJson } from './parse.ts';

test.each([
  ['{"a":1,"a":2}', ['a']],
  ['{"metadata":{"name":"x","name":"y"},"b":[{"c":1,"c":2}]}', ['metadata.name', 'b[0].c']],
  ['{"a":":","b":"\\":"}', []],
  ['{"a":{"b":1},"c":{"b":1}}', []],
])('%s has the duplicates %j', (text, duplicates) => {
  const { keys = [], duplicates: places = [] } = parseJson(text).hidden ?? {};
  expect([...places].map((i) => keys[i])).toEqual(duplicates);
});

test.each([
  [
    '{"a":1,"b":{"c":[1.0,2,-1e2]},"t":true,"f":false}',
    [
      ['b.c[0]', '1.0'],
      ['b.c[2]', '-1e2'],
    ],
  ],
  ['{"a":1E3}', [['a', '1E3']]],
  ['{"a":"1.0","b":"1e3"}', undefined],
])('%s has the decimals %j', (text, decimals) => {
  const { hidden } = parseJson(text);
  expect(hidden && [...hidden.decimals]).toEqual(decimals);
});

test.each([
  ['{not json', "invalid character 'n' looking for beginning of object key string"],
  ['{"kind":', 'unexpected end of JSON input'],
  ['', 'unexpected end of JSON input'],
  ['x', "invalid character 'x' looking for beginning of value"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b"', "invalid character '\"' after object key:value pair"],
  ['[1 2]', "invalid character '2' after array element"],
  ['{} x', "invalid character 'x' after top-level value"],
  ['tru', 'unexpected end of JSON input'],
  ['trve', "invalid character 'v' in literal true (expecting 'u')"],
  ['1.x', "invalid character 'x' after decimal point in numeric literal"],
  ['-a', "invalid character 'a' in numeric literal"],
  ['"a\nb"', "invalid character '\\n' in string literal"],
  ['"\\q"', "invalid character 'q' in string escape code"],
  ["{'a':1}", "invalid character '\\'' looking for beginning of object key string"],
])('%j is refused as Go does', (text, message) => {
  expect(() => parseJson(text)).toThrow(new Error(message));
});

test('depth is bounded', () => {
  expect(parseJson('['.repeat(900) + ']'.repeat(900)).hidden).toBeUndefined();
  for (const depth of [5_000, 500_000]) {
    expect(() => parseJson('['.repeat(depth) + ']'.repeat(depth))).toThrow(new Error('exceeded max depth'));
    expect(() => parseJson('['.repeat(depth))).toThrow(new Error('exceeded max depth'));
  }
});

/** The slow and plain way: each number looked at as it is written. */
function exactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source ?? '';
  const isLong = typeof value === 'number' && /^-?\d{16,}$/.test(source);
  if (!isLong || Number.isSafeInteger(value)) return value;
  return BigInt.asIntN(64, BigInt(source)) === BigInt(source) ? BigInt(source) : value;
}

test.each([
  ['9007199254740993', '9007199254740993'],
  ['[-9223372036854775808]', '[-9223372036854775808]'],
  ['{"a":9223372036854775807,"b":1.0}', '{"a":9223372036854775807,"b":1}'],
  // No int64: Go makes these float64, and prints their shortest digits.
  ['9223372036854775808', '9223372036854776000'],
  ['1e17', '100000000000000000'],
  ['"9007199254740993"', '"9007199254740993"'],
  [`${' '.repeat(40)}12345678901234567890123`, '1.2345678901234568e+22'],
])('the number in %s is written %s', (text, written) => {
  expect(JSON.stringify(parseJson(text).value)).toBe(written);
});

test.each([
  ['"\\ud800"', '\ufffd'],
  ['"\\ud83d\\ude00"', '😀'],
  ['"\\udc00\\ud800x"', '\ufffd\ufffdx'],
  ['"\\\\ud800"', '\\ud800'],
  ['{"\\ud800":1}', { '\ufffd': 1 }],
])('half a character in %s is none', (text, value) => {
  expect(parseJson(text).value).toEqual(value);
});

test('the scanner accepts what JSON.parse accepts, and refuses what it refuses', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(JSON.stringify(parseJson(text).value)).toBe(JSON.stringify(JSON.parse(text, exactly)));
      expect(scanJson(text).duplicates.size).toBe(0);
    }),
  );
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.constantFrom('', ',', '}', 'x', '"', '1'), (text, at, instead) => {
      const index = at % text.length;
      const broken = text.slice(0, index) + instead + text.slice(index + 1);
      let accepted = true;
      try {
        JSON.parse(broken);
      } catch {
        accepted = false;
      }
      if (accepted) scanJson(broken);
      else expect(() => scanJson(broken)).toThrow();
    }),
  );
});
