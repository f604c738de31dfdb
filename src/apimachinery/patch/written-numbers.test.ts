import { expect, test } from 'vitest';
import { parseJson } from '../json/parse.ts';
import { applyJsonPatch, PatchTestError } from './json-patch.ts';
import { takeWrittenNumbers, withWrittenNumbers } from './written-numbers.ts';

function patched(text: string): unknown {
  const { value, hidden } = parseJson(text);
  const decimals = hidden?.decimals ?? new Map<string, string>();
  const operations = (value as { value: unknown }[]).map((one, i) => ({
    ...one,
    value: withWrittenNumbers(one.value, decimals, `[${i}].value`),
  }));
  return applyJsonPatch({ a: 1, b: [1.5] }, operations);
}

test('numbers are what was written, wherever a patch puts them', () => {
  const value = patched(
    '[{"op":"add","path":"/c","value":{"d":[1.0,2,1e3,1.5]}},{"op":"move","from":"/c/d","path":"/e"},{"op":"test","path":"/e/0","value":1.0}]',
  );
  expect(JSON.stringify(value)).toBe('{"a":1,"b":[1.5],"c":{},"e":[1.0,2,1e3,1.5]}');
  const taken = takeWrittenNumbers(value);
  expect(taken.value).toEqual({ a: 1, b: [1.5], c: {}, e: [1, 2, 1000, 1.5] });
  expect([...taken.decimals]).toEqual([
    ['e[0]', '1.0'],
    ['e[2]', '1e3'],
  ]);
});

test('a test compares what is written', () => {
  expect(() => patched('[{"op":"test","path":"/a","value":1.0}]')).toThrow(PatchTestError);
  expect(() => patched('[{"op":"test","path":"/b/0","value":1.50}]')).toThrow(PatchTestError);
  expect(patched('[{"op":"test","path":"/b/0","value":1.5}]')).toEqual({ a: 1, b: [1.5] });
});

test('nothing stands below a number', () => {
  expect(() => patched('[{"op":"add","path":"/a","value":1.0},{"op":"add","path":"/a/x","value":1}]')).toThrow(
    'doc is missing path: "/a/x"',
  );
});
