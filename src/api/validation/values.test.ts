import { expect, test } from 'vitest';
import { type Body, judgeOf } from '../../testing/refusals.ts';
import { repetitions } from './values.ts';

test('what stands twice', () => {
  expect([...repetitions(['a', 'b', 'a', 'c', 'b', 'a'])]).toEqual([2, 4, 5]);
  expect([...repetitions([])]).toEqual([]);
});

const many = Array.from({ length: 30_000 }, (_, i) => i + 1);
const names = many.map((i) => `n${i}`);
const container = { name: 'c', image: 'x' };
const values = { action: 'FailJob', onExitCodes: { operator: 'In', values: many } };

test.each<[string, Body]>([
  ['jobs', { spec: { template: { spec: { containers: [container] } }, podFailurePolicy: { rules: [values] } } }],
  ['certificatesigningrequests', { spec: { request: '', signerName: 'a.b/c', usages: names } }],
  ['pods', { spec: { containers: [container], schedulingGates: names.map((name) => ({ name })) } }],
  [
    'storageclasses',
    { provisioner: 'p', allowedTopologies: [{ matchLabelExpressions: [{ key: 'k', values: names }] }] },
  ],
])('%s: long lists take no longer than their length', (resource, body) => {
  const start = performance.now();
  judgeOf(resource).create(body);
  expect(performance.now() - start).toBeLessThan(1500);
});
