import { expect, test } from 'vitest';
import type { ConfigMap } from '../api/core/v1/types.generated.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import { createInformers } from '../client/informers.ts';
import { configMaps } from '../client/resources.ts';
import { createClient } from '../client/rest-client.ts';
import { realClock } from '../system/real/clock.ts';
import { realRandom } from '../system/real/random.ts';
import { startControlPlane } from './server.ts';

test('a follower is told of metadata alone, before and after its watch began', async () => {
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
    const whole = new Map<string, KubeObject>();
    const seen = new Map<string, KubeObject>();
    const told = Promise.withResolvers<void>();
    const following = informers.follow(configMaps, {
      listing: () => {},
      seen: (object) => {
        seen.set(object.metadata.name, object);
        if (object.metadata.name === 'after') told.resolve();
      },
      gone: () => {},
      listed: () => {},
    });
    expect(following.lister).toBeUndefined();
    void informers.run(stop.signal);
    await following.synced();
    await resource.create(mapOf('after'));
    await told.promise;
    for (const name of ['before', 'after']) {
      expect(seen.get(name)).toMatchObject({ metadata: { name, annotations: { a: '"{' }, uid: expect.any(String) } });
      expect(seen.get(name)).not.toHaveProperty('data');
    }
    // Where somebody follows whole objects, these serve.
    await informers.informer<ConfigMap>(configMaps).synced();
    const after = informers.follow(configMaps, {
      listing: () => whole.clear(),
      seen: (object) => whole.set(object.metadata.name, object),
      gone: () => {},
      listed: () => {},
    });
    expect(after.lister?.get('after', 'default')).toHaveProperty('data');
    expect(whole.get('after')).toHaveProperty('data');
  } finally {
    stop.abort();
    await plane.close();
  }
});
