import { afterEach, expect, test } from 'vitest';
import type { Event, PersistentVolumeClaim, Pod } from '../../api/core/v1/types.generated.ts';
import { events, persistentVolumeClaims, pods } from '../../client/resources.ts';
import { type Harness, makePod, startControllers } from '../harness/start.ts';

let harness: Harness | undefined;
afterEach(async () => {
  await harness?.stop();
  harness = undefined;
});

const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } };
const volumes = [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { metadata: { labels: { a: 'b' } }, spec } } }];

/** What is told first when the pod is made. */
async function firstEventOfPod({ api, settle }: Harness): Promise<Event | undefined> {
  await api.resource<Pod>(pods).create(makePod('web', {}, { volumes }));
  await settle();
  return (await api.resource<Event>(events).list()).items[0];
}

test('a pod gets its claim, and another when that is deleted', async () => {
  harness = startControllers({ names: ['ephemeral-volume-controller'] });
  const claims = harness.api.resource<PersistentVolumeClaim>(persistentVolumeClaims);
  const { metadata } = await harness.api.resource<Pod>(pods).create(makePod('web', {}, { volumes }));
  await harness.settle();
  const owner = {
    apiVersion: 'v1',
    kind: 'Pod',
    name: 'web',
    uid: metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
  const claim = await claims.get('web-scratch', 'default');
  expect(claim).toMatchObject({ metadata: { labels: { a: 'b' }, ownerReferences: [owner] }, spec });
  await claims.delete('web-scratch', 'default');
  await harness.settle();
  expect((await claims.get('web-scratch', 'default')).metadata.uid).not.toBe(claim.metadata.uid);
});

test("a claim of that name that is not the pod's stands in the way until it goes", async () => {
  harness = startControllers({ names: ['ephemeral-volume-controller'] });
  const { api } = harness;
  const claims = api.resource<PersistentVolumeClaim>(persistentVolumeClaims);
  await claims.create({ metadata: { name: 'web-scratch', namespace: 'default' }, spec });
  expect(await firstEventOfPod(harness)).toMatchObject({
    type: 'Warning',
    reason: 'FailedBinding',
    message: 'ephemeral volume scratch: PVC default/web-scratch was not created for pod default/web (pod is not owner)',
  });
  expect((await claims.get('web-scratch', 'default')).metadata.ownerReferences).toBeUndefined();
  await claims.delete('web-scratch', 'default');
  await harness.retry();
  expect((await claims.get('web-scratch', 'default')).metadata.ownerReferences?.[0]?.name).toBe('web');
});

test('a claim that is refused is told of', async () => {
  harness = startControllers({ names: ['ephemeral-volume-controller'] });
  const { api } = harness;
  const stop = api.react(({ resource }) => {
    if (resource === 'persistentvolumeclaims') throw new Error('exceeded quota: q');
  });
  expect(await firstEventOfPod(harness)).toMatchObject({
    type: 'Warning',
    reason: 'FailedBinding',
    message: 'ephemeral volume scratch: create PVC web-scratch: exceeded quota: q',
  });
  stop();
  await harness.retry();
  expect(await api.resource(persistentVolumeClaims).get('web-scratch', 'default')).toBeDefined();
});
