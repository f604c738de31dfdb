import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JSONSchemaProps } from '../../api/apiextensions/schema/props.ts';
import type { CustomResourceDefinition } from '../../api/apiextensions/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { MemoryStorage } from '../../storage/memory/memory-storage.ts';
import { openWatch } from '../fake/exchange.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';

type Json = Record<string, unknown>;
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const widgets = '/apis/example.com/v1/namespaces/n/widgets';
const merge = 'application/merge-patch+json';

const schema: JSONSchemaProps = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      'x-kubernetes-validations': [
        {
          rule: '!has(oldSelf.size) || self.size >= oldSelf.size',
          messageExpression: "'from %d'.format([oldSelf.size])",
          fieldPath: '.size',
        },
        { rule: 'self.size != 7', message: 'seven is unlucky', reason: 'FieldValueForbidden' },
      ],
      properties: { size: { type: 'integer' }, colour: { type: 'string', default: 'red' } },
    },
    status: { type: 'object', properties: { size: { type: 'integer' } } },
  },
};

function definition(change: (spec: CustomResourceDefinition['spec']) => void = () => {}) {
  const spec: CustomResourceDefinition['spec'] = {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: structuredClone(schema) },
        subresources: { status: {} },
      },
      { name: 'v1beta1', served: true, storage: false, schema: { openAPIV3Schema: structuredClone(schema) } },
    ],
  };
  change(spec);
  return { metadata: { name: `${spec.names.plural}.${spec.group}` }, spec };
}

const widget = (name: string, spec: Json, metadata: Json = {}) => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name, ...metadata },
  spec,
});

let s: TestServer;
beforeEach(async () => {
  s = await startTestServer();
  await s.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
});
afterEach(() => s.stop());

type Definition = CustomResourceDefinition & KubeObject;

/** Waits until a definition is as wanted, from what `begin` does on; undefined: gone. */
async function until(
  name: string,
  wanted: (crd: Definition | undefined) => boolean,
  begin: () => void = () => {},
): Promise<void> {
  const watch = await openWatch(s.server, { url: `${definitions}?watch=true&fieldSelector=metadata.name=${name}` });
  begin();
  for (;;) {
    const { type, object } = await watch.event<{ type: string; object: Definition }>();
    if (wanted(type === 'DELETED' ? undefined : object)) break;
  }
  await watch.end();
}

const isTrue = (type: string) => (crd: Definition | undefined) =>
  crd?.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;

async function establish(crd: ReturnType<typeof definition> = definition()): Promise<void> {
  expect(await s.send('POST', definitions, crd)).toMatchObject({ status: 201 });
  await until(crd.metadata.name, isTrue('Established'));
}

describe('a definition', () => {
  test('is served from the moment it is established: discovery and documents too', async () => {
    expect((await s.send('GET', widgets).catch(() => ({ status: 0 }))).status).not.toBe(200);
    await establish();
    expect(await s.send('GET', widgets)).toMatchObject({ status: 200, body: { kind: 'WidgetList', items: [] } });
    expect((await s.send<Json>('GET', '/apis/example.com')).body).toMatchObject({
      preferredVersion: { version: 'v1' },
      versions: [{ version: 'v1' }, { version: 'v1beta1' }],
    });
    const { body } = await s.send<{ components: { schemas: Json } }>('GET', '/openapi/v3/apis/example.com/v1');
    expect(Object.keys(body.components.schemas)).toEqual(
      expect.arrayContaining(['com.example.v1.Widget', 'com.example.v1.WidgetList']),
    );
  });

  test('whose names another has is not established until they are free', async () => {
    await establish();
    const second = definition((spec) => {
      spec.names = { plural: 'gadgets', kind: 'Widget', listKind: 'GadgetList' };
    });
    await s.send('POST', definitions, second);
    const refused = (crd: Definition | undefined) =>
      crd?.status?.conditions?.some(({ type, reason }) => type === 'NamesAccepted' && reason === 'KindConflict') ??
      false;
    await until('gadgets.example.com', refused);
    await s.send('DELETE', `${definitions}/widgets.example.com`);
    await until('gadgets.example.com', isTrue('Established'));
    expect((await s.send('GET', '/apis/example.com/v1/namespaces/n/gadgets')).status).toBe(200);
  });

  test('is refused when its rules do not compile', async () => {
    const broken = definition(({ versions }) => {
      versions[0]!.schema!.openAPIV3Schema!['x-kubernetes-validations'] = [{ rule: 'self.nothing' }, { rule: '1' }];
    });
    const { status, body } = await s.send<{ details: { causes: { field: string; message: string }[] } }>(
      'POST',
      definitions,
      broken,
    );
    expect(status).toBe(422);
    const causes = body.details.causes.map(
      ({ field, message }) => `${field.split('.').slice(-2).join('.')} ${message}`,
    );
    expect(causes[0]).toMatch(
      /^x-kubernetes-validations\[0\].rule Invalid value: .*: compilation failed: ERROR: <input>:1:5: undefined field 'nothing'/,
    );
    expect(causes[1]).toMatch(/must evaluate to a bool$/);
  });

  test('takes its instances along, and waits for those that are held', async () => {
    await establish();
    await s.send('POST', widgets, widget('a', { size: 1 }));
    await s.send('POST', widgets, widget('held', { size: 1 }, { finalizers: ['example.com/hold'] }));
    const watch = await openWatch(s.server, { url: `${widgets}?watch=true&resourceVersion=0` });
    await s.send('DELETE', `${definitions}/widgets.example.com`);
    const seen = [await watch.event(), await watch.event(), await watch.event(), await watch.event()];
    expect(seen.map(({ type }) => type).sort()).toEqual(['ADDED', 'ADDED', 'DELETED', 'MODIFIED']);
    expect(await s.send('POST', widgets, widget('b', { size: 1 }))).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining('create not allowed while custom resource definition is terminating') },
    });
    const freed = s.send('PATCH', `${widgets}/held`, { metadata: { finalizers: null } }, merge);
    expect(await freed).toMatchObject({ status: 200 });
    await watch.done;
    const { body } = await s.send('GET', definitions);
    expect(body).toMatchObject({ items: [] });
  });

  test('whose instances cannot be converted says so, and tries again more and more seldom', async () => {
    s.stop();
    const errors: unknown[] = [];
    const failed = Promise.withResolvers<void>();
    let isAway = true;
    s = await startTestServer({
      onError(error) {
        errors.push(error);
        failed.resolve();
      },
      async reviewSender(_webhook, { apiVersion, kind, request }) {
        if (isAway) throw new Error('nobody there');
        const { uid, desiredAPIVersion, objects } = request;
        const convertedObjects = objects.map((one) => ({ ...(one as KubeObject), apiVersion: desiredAPIVersion }));
        return { apiVersion, kind, response: { uid, result: { status: 'Success' }, convertedObjects } };
      },
    });
    await s.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
    const webhook = { clientConfig: { url: 'https://127.0.0.1/' }, conversionReviewVersions: ['v1'] };
    const crd = definition((spec) => {
      spec.conversion = { strategy: 'Webhook', webhook };
    });
    await establish(crd);
    await s.send('POST', widgets, widget('a', { size: 1 }));
    const versions = crd.spec.versions.map((version) => ({ ...version, storage: !version.storage }));
    await s.send('PATCH', `${definitions}/widgets.example.com`, { spec: { versions } }, merge);
    const why = (message: string) => (seen: Definition | undefined) =>
      seen?.status?.conditions?.some(
        (one) => one.reason === 'InstanceDeletionFailed' && one.message?.includes(message),
      ) ?? false;

    await s.send('DELETE', `${definitions}/widgets.example.com`);
    await until('widgets.example.com', why('nobody there'));
    await failed.promise;
    // Anything that changes it brings nothing forward.
    await s.send('PATCH', `${definitions}/widgets.example.com`, { metadata: { labels: { a: 'b' } } }, merge);
    expect(errors).toHaveLength(1);
    isAway = false;
    await until(
      'widgets.example.com',
      (seen) => seen === undefined,
      () => s.clock.advance(1000),
    );
    expect(errors).toHaveLength(1);
  });

  test('outlives the server, with its instances', async () => {
    await establish();
    await s.send('POST', widgets, widget('a', { size: 1 }));
    const again = await startTestServer({ storage: s.storage });
    expect(await again.send('GET', `${widgets}/a`)).toMatchObject({
      status: 200,
      body: { spec: { size: 1, colour: 'red' } },
    });
    again.stop();
  });
});

describe('an object', () => {
  beforeEach(() => establish());

  test('is pruned and defaulted; strictly, it is refused', async () => {
    const given = widget('a', { size: 1, weight: 2 });
    const created = await s.send('POST', widgets, given);
    expect(created).toMatchObject({
      status: 201,
      body: { spec: { size: 1, colour: 'red' }, metadata: { generation: 1 } },
    });
    expect(created.body.spec).not.toHaveProperty('weight');
    expect(created.headers.warning).toEqual(['299 - "unknown field \\"spec.weight\\""']);
    const strict = await s.send<Json>('POST', `${widgets}?fieldValidation=Strict`, {
      ...given,
      metadata: { name: 'b' },
    });
    expect(strict).toMatchObject({
      status: 400,
      body: {
        message:
          'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.weight"',
      },
    });
  });

  test('is held to its rules: of one state, and of transitions', async () => {
    const refused = await s.send<Json>('POST', widgets, widget('a', { size: 7 }));
    expect(refused).toMatchObject({
      status: 422,
      body: { message: 'Widget.example.com "a" is invalid: spec: Forbidden: seven is unlucky' },
    });
    await s.send('POST', widgets, widget('a', { size: 3 }));
    const smaller = await s.send<Json>('PATCH', `${widgets}/a`, { spec: { size: 2 } }, merge);
    expect(smaller.body.message).toBe('Widget.example.com "a" is invalid: spec.size: Invalid value: from 3');
    expect(await s.send('PATCH', `${widgets}/a`, { spec: { size: 4 } }, merge)).toMatchObject({ status: 200 });
  });

  test('counts generations of all but metadata and status', async () => {
    await s.send('POST', widgets, { ...widget('a', { size: 1 }), status: { size: 9 } });
    expect((await s.send('GET', `${widgets}/a`)).body).not.toHaveProperty('status');
    await s.send('PATCH', `${widgets}/a`, { metadata: { labels: { x: 'y' } } }, merge);
    const both = { spec: { size: 5 }, status: { size: 1 }, metadata: { labels: { x: 'z' } } };
    const { body } = await s.send('PATCH', `${widgets}/a/status`, both, merge);
    expect(body).toMatchObject({
      metadata: { generation: 1, labels: { x: 'y' } },
      spec: { size: 1 },
      status: { size: 1 },
    });
    expect((await s.send('PATCH', `${widgets}/a`, { spec: { size: 2 } }, merge)).body).toMatchObject({
      metadata: { generation: 2 },
    });
  });

  test('is read and written in every version, and stored in one', async () => {
    await s.send('POST', widgets, widget('a', { size: 1 }));
    const beta = '/apis/example.com/v1beta1/namespaces/n/widgets';
    expect(await s.send('GET', `${beta}/a`)).toMatchObject({
      body: { apiVersion: 'example.com/v1beta1', spec: { size: 1 } },
    });
    const watch = await openWatch(s.server, { url: `${beta}?watch=true&resourceVersion=0` });
    expect(await watch.event()).toMatchObject({ type: 'ADDED', object: { apiVersion: 'example.com/v1beta1' } });
    await s.send('PATCH', `${widgets}/a`, { spec: { size: 2 } }, merge);
    expect(await watch.event()).toMatchObject({
      type: 'MODIFIED',
      object: { apiVersion: 'example.com/v1beta1', spec: { size: 2 } },
    });
    await watch.end();
    const { items } = await s.storage.range({ prefix: '/registry/example.com/widgets/' });
    expect(items.map(({ value }) => (JSON.parse(value) as KubeObject).apiVersion)).toEqual(['example.com/v1']);
  });

  test('says what it is: as a body, and as an item of a list', async () => {
    const { kind: _, ...without } = widget('a', { size: 1 });
    expect((await s.send<Json>('POST', widgets, without)).body.message).toMatch(
      /^the object provided is unrecognized \(must be of type Widget\): Object 'Kind' is missing in '/,
    );
    const other = { ...widget('a', { size: 1 }), apiVersion: 'example.com/v1beta1' };
    expect((await s.send<Json>('POST', widgets, other)).body.message).toBe(
      'the API version in the data (example.com/v1beta1) does not match the expected API version (example.com/v1)',
    );
    const protobuf = await s.send<Json>('POST', widgets, without, 'application/vnd.kubernetes.protobuf');
    expect(protobuf.status).toBe(415);
    const plain = await s.send('POST', widgets, widget('a', { size: 1 }, { finalizers: ['plain'] }));
    expect(plain.headers.warning).toEqual([expect.stringContaining('prefer a domain-qualified finalizer name')]);
    expect((await s.send('GET', widgets)).body).toMatchObject({
      kind: 'WidgetList',
      items: [{ kind: 'Widget', apiVersion: 'example.com/v1' }],
    });
  });

  test('must be updated from the version that is known', async () => {
    await s.send('POST', widgets, widget('a', { size: 1 }));
    expect(await s.send('PUT', `${widgets}/a`, widget('a', { size: 1 }))).toMatchObject({ status: 422 });
  });

  test('keeps what it has when its schema becomes stricter, and its watches go on with the new one', async () => {
    await s.send('POST', widgets, widget('a', { size: 5 }));
    const watch = await openWatch(s.server, { url: `${widgets}?watch=true&resourceVersion=0` });
    await watch.event();
    const { body } = await s.send<Definition>('GET', `${definitions}/widgets.example.com`);
    const { spec } = body.spec.versions[0]!.schema!.openAPIV3Schema!.properties!;
    spec!.properties = { size: { type: 'integer', maximum: 3 }, shape: { type: 'string', default: 'round' } };
    expect(await s.send('PUT', `${definitions}/widgets.example.com`, body)).toMatchObject({ status: 200 });
    expect((await s.send('GET', `${widgets}/a`)).body.spec).toEqual({ size: 5, shape: 'round' });
    const labelled = await s.send('PATCH', `${widgets}/a`, { metadata: { labels: { x: 'y' } } }, merge);
    expect(labelled).toMatchObject({ status: 200 });
    expect(await watch.event()).toMatchObject({ type: 'MODIFIED', object: { spec: { shape: 'round' } } });
    expect(await s.send('PATCH', `${widgets}/a`, { spec: { size: 6 } }, merge)).toMatchObject({ status: 422 });
    await watch.end();
  });
});

test('versions are ordered by preference', async () => {
  const { compareVersions } = await import('./version-order.ts');
  const sorted = ['v10', 'v2', 'v1', 'v11beta2', 'v10beta3', 'v3beta1', 'v12alpha1', 'v11alpha2', 'foo1', 'foo10'];
  expect([...sorted].reverse().sort(compareVersions)).toEqual(sorted);
});

test('a definition that somebody spoilt in storage keeps no other from being served, nor the server from starting', async () => {
  const storage = new MemoryStorage();
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const established = { conditions: [{ type: 'Established', status: 'True' }] };
  const put = (crd: { metadata: { name: string } }) => {
    const value = JSON.stringify({ kind: 'CustomResourceDefinition', apiVersion: 'apiextensions.k8s.io/v1', ...crd });
    const key = `/registry/apiextensions.k8s.io/customresourcedefinitions/${crd.metadata.name}`;
    return storage.transact({ compare: [], operations: [{ type: 'put', key, value }] });
  };
  await put({ metadata: { name: 'a' }, spec: { group: 'example.com' }, status: established } as {
    metadata: { name: string };
  });
  const spoilt = { metadata: { name: 'c' }, status: { conditions: [null] } };
  await put(spoilt);
  const other = { ...definition(), status: { ...established, acceptedNames: definition().spec.names } };
  await put(other);
  s.stop();
  s = await startTestServer({ storage, onError });
  expect((await s.send('GET', widgets)).status).toBe(200);
  expect(errors.length).toBeGreaterThan(0);
  // Nor what is written while it runs.
  await put({ metadata: { name: 'b' } });
  expect((await s.send('GET', widgets)).status).toBe(200);
});
