import { expect, test } from 'vitest';
import { jsonEqual } from './json/value.ts';
import { addAmounts, exceeding, parseAmounts, subtractAmounts } from './resource-list.ts';
import { ownValue, table } from './table.ts';

/** What every object of JavaScript answers to. */
const inherited = [...Object.getOwnPropertyNames(Object.prototype)];

test.each(inherited)('nothing is found under %s', (key) => {
  expect(table({ a: 1 })[key]).toBeUndefined();
  expect(key in table({ a: 1 })).toBe(false);
  expect(ownValue({ a: 1 }, key)).toBeUndefined();
});

test.each(inherited)('what JSON says under %s is found', (key) => {
  const object = JSON.parse(`{${JSON.stringify(key)}: 1}`) as Record<string, number>;
  expect(ownValue(object, key)).toBe(1);
  expect(table(object)[key]).toBe(1);
});

test('of no object nothing is found', () => expect(ownValue(undefined, 'a')).toBeUndefined());

test.each(inherited)('a resource named %s counts like any other', (key) => {
  const one = parseAmounts(JSON.parse(`{${JSON.stringify(key)}: "1"}`));
  expect(exceeding(one, {})).toEqual([]);
  expect(exceeding(one, parseAmounts({ cpu: '1' }))).toEqual([]);
  expect(Object.keys(subtractAmounts(one, {}))).toEqual([key]);
  expect(() => addAmounts({}, one)).not.toThrow();
});

test('an empty object under __proto__ is a difference', () => {
  expect(jsonEqual(JSON.parse('{"__proto__":{}}'), { y: 1 })).toBe(false);
  expect(jsonEqual(JSON.parse('{"__proto__":{}}'), JSON.parse('{"__proto__":{}}'))).toBe(true);
});
