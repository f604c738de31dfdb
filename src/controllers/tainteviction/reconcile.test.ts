import { expect, test } from 'vitest';
import type { Pod, Taint, Toleration } from '../../api/core/v1/types.generated.ts';
import { evictionDelay } from './reconcile.ts';

const now = Date.parse('2026-01-01T00:10:00Z');
const taint = (key: string): Taint => ({ key, effect: 'NoExecute' });
const exists = (key: string, tolerationSeconds?: number): Toleration => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  ...(tolerationSeconds !== undefined && { tolerationSeconds }),
});

test.each<[string, Taint[], Toleration[], number | undefined]>([
  ['no taint', [], [], undefined],
  ['a taint of another kind', [{ key: 'a', effect: 'NoSchedule' }], [], undefined],
  ['not tolerated', [taint('a')], [exists('b')], 0],
  ['tolerated for ever', [taint('a')], [exists('a')], undefined],
  ['tolerated for a while', [taint('a')], [exists('a', 100)], 90_000],
  ['tolerated for no time', [taint('a')], [exists('a', 0)], 0],
  ['tolerated for less than that', [taint('a')], [exists('a', -5)], 0],
  ['the first toleration counts, for ever', [taint('a')], [exists('a'), exists('a', 20)], undefined],
  ['the first toleration counts, for a while', [taint('a')], [exists('a', 100), exists('a', 20)], 90_000],
  ['the soonest of two taints', [taint('a'), taint('b')], [exists('a', 100), exists('b', 20)], 10_000],
  ['one of two for ever', [taint('a'), taint('b')], [exists('a'), exists('b', 20)], 10_000],
  ['one of two not at all', [taint('a'), taint('b')], [exists('a', 100)], 0],
  ['its time is over', [taint('a')], [exists('a', 5)], 0],
])('%s', (_, taints, tolerations, expected) => {
  const pod: Pod = { metadata: { name: 'a' }, spec: { containers: [], tolerations } };
  expect(evictionDelay(pod, taints, { now, since: now - 10_000 })).toBe(expected);
});
