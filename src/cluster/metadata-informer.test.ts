import { expect, test } from 'vitest';
import type { ConfigMap } from '../api/core/v1/types.generated.ts';
import { createInformers } from '../client/informers.ts';
import { configMaps } from '../client/resources.ts';
import { createClient } from '../client/rest-client.ts';
import { realClock } from '../system/real/clock.ts';
import { realRandom } from '../system/real/random.ts';
import { startControlPlane } from './server.ts';

test('an informer of metadata has no more of an object, before and after its watch began', async () => {
  const plane = await startControlPlane({
    listen: [{ host: '127.0.0.1', port: 0 }],
    advertise: [],
    serviceClusterIPRanges: ['10.96.0.0/16'],
    serviceNodePortRange: { from: 30000, to: 32767 },
    clusterCIDRs: ['10.244.0.0/16'],
    controllers: [],
    version: '0',
    onError: () => {},
  });
  const stop = new AbortController();
  try {
    const client = createClient(plane.transport({ name: 'test', groups: ['system:masters'] }));
    const resource = client.resource<ConfigMap>(configMaps);
    const mapOf = (name: string) => ({
      metadata: { name, namespace: 'default', annotations: { a: '"{' } },
      data: { b: 'c' },
    });
    await resource.create(mapOf('before'));
    const informers = createInformers(client, { clock: realClock, random: realRandom });
    const informer = informers.informer<ConfigMap>(configMaps, { metadataOnly: true });
    const told = Promise.withResolvers<void>();
    informer.addHandler({ added: ({ metadata }) => metadata.name === 'after' && told.resolve() });
    void informers.run(stop.signal);
    await informer.synced();
    await resource.create(mapOf('after'));
    await told.promise;
    for (const name of ['before', 'after']) {
      const found = informer.lister.get(name, 'default');
      expect(found?.metadata).toMatchObject({ name, annotations: { a: '"{' }, uid: expect.any(String) });
      expect(found?.metadata.managedFields).toBeUndefined();
      expect(found?.data).toBeUndefined();
    }
    // Where somebody follows whole objects, these serve.
    const whole = informers.informer<ConfigMap>(configMaps);
    expect(informers.informer<ConfigMap>(configMaps, { metadataOnly: true })).toBe(whole);
  } finally {
    stop.abort();
    await plane.close();
  }
});
