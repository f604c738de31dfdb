import { expect, test } from 'vitest';
import { unifiedDiff } from './unified-diff.ts';

const diff = (a: string, b: string): string => unifiedDiff(a.split(''), b.split('')).replaceAll('\n', '|');

test.each([
  ['abc', 'abc', ''],
  ['abcdefg', 'abcDefg', '@@ -1,7 +1,7 @@| a| b| c|-d|+D| e| f| g|'],
  ['abcdefghi', 'abcdefghiX', '@@ -7,3 +7,4 @@| g| h| i|+X|'],
  ['a', 'b', '@@ -1 +1 @@|-a|+b|'],
  // Far apart: two hunks; six lines between are still one.
  ['1abcdefg2', '3abcdefg4', '@@ -1,4 +1,4 @@|-1|+3| a| b| c|@@ -6,4 +6,4 @@| e| f| g|-2|+4|'],
  ['1abcdef2', '3abcdef4', '@@ -1,8 +1,8 @@|-1|+3| a| b| c| d| e| f|-2|+4|'],
])('%s to %s', (a, b, expected) => expect(diff(a, b)).toBe(expected));

test('lines that are in both stay, whatever moves around them', () => {
  const edits = unifiedDiff(['x', 'a', 'b', 'c'], ['a', 'c', 'y']);
  expect(edits).toBe('@@ -1,4 +1,3 @@\n-x\n a\n-b\n c\n+y\n');
});
