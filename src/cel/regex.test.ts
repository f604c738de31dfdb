// What Go's regexp.FindAllString finds.
import { expect, test } from 'vitest';
import { findMatches } from './regex.ts';

test.each([
  ['a*', 'baab', ['', 'aa', '']],
  ['(a*)*', 'aab', ['aa', '']],
  ['(a|ab)(c|bcd)', 'abcd', ['abcd']],
  ['a+?', 'aaa', ['a', 'a', 'a']],
  ['a|b|', 'cab', ['', 'a', 'b']],
  ['', 'äb', ['', '', '']],
  ['.', 'a😀\nb', ['a', '😀', 'b']],
  ['[^a]', 'a😀', ['😀']],
  ['(?i)AB', 'xabAB', ['ab', 'AB']],
  ['\\bfoo\\b', 'foo food foo', ['foo', 'foo']],
  ['\\B', 'ab c', ['']],
  ['^x', 'x\nx', ['x']],
  ['(?m)^x$', 'x\nx', ['x', 'x']],
  ['[[:alpha:]]+', 'ab1é', ['ab']],
  ['\\Qa.b\\E', 'aab a.b', ['a.b']],
])('all %s in %j', (pattern, text, found) => {
  expect(findMatches(text, pattern, -1)).toEqual(found);
});

test('no pattern takes exponential time to find', () => {
  const text = `c${'a'.repeat(200)}c`;
  expect(findMatches(text, '(a+)+b|c', -1)).toEqual(['c', 'c']);
  expect(findMatches(text, '(a|a)*b|c', 1)).toEqual(['c']);
});
