import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StatusError } from '../status.ts';
import {
  labelSelectorOf,
  matchesLabels,
  parseLabelSelector,
  printLabelSelector,
  selectorFromLabels,
} from './label-selector.ts';

function refusal(text: string): string {
  try {
    parseLabelSelector(text);
  } catch (error) {
    if (error instanceof StatusError && error.status.code === 400) return error.message;
    throw error;
  }
  return `${text} was accepted`;
}

test.each([
  ['a=b', { a: 'b' }, true],
  ['a==b', { a: 'c' }, false],
  ['a!=b', {}, true],
  ['a!=b', { a: 'b' }, false],
  ['a in (b, c)', { a: 'c' }, true],
  ['a in (b,c)', {}, false],
  ['a notin (b,c)', {}, true],
  ['a notin (b,c)', { a: 'b' }, false],
  ['a', { a: '' }, true],
  ['!a', { a: '' }, false],
  ['a=', { a: '' }, true],
  ['a=', {}, false],
  ['a in (,b)', { a: '' }, true],
  ['n>5', { n: '6' }, true],
  ['n<5', { n: '6' }, false],
  ['n>5', { n: 'many' }, false],
  ['n>5', { n: '9223372036854775808' }, false],
  ['a in ()', { a: '' }, true],
  ['in in (in)', { in: 'in' }, true],
  ['a=b,c=d', { a: 'b', c: 'x' }, false],
  ['example.com/app = web , x', { 'example.com/app': 'web', x: '1' }, true],
  ['', undefined, true],
  ['constructor', {}, false],
])('%s on %j is %s', (text, labels, expected) => {
  expect(matchesLabels(parseLabelSelector(text), labels as Record<string, string> | undefined)).toBe(expected);
});

test.each([
  ['a=b=c', "found '=', expected: ',' or 'end of string'"],
  ['a==,=b', "found '=', expected: identifier after ','"],
  ['=a', "found '=', expected: !, identifier, or 'end of string'"],
  ['a===b', "unable to parse requirement: found '=', expected: identifier"],
  ['a(b)', "unable to parse requirement: found '(', expected: in, notin, =, ==, !=, gt, lt"],
  ['a in b', "unable to parse requirement: found 'b' expected: '('"],
  ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
  ['a,', "found '', expected: identifier after ','"],
  [
    'a>x',
    "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
  ],
])('%s is refused', (text, message) => {
  expect(refusal(text)).toBe(message);
});

test.each([
  ['a/b/c', '<nil>: Invalid value: "a/b/c": a valid label key must consist of'],
  ['x/', '<nil>: Invalid value: "x/": name part must be non-empty; name part must consist of'],
  [`a=${'x'.repeat(64)}`, 'must be no more than 63 bytes'],
])('%s is refused, as upstream words it', (text, message) => {
  expect(refusal(text)).toContain(message);
});

test('a bad value is refused by its place', () => {
  expect(refusal('a=-b')).toContain(
    'unable to parse requirement: values[0][a]: Invalid value: "-b": a valid label must be',
  );
});

test('the object form: absent selects nothing, empty everything', () => {
  expect(labelSelectorOf(undefined)).toBeUndefined();
  expect(labelSelectorOf({})).toEqual([]);
  const selector = labelSelectorOf({
    matchLabels: { b: '1' },
    matchExpressions: [
      { key: 'a', operator: 'NotIn', values: ['y', 'x'] },
      { key: 'c', operator: 'DoesNotExist' },
    ],
  })!;
  expect(printLabelSelector(selector)).toBe('a notin (x,y),b=1,!c');
});

const key = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
const value = fc.stringMatching(/^([a-z0-9]{1,5})?$/);

test('printing and reading again gives the same selector', () => {
  const one = fc.oneof(
    fc.tuple(key, value).map(([k, v]) => `${k}=${v}`),
    fc.tuple(key, value).map(([k, v]) => `${k}!=${v}`),
    fc
      .tuple(
        key,
        fc.constantFrom('in', 'notin'),
        fc.array(value, { minLength: 1, maxLength: 4 }).filter((v) => v.join('') !== ''),
      )
      .map(([k, o, v]) => `${k} ${o} (${v.join(', ')})`),
    key,
    key.map((k) => `!${k}`),
  );
  fc.assert(
    fc.property(fc.array(one, { maxLength: 5 }), (terms) => {
      const selector = parseLabelSelector(terms.join(','));
      expect(parseLabelSelector(printLabelSelector(selector))).toEqual(selector);
    }),
  );
});

test('labels meet the selector made of them', () => {
  fc.assert(
    fc.property(fc.dictionary(key, value), fc.dictionary(key, value), (labels, more) => {
      expect(matchesLabels(selectorFromLabels(labels), { ...more, ...labels })).toBe(true);
    }),
  );
});
