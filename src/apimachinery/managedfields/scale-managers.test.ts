import { expect, test } from 'vitest';
import type { ManagedFieldsEntry } from '../meta/v1.generated.ts';
import { managersOfParent, managersOfScale, type ReplicasPath } from './scale-managers.ts';

const replicasPath: ReplicasPath = (apiVersion) => (apiVersion === 'apps/v1' ? ['f:spec', 'f:replicas'] : undefined);
const time = '2026-01-01T00:00:00Z';
const entry = (more: Partial<ManagedFieldsEntry>): ManagedFieldsEntry => ({
  manager: 'm',
  operation: 'Update',
  apiVersion: 'apps/v1',
  time,
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:spec': { 'f:replicas': {} } },
  ...more,
});
const parent = { apiVersion: 'apps/v1', replicasPath };

test('a Scale shows who manages the replicas, and nobody else', () => {
  const entries = [
    entry({ manager: 'owner', operation: 'Apply' }),
    entry({ manager: 'labels', fieldsV1: { 'f:metadata': { 'f:labels': {} } } }),
    entry({ manager: 'old', apiVersion: 'apps/v1beta1' }),
  ];
  expect(managersOfScale(entries, replicasPath)).toEqual([
    entry({ manager: 'owner', operation: 'Apply', apiVersion: 'autoscaling/v1' }),
  ]);
});

test('who takes the replicas through the Scale takes them from the managers of the object', () => {
  const both = { 'f:spec': { 'f:paused': {}, 'f:replicas': {} } };
  const entries = [entry({ manager: 'owner', operation: 'Apply', fieldsV1: both })];
  const scaled = entry({ manager: 'hpa', apiVersion: 'autoscaling/v1', subresource: 'scale' });
  const { time: _, ...untimed } = entry({ manager: 'hpa', subresource: 'scale' });
  expect(managersOfParent({ entries, scaleEntries: [scaled] }, parent)).toEqual([
    entry({ manager: 'owner', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:paused': {} } } }),
    untimed,
  ]);
});

test('who keeps them keeps the entry as it was; entries of versions that are no more go', () => {
  const owner = entry({ manager: 'owner', operation: 'Apply' });
  const entries = [owner, entry({ manager: 'old', apiVersion: 'apps/v1beta1' })];
  const scaleEntries = managersOfScale(entries, replicasPath);
  expect(managersOfParent({ entries, scaleEntries }, parent)).toEqual([owner]);
});
