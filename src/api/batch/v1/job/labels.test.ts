import { expect, test } from 'vitest';
import type { Job } from '../types.generated.ts';
import { job } from './index.ts';

function labelsOf(own?: Record<string, string>, ofTemplate?: Record<string, string>) {
  const made = {
    metadata: { name: 'web', uid: 'u', ...(own && { labels: own }) },
    spec: { template: { metadata: ofTemplate ? { labels: ofTemplate } : {}, spec: { containers: [] } } },
  } as Job;
  job.strategy?.prepareForCreate?.(made);
  return made.metadata.labels;
}

test('a Job without labels has those of its template', () => {
  expect(labelsOf()).toMatchObject({ 'batch.kubernetes.io/controller-uid': 'u', 'job-name': 'web' });
  expect(labelsOf(undefined, { app: 'web' })).toEqual({ app: 'web' });
  expect(labelsOf({ mine: 'yes' }, { app: 'web' })).toEqual({ mine: 'yes' });
});
