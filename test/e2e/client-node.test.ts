// The official JavaScript client against a control plane without nodes: typed calls, watches, and informers that lose
// their connection or their place.
import {
  ApiException,
  AuthorizationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  KubernetesObjectApi,
  Metrics,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  VersionApi,
  Watch,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../fixtures/portico-process.ts';

const namespace = 'default';
let server: TestServer;
let config: KubeConfig;
let core: CoreV1Api;
beforeAll(async () => {
  server = await startServer(['--controllers', '-*']);
  config = new KubeConfig();
  config.loadFromFile(server.kubeconfig);
  core = config.makeApiClient(CoreV1Api);
});
// A test that is tried again begins anew.
beforeEach(() => core.deleteCollectionNamespacedConfigMap({ namespace }));
afterAll(() => server.stop());

const configMap = (
  name: string,
  data: Record<string, string> = {},
  labels: Record<string, string> = {},
): V1ConfigMap => ({
  metadata: { name, labels },
  data,
});

/** Resolves when `look` gives something; woken by each `tell`. */
function waiter() {
  let woken = Promise.withResolvers<void>();
  return {
    tell: () => woken.resolve(),
    async until(look: () => boolean): Promise<void> {
      while (!look()) {
        await woken.promise;
        woken = Promise.withResolvers();
      }
    },
  };
}

describe('typed calls', () => {
  test('create, read, list in pages, replace, delete', async () => {
    for (const name of ['page-1', 'page-2', 'page-3']) {
      await core.createNamespacedConfigMap({ namespace, body: configMap(name, { a: name }, { of: 'pages' }) });
    }
    const found: string[] = [];
    let _continue: string | undefined;
    do {
      const page = await core.listNamespacedConfigMap({
        namespace,
        labelSelector: 'of=pages',
        limit: 2,
        ...(_continue && { _continue }),
      });
      found.push(...page.items.map((item) => item.metadata?.name ?? ''));
      _continue = page.metadata?._continue;
    } while (_continue);
    expect(found).toEqual(['page-1', 'page-2', 'page-3']);
    const read = await core.readNamespacedConfigMap({ name: 'page-1', namespace });
    expect(read.metadata?.creationTimestamp).toBeInstanceOf(Date);
    const replaced = await core.replaceNamespacedConfigMap({
      name: 'page-1',
      namespace,
      body: { ...read, data: { a: 'new' } },
    });
    expect(replaced.data).toEqual({ a: 'new' });
    const stale = core.replaceNamespacedConfigMap({ name: 'page-1', namespace, body: { ...read, data: {} } });
    await expect(stale).rejects.toMatchObject({ code: 409 });
    await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'of=pages' });
    const gone = core.readNamespacedConfigMap({ name: 'page-1', namespace });
    await expect(gone).rejects.toBeInstanceOf(ApiException);
    await expect(gone).rejects.toMatchObject({ code: 404 });
  });

  test('the four patches', async () => {
    await core.createNamespacedConfigMap({ namespace, body: configMap('patched', { a: '1' }) });
    const patch = async (strategy: PatchStrategy, body: unknown, more: Record<string, unknown> = {}) => {
      const options = setHeaderOptions('Content-Type', strategy);
      return (await core.patchNamespacedConfigMap({ name: 'patched', namespace, body, ...more }, options)).data;
    };
    expect(await patch(PatchStrategy.JsonPatch, [{ op: 'add', path: '/data/b', value: '2' }])).toEqual({
      a: '1',
      b: '2',
    });
    expect(await patch(PatchStrategy.MergePatch, { data: { a: null } })).toEqual({ b: '2' });
    expect(await patch(PatchStrategy.StrategicMergePatch, { data: { c: '3' } })).toEqual({ b: '2', c: '3' });
    const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'patched' }, data: { d: '4' } };
    expect(await patch(PatchStrategy.ServerSideApply, applied, { fieldManager: 'test' })).toEqual({
      b: '2',
      c: '3',
      d: '4',
    });
  });

  test('any kind at all, reviews, the version; metrics are nowhere', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config);
    const spec = { selector: { a: 'b' }, ports: [{ port: 80 }] };
    const service = await objects.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'any', namespace },
      spec,
    } as never);
    expect(service).toMatchObject({ spec: { clusterIP: expect.stringMatching(/^10\.96\./) } });
    await objects.delete({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'any', namespace } });
    const review = await config.makeApiClient(AuthorizationV1Api).createSelfSubjectAccessReview({
      body: { spec: { resourceAttributes: { verb: 'delete', resource: 'nodes' } } },
    });
    expect(review.status?.allowed).toBe(true);
    expect((await config.makeApiClient(VersionApi).getCode()).gitVersion).toMatch(/^v1\.36\./);
    await expect(new Metrics(config).getNodeMetrics()).rejects.toBeInstanceOf(ApiException);
    const widgets = config.makeApiClient(CustomObjectsApi).listClusterCustomObject({
      group: 'none.example',
      version: 'v1',
      plural: 'widgets',
    });
    await expect(widgets).rejects.toMatchObject({ code: 404 });
  });
});

describe('watch and informers', () => {
  test('a watch tells of changes, and of a place that is unknown', async () => {
    const { metadata } = await core.listNamespacedConfigMap({ namespace });
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const seen: string[] = [];
    const { tell, until } = waiter();
    const ended = Promise.withResolvers<unknown>();
    const watching = await new Watch(config).watch(
      path,
      { resourceVersion: metadata?.resourceVersion, labelSelector: 'of=watch' },
      (phase, object: V1ConfigMap) => {
        seen.push(`${phase} ${object.metadata?.name}`);
        tell();
      },
      ended.resolve,
    );
    await core.createNamespacedConfigMap({ namespace, body: configMap('watched', {}, { of: 'watch' }) });
    await core.deleteNamespacedConfigMap({ name: 'watched', namespace });
    await until(() => seen.length === 2);
    expect(seen).toEqual(['ADDED watched', 'DELETED watched']);
    watching.abort();
    await ended.promise;
  });

  test('an informer follows, and goes on where it was when its watch is cut', async () => {
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const labelSelector = 'of=informer';
    let lists = 0;
    const list = () => {
      lists += 1;
      return core.listNamespacedConfigMap({ namespace, labelSelector });
    };
    const informer = makeInformer(config, path, list, labelSelector);
    const seen: string[] = [];
    const { tell, until } = waiter();
    let connects = 0;
    const note = (what: string) => (object: V1ConfigMap) => {
      seen.push(`${what} ${object.metadata?.name}`);
      tell();
    };
    informer.on('add', note('add'));
    informer.on('update', note('update'));
    informer.on('delete', note('delete'));
    informer.on('connect', () => {
      connects += 1;
      tell();
    });
    const body = configMap('informed', { a: '1' }, { of: 'informer' });
    await core.createNamespacedConfigMap({ namespace, body });
    await informer.start();
    await until(() => seen.length === 1);
    await core.replaceNamespacedConfigMap({ name: 'informed', namespace, body: { ...body, data: { a: '2' } } });
    await until(() => seen.length === 2);
    expect(seen).toEqual(['add informed', 'update informed']);
    expect(informer.get('informed', namespace)?.data).toEqual({ a: '2' });

    // The watch is cut on the client's side; what happens meanwhile is told when it is back.
    (informer as unknown as { request: AbortController }).request.abort();
    await core.createNamespacedConfigMap({ namespace, body: configMap('missed', {}, { of: 'informer' }) });
    await core.deleteNamespacedConfigMap({ name: 'informed', namespace });
    const restarted = connects;
    await informer.start();
    await until(() => connects > restarted && seen.includes('add missed') && seen.includes('delete informed'));
    expect(informer.list(namespace).map((object) => object.metadata?.name)).toEqual(['missed']);
    expect(lists).toBe(1);
    await informer.stop();
  });

  test('a watch whose server ends it orderly is taken up again from the same place', async () => {
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const { metadata } = await core.listNamespacedConfigMap({ namespace });
    const once = async (resourceVersion: string | undefined) => {
      const seen: string[] = [];
      const ended = Promise.withResolvers<unknown>();
      await new Watch(config).watch(
        path,
        { resourceVersion, timeoutSeconds: 1, labelSelector: 'of=ended' },
        (phase, object: V1ConfigMap) => seen.push(`${phase} ${object.metadata?.name}`),
        ended.resolve,
      );
      return { seen, error: await ended.promise };
    };
    expect(await once(metadata?.resourceVersion)).toMatchObject({ seen: [] });
    await core.createNamespacedConfigMap({ namespace, body: configMap('between', {}, { of: 'ended' }) });
    expect(await once(metadata?.resourceVersion)).toMatchObject({ seen: ['ADDED between'] });
  });
});
