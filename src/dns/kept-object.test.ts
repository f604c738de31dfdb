import { expect, test } from 'vitest';
import { keptOfObject } from './kept-object.ts';

test('keeps what informers and the zone go by, and nothing else', () => {
  const metadata = { name: 'web', namespace: 'demo', uid: 'a-b', resourceVersion: '7' };
  const labels = { 'kubernetes.io/service-name': 'web', app: 'web' };
  expect(keptOfObject({ metadata: { ...metadata, labels: { app: 'web' } } }).metadata).toEqual(metadata);
  expect(keptOfObject({ metadata: { ...metadata, labels } }).metadata).toEqual({
    ...metadata,
    labels: { 'kubernetes.io/service-name': 'web' },
  });
});
