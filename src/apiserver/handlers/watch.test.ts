import { afterEach, expect, test } from 'vitest';
import type { CustomResourceDefinition } from '../../api/apiextensions/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { ConversionReview } from '../custom-resources/conversion.ts';
import { openWatch } from '../fake/exchange.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';

let s: TestServer;
afterEach(() => s.stop());

test.each(['application/json;as=Table;g=meta.k8s.io;v=v1', 'application/vnd.kubernetes.protobuf'])(
  'a watcher of %s whom an object cannot be shown ends alone',
  async (accept) => {
    s = await startTestServer();
    await s.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
    const url = '/api/v1/namespaces/n/pods?watch=true&resourceVersion=0';
    const blind = await openWatch(s.server, { url, headers: { accept } });
    const other = await openWatch(s.server, { url });
    const spoilt =
      '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"n"},"status":{"conditions":[null]}}';
    const key = '/registry/core/pods/n/p';
    await s.storage.transact({ compare: [], operations: [{ type: 'put', key, value: spoilt }] });
    const ended = expect(blind.done).rejects.toThrow();
    expect(await other.event()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'p' } } });
    await ended;
    await s.storage.transact({ compare: [], operations: [{ type: 'delete', key }] });
    expect(await other.event()).toMatchObject({ type: 'DELETED', object: { metadata: { name: 'p' } } });
    await other.end();
  },
);

/** Serves widgets of two versions, which a webhook converts. */
async function serveWidgets(convert: (names: readonly string[]) => Promise<void>): Promise<void> {
  s = await startTestServer({
    async reviewSender(_webhook, { apiVersion, kind, request }: ConversionReview) {
      const objects = request.objects as KubeObject[];
      await convert(objects.map(({ metadata }) => metadata.name));
      const convertedObjects = objects.map((one) => ({ ...one, apiVersion: request.desiredAPIVersion }));
      return { apiVersion, kind, response: { uid: request.uid, result: { status: 'Success' }, convertedObjects } };
    },
  });
  const schema = { openAPIV3Schema: { type: 'object' } };
  const webhook = { clientConfig: { url: 'https://127.0.0.1/' }, conversionReviewVersions: ['v1'] };
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const watch = await openWatch(s.server, { url: `${definitions}?watch=true&resourceVersion=0` });
  await s.send('POST', definitions, {
    metadata: { name: 'widgets.x.io' },
    spec: {
      ...{ group: 'x.io', scope: 'Cluster', names: { plural: 'widgets', kind: 'Widget' } },
      conversion: { strategy: 'Webhook', webhook },
      versions: ['v1', 'v2'].map((name) => ({ name, served: true, storage: name === 'v1', schema })),
    },
  });
  const isServed = ({ object }: { object: CustomResourceDefinition }) =>
    object.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
  while (!isServed(await watch.event()));
  await watch.end();
}

const create = (name: string) =>
  s.send('POST', '/apis/x.io/v1/widgets', { apiVersion: 'x.io/v1', kind: 'Widget', metadata: { name } });
const watchConverted = (resourceVersion: string) =>
  openWatch(s.server, { url: `/apis/x.io/v2/widgets?watch=true&resourceVersion=${resourceVersion}` });

test('a change that cannot be converted ends its watch, though one before it still is being converted', async () => {
  const asked = Promise.withResolvers<void>();
  await serveWidgets(async ([name]) => {
    if (name === 'b') throw new Error('nobody there');
    asked.resolve();
    await new Promise(() => {});
  });
  const watch = await watchConverted('0');
  await create('a');
  await asked.promise;
  await create('b');
  await expect(watch.done).rejects.toThrow('nobody there');
});

test('who comes back when the webhook does is told what could not be converted before', async () => {
  let isAway = true;
  await serveWidgets(async () => {
    if (isAway) throw new Error('nobody there');
  });
  const watch = await watchConverted('0');
  const ended = expect(watch.done).rejects.toThrow('nobody there');
  const { body } = await create('a');
  await ended;
  isAway = false;
  const again = await watchConverted(String(Number(body.metadata.resourceVersion) - 1));
  expect(await again.event()).toMatchObject({ type: 'ADDED', object: { apiVersion: 'x.io/v2' } });
  await again.end();
});
