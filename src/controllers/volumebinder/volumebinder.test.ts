import { afterEach, expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/core/v1/types.generated.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../client/resources.ts';
import { type Harness, startControllers } from '../harness/start.ts';

let harness: Harness | undefined;
afterEach(() => harness?.stop());

test('a claim that says it is bound but never had a volume is Pending until it has one', async () => {
  harness = startControllers({ names: ['persistentvolume-binder-controller'] });
  const claims = harness.api.resource<PersistentVolumeClaim>(persistentVolumeClaims);
  const capacity = { storage: '1Gi' };
  const accessModes = ['ReadWriteOnce'];
  await claims.create({
    metadata: { name: 'data', namespace: 'default' },
    spec: { accessModes, resources: { requests: capacity }, volumeName: 'v' },
    status: { phase: 'Bound', accessModes, capacity },
  });
  await harness.settle();
  expect((await claims.get('data', 'default')).status).toEqual({ phase: 'Pending' });
  const volumes = harness.api.resource<PersistentVolume>(persistentVolumes);
  await volumes.create({ metadata: { name: 'v' }, spec: { accessModes, capacity } });
  await harness.settle();
  expect((await claims.get('data', 'default')).status).toEqual({ phase: 'Bound', accessModes, capacity });
  expect((await volumes.get('v')).status?.phase).toBe('Bound');
  expect(harness.errors).toEqual([]);
});
