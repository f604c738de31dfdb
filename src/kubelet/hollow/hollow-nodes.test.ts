import { expect, test } from 'vitest';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { FakeApi } from '../../client/fake/fake-api.ts';
import { settle } from '../../client/fake/settle.ts';
import { createInformers } from '../../client/informers.ts';
import { pods } from '../../client/resources.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { runHollowNodes } from './hollow-nodes.ts';

test('a pod takes 250 ms to end, also when its status says meanwhile how it ended', async () => {
  const clock = new FakeClock();
  const random = new FakeRandom();
  const client = new FakeApi({ clock, random });
  const controller = new AbortController();
  const { signal } = controller;
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const informers = createInformers(client, { clock, random, freeze: true, onError });
  const hollow = runHollowNodes({ client, informers, clock, count: 1, version: 'v1', signal, onError });
  const running = [informers.run(signal), hollow];
  const podClient = client.resource<Pod>(pods);
  // Whoever holds it by a finalizer makes the kubelet write how it ended.
  const deleted: string[] = [];
  informers.informer<Pod>(pods).addHandler({
    updated: (pod) => {
      if (pod.metadata.deletionGracePeriodSeconds === 0) deleted.push(pod.metadata.name);
    },
  });
  await settle();
  await podClient.create({
    metadata: { name: 'web', namespace: 'default', finalizers: ['example.com/held'] },
    spec: { nodeName: 'hollow-1', containers: [{ name: 'web', image: 'web' }], terminationGracePeriodSeconds: 30 },
  });
  await settle();
  await podClient.delete('web', 'default');
  await settle();
  expect((await podClient.get('web', 'default')).status?.phase).toBe('Failed');
  clock.advance(200);
  await settle();
  expect(deleted).toEqual([]);
  clock.advance(50);
  await settle();
  expect(deleted).toContain('web');
  controller.abort();
  await Promise.all(running);
  expect(errors).toEqual([]);
});
