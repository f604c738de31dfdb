import { expect, test } from 'vitest';
import { compacted, printRule, uncovered } from './covers.ts';

const rule = (resources: string[], verbs: string[], more = {}) => ({ apiGroups: [''], resources, verbs, ...more });

test.each([
  ['the same', [rule(['pods'], ['get'])], [rule(['pods'], ['get'])], 0],
  [
    'two that cover together',
    [rule(['pods'], ['get']), rule(['pods'], ['list'])],
    [rule(['pods'], ['get', 'list'])],
    0,
  ],
  ['a further verb', [rule(['pods'], ['get'])], [rule(['pods'], ['get', 'delete'])], 1],
  ['all verbs', [rule(['pods'], ['get', 'list'])], [rule(['pods'], ['*'])], 1],
  ['a further resource', [rule(['pods'], ['get'])], [rule(['pods', 'secrets'], ['get'])], 1],
  ['a name within', [rule(['pods'], ['get'])], [rule(['pods'], ['get'], { resourceNames: ['a'] })], 0],
  ['beyond a name', [rule(['pods'], ['get'], { resourceNames: ['a'] })], [rule(['pods'], ['get'])], 1],
  ['a subresource', [rule(['*/log'], ['get'])], [rule(['pods/log'], ['get'])], 0],
  [
    'a path',
    [{ verbs: ['get'], nonResourceURLs: ['/api/*'] }],
    [{ verbs: ['get'], nonResourceURLs: ['/api/x', '/y'] }],
    1,
  ],
  ['nothing', [], [], 0],
])('%s', (_, owned, wanted, missing) => {
  expect(uncovered(owned, wanted)).toHaveLength(missing);
});

test('rules are printed as upstream prints them', () => {
  expect(uncovered([], [rule(['pods'], ['get'])]).map(printRule)).toEqual([
    '{APIGroups:[""], Resources:["pods"], Verbs:["get"]}',
  ]);
});

test('what is missing of one resource is told in one rule', () => {
  const wanted = [
    rule(['pods', 'secrets'], ['get', 'list'], { resourceNames: ['a'] }),
    rule(['pods'], ['watch'], { resourceNames: ['a'] }),
    { verbs: ['get', 'post'], nonResourceURLs: ['/x'] },
  ];
  const missing = uncovered([rule(['secrets'], ['list'])], wanted);
  expect(compacted(missing).map(printRule)).toEqual([
    '{NonResourceURLs:["/x"], Verbs:["get"]}',
    '{NonResourceURLs:["/x"], Verbs:["post"]}',
    '{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["get" "list" "watch"]}',
    '{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["get"]}',
  ]);
});

test('a rule of names covers no path', () => {
  const owned = { verbs: ['*'], nonResourceURLs: ['*'], resourceNames: ['a'] };
  expect(uncovered([owned], [{ verbs: ['get'], nonResourceURLs: ['/x'] }])).toHaveLength(1);
});
