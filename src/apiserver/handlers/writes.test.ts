// What all writes share: options, names that are made up, dry runs, deletions of many, managed fields.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { KubeList, KubeObject } from '../../apimachinery/object.ts';
import { MemoryStorage } from '../../storage/memory/memory-storage.ts';
import { TooLargeError } from '../../storage/storage.ts';
import type { Random } from '../../system/random.ts';
import { exchange } from '../fake/exchange.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';

const configMaps = '/api/v1/namespaces/n/configmaps';
const merge = 'application/merge-patch+json';
let api: TestServer;

beforeEach(async () => {
  api = await startTestServer();
  await api.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
});

afterEach(() => api.stop());

const create = (name: string, more: object = {}) => api.send('POST', configMaps, { metadata: { name }, ...more });
const names = async (query = '') =>
  (await api.send<KubeList<KubeObject>>('GET', `${configMaps}${query}`)).body.items.map(
    ({ metadata }) => metadata.name,
  );

test('a body of null says nothing, and is as good as an empty object', async () => {
  const { body } = await api.send('POST', configMaps, null);
  expect(body).toMatchObject({ code: 422, message: expect.stringContaining('name or generateName is required') });
  await create('a');
  expect((await api.send('DELETE', `${configMaps}/a`, null)).status).toBe(200);
});

test('the classes that the system counts on are not deleted by their names', async () => {
  const classes = '/apis/scheduling.k8s.io/v1/priorityclasses';
  const critical = { metadata: { name: 'system-node-critical' }, value: 2_000_001_000 };
  for (const object of [critical, { metadata: { name: 'mine' }, value: 1 }]) await api.send('POST', classes, object);
  expect((await api.send('DELETE', `${classes}/system-node-critical`)).body).toMatchObject({
    code: 403,
    reason: 'Forbidden',
    message:
      'priorityclasses.scheduling.k8s.io "system-node-critical" is forbidden: this is a system priority class and cannot be deleted',
  });
  expect((await api.send('DELETE', `${classes}/mine`)).status).toBe(200);
  expect((await api.send('GET', `${classes}/system-node-critical`)).status).toBe(200);
});

test('devices are given for administration only where the namespace says so', async () => {
  const requests = [{ name: 'r', exactly: { deviceClassName: 'd', adminAccess: true } }];
  const claim = { metadata: { name: 'a' }, spec: { devices: { requests } } };
  const url = (resource: string, namespace: string) => `/apis/resource.k8s.io/v1/namespaces/${namespace}/${resource}`;
  const labels = { 'resource.kubernetes.io/admin-access': 'true' };
  await api.send('POST', '/api/v1/namespaces', { metadata: { name: 'admins', labels } });
  for (const [resource, object] of [
    ['resourceclaims', claim],
    ['resourceclaimtemplates', { metadata: { name: 'a' }, spec: { spec: claim.spec } }],
  ] as const) {
    const refused = await api.send('POST', url(resource, 'n'), object);
    expect(refused.body).toMatchObject({ code: 422 });
    expect(refused.body.message).toContain(
      'spec.devices.requests[0].adminAccess: Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace',
    );
    expect((await api.send('POST', url(resource, 'admins'), object)).status).toBe(201);
  }
});

const everyNode = { verbs: ['*'], apiGroups: [''], resources: ['nodes'], clusterScope: true };
const volume = (source: object) => ({ capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], ...source });

test.each<[url: string, object: object, written: object]>([
  [
    '/api/v1/namespaces/n/podtemplates',
    { template: { spec: { containers: [{ name: 'c', image: 'i' }], volumes: [{ name: 'v', projected: {} }] } } },
    { template: { spec: { volumes: [{ projected: { sources: null } }] } } },
  ],
  [
    '/api/v1/persistentvolumes',
    { spec: volume({ azureFile: { secretName: 's', shareName: 's' } }) },
    { spec: { azureFile: { secretNamespace: null } } },
  ],
  [
    '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas',
    {
      spec: {
        matchingPrecedence: 100,
        priorityLevelConfiguration: { name: 'exempt' },
        rules: [{ subjects: [{ kind: 'Group', group: { name: '*' } }], resourceRules: [everyNode] }],
      },
    },
    { spec: { rules: [{ resourceRules: [{ namespaces: null }] }] } },
  ],
])('what Go writes as null may be left out: %s %j', async (url, object, written) => {
  const answer = await api.send('POST', url, { metadata: { name: 'a' }, ...object });
  expect(answer.status).toBe(201);
  expect(answer.body).toMatchObject(written);
  expect((await api.send('GET', `${url}/a`)).body).toEqual(answer.body);
});

test.each([
  [{ orphanDependents: false }, 202],
  [{ orphanDependents: true }, 200],
  [{ propagationPolicy: 'Foreground' }, 200],
  [{}, 200],
])('a deletion that waits for a finalizer, with %j: %i', async (options, status) => {
  await create('a', { metadata: { name: 'a', finalizers: ['a.b/c'] } });
  expect((await api.send('DELETE', `${configMaps}/a`, options)).status).toBe(status);
});

test.each<[string, string, (managedFields: unknown) => unknown]>([
  ['PUT', 'application/json', (managedFields) => ({ data: { a: 'b' }, metadata: { name: 'a', managedFields } })],
  ['PATCH', merge, (managedFields) => ({ metadata: { managedFields } })],
  ['PATCH', 'application/json-patch+json', (value) => [{ op: 'replace', path: '/metadata/managedFields', value }]],
])('%s %s: managedFields without entries clear them, none at all leave them', async (method, type, body) => {
  await create('a', { data: { a: 'b' } });
  const managersAfter = async (managedFields: unknown) =>
    (await api.send(method, `${configMaps}/a`, body(managedFields), type)).body.metadata.managedFields;
  expect(await managersAfter(null)).toHaveLength(1);
  expect(await managersAfter([])).toBeUndefined();
});

test.each([
  ['array', [], '5b5d'],
  ['string', 'x', '227822'],
  ['number', 5, '35'],
  ['bool', true, '74727565'],
])('a body that is no object: %s', async (what, given, bytes) => {
  const { status, body } = await api.send('POST', configMaps, given);
  expect({ status, message: body.message }).toEqual({
    status: 400,
    message: `the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: json: cannot unmarshal ${what} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (${bytes})`,
  });
});

test('a binding is of the pod that its path names', async () => {
  const container = { name: 'c', image: 'i' };
  await api.send('POST', '/api/v1/namespaces/n/serviceaccounts', { metadata: { name: 'default' } });
  await api.send('POST', '/api/v1/namespaces/n/pods', { metadata: { name: 'p' }, spec: { containers: [container] } });
  const bind = (name: string, more: object = {}) =>
    api.send('POST', '/api/v1/namespaces/n/pods/p/binding', { metadata: { name, ...more }, target: { name: 'node' } });
  const refused = { code: 400, message: 'name in URL does not match name in Binding object' };
  expect((await bind('q')).body).toMatchObject(refused);
  const { metadata } = (await api.send<Pod>('GET', '/api/v1/namespaces/n/pods/p')).body;
  for (const [field, given, present] of [
    ['UID', { uid: 'x' }, metadata.uid],
    ['ResourceVersion', { resourceVersion: 'x' }, metadata.resourceVersion],
  ] as const) {
    expect((await bind('p', given)).body).toMatchObject({
      code: 409,
      message: `Operation cannot be fulfilled on pods "p": StorageError: invalid object, Code: 4, Key: /registry/pods/n/p, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: ${field} in precondition: x, ${field} in object meta: ${present}`,
    });
  }
  const nominated = { status: { nominatedNodeName: 'node' } };
  await api.send('PATCH', '/api/v1/namespaces/n/pods/p/status', nominated, 'application/merge-patch+json');
  expect((await bind('p')).status).toBe(201);
  const { spec, status } = (await api.send<Pod>('GET', '/api/v1/namespaces/n/pods/p')).body;
  expect([spec.nodeName, status?.nominatedNodeName]).toEqual(['node', undefined]);
});

test.each(['binding', 'eviction'])('%s: the namespace is that of the path', async (subresource) => {
  const body = { metadata: { name: 'p', namespace: 'other' }, target: { name: 'node' } };
  expect((await api.send('POST', `/api/v1/namespaces/n/pods/p/${subresource}`, body)).body).toMatchObject({
    code: 400,
    message: 'the namespace of the provided object does not match the namespace sent on the request',
  });
});

test('what storage takes no more of is told in its words', async () => {
  const storage = new MemoryStorage();
  const small = await startTestServer({ storage });
  storage.transact = async () => {
    throw new TooLargeError('etcdserver: request is too large');
  };
  const { status, body } = await small.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  expect(status).toBe(500);
  expect(body).toMatchObject({ kind: 'Status', message: 'etcdserver: request is too large', code: 500 });
  expect(body).not.toHaveProperty('reason');
  small.stop();
});

describe('options', () => {
  test.each([
    ['dryRun=Some', 'dryRun: Unsupported value: ["Some"]: supported values: "All"'],
    ['dryRun=', 'dryRun: Unsupported value: [""]: supported values: "All"'],
    ['fieldManager=a%09b', 'fieldManager: Invalid value: "a\\tb": invalid character U+0009 (at position 1)'],
    [`fieldManager=${'x'.repeat(129)}`, 'fieldManager: Too long: may not be more than 128 bytes'],
    [
      'fieldValidation=Some',
      'fieldValidation: Unsupported value: "Some": supported values: "", "Ignore", "Strict", "Warn"',
    ],
  ])('%s: %s', async (query, message) => {
    const { body } = await api.send('POST', `${configMaps}?${query}`, { metadata: { name: 'a' } });
    expect(body).toMatchObject({ code: 422, message: `CreateOptions.meta.k8s.io "" is invalid: ${message}` });
  });

  test('a delete takes its options from its body, and only without one from the query', async () => {
    await create('a');
    const wrong = await api.send('DELETE', `${configMaps}/a?propagationPolicy=Sideways`);
    expect(wrong.body).toMatchObject({ code: 422 });
    expect(await api.send('DELETE', `${configMaps}/a`, { gracePeriodSeconds: 'soon' })).toMatchObject({ status: 400 });
    expect(await api.send('DELETE', `${configMaps}/a`, { kind: 'ConfigMap', apiVersion: 'v1' })).toMatchObject({
      status: 400,
    });
    const orphan = { kind: 'DeleteOptions', apiVersion: 'apps/v1', propagationPolicy: 'Orphan' };
    const held = await api.send('DELETE', `${configMaps}/a?propagationPolicy=Foreground`, orphan);
    expect(held.body.metadata.finalizers).toEqual(['orphan']);
  });

  test.each([
    ['?gracePeriodSeconds=', undefined, 400, 'strconv.ParseInt: parsing "": invalid syntax'],
    ['?propagationPolicy=', undefined, 422, 'propagationPolicy: Unsupported value: ""'],
    ['?uid=x', undefined, 409, 'the UID in the precondition (x) does not match the UID in record'],
    ['?resourceVersion=1', undefined, 409, 'the ResourceVersion in the precondition (1) does not match'],
    [
      '',
      { gracePeriodSeconds: 'x' },
      400,
      'json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds',
    ],
    ['', { kind: 'Status' }, 400, 'converting (v1.Status) to (v1.DeleteOptions): unknown conversion'],
    [
      '',
      { kind: 'Pod', apiVersion: 'v1' },
      400,
      'no kind "Pod" is registered for version "v1" in scheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"',
    ],
  ])('a delete with %s %j is %i', async (query, options, code, message) => {
    await create('a');
    const { body } = await api.send('DELETE', `${configMaps}/a${query}`, options);
    expect(body).toMatchObject({ code, message: expect.stringContaining(message) });
    expect((await api.send('GET', `${configMaps}/a`)).status).toBe(200);
  });

  test.each([
    ['POST ', { name: 'b', resourceVersion: '5' }, 400, 'resourceVersion should not be set on objects to be created'],
    ['PUT /a', { name: 'a', resourceVersion: 'x' }, 400, 'strconv.ParseUint: parsing "x": invalid syntax'],
    [
      'PUT /a',
      { name: 'b', namespace: 'other' },
      400,
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
    ['GET /..', undefined, 400, `Name parameter invalid: "..": may not be '..'`],
    ['GET /a%25', undefined, 400, `Name parameter invalid: "a%": may not contain '%'`],
  ])('%s of %j is %i', async (asked, metadata, code, message) => {
    const [method = '', path = ''] = asked.split(' ');
    await create('a');
    const { body } = await api.send(method, configMaps + path, metadata && { metadata });
    expect(body).toMatchObject({ code, message });
  });

  test('a PUT makes what is gone anew, but for an object of a UID', async () => {
    const endpoints = '/api/v1/namespaces/n/endpoints/gone';
    const put = (metadata: object) => api.send('PUT', endpoints, { metadata: { name: 'gone', ...metadata } });
    expect((await put({ uid: 'u', resourceVersion: '5' })).body).toMatchObject({
      code: 409,
      message: expect.stringContaining('UID in precondition: u, UID in object meta: '),
    });
    const { status, body } = await put({ resourceVersion: '5' });
    expect(status).toBe(201);
    expect(body.metadata.resourceVersion).not.toBe('5');
  });

  test.each(['application/json; charset', ';', 'application/json;a="'])('a type that is none: %s', async (type) => {
    const { body } = await api.send('POST', configMaps, { metadata: { name: 'b' } }, type);
    expect(body).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' });
  });

  test('what is deleted together is told as it was found', async () => {
    for (const name of ['a', 'b', 'c']) await create(name);
    const hold = { metadata: { finalizers: ['x.io/hold'] } };
    await api.send('PATCH', `${configMaps}/a`, hold, 'application/merge-patch+json');
    const { body } = await api.send<KubeList<KubeObject>>('DELETE', `${configMaps}?limit=2`);
    expect(body.items.map(({ metadata }) => [metadata.name, metadata.deletionTimestamp])).toEqual([
      ['a', undefined],
      ['b', undefined],
    ]);
    expect(body.metadata.continue).toBeDefined();
    expect((await api.send('DELETE', `${configMaps}?continue=x`)).status).toBe(400);
  });

  test('orphanDependents is the old way to say it', async () => {
    await create('a');
    const { body } = await api.send('DELETE', `${configMaps}/a`, { orphanDependents: true });
    expect(body.metadata.finalizers).toEqual(['orphan']);
  });
});

describe('dry runs change nothing', () => {
  test('what is only tried has no version', async () => {
    const { body } = await api.send('POST', `${configMaps}?dryRun=All`, { metadata: { name: 'a' } });
    expect(body.metadata.uid).toBeTruthy();
    expect(body.metadata.resourceVersion).toBeUndefined();
  });

  test('whatever the verb', async () => {
    await create('a', { data: { k: 'v' } });
    const before = await exchange(api.server, { url: configMaps });
    const all = '?dryRun=All';
    const object = { metadata: { name: 'a' }, data: { k: 'w' } };
    const put = await api.send('PUT', `${configMaps}/a${all}`, object);
    expect([put.status, put.body.data]).toEqual([200, { k: 'w' }]);
    const patched = await api.send('PATCH', `${configMaps}/a${all}`, { data: { k: 'x' } }, merge);
    expect([patched.status, patched.body.data]).toEqual([200, { k: 'x' }]);
    const applied = await api.send(
      'PATCH',
      `${configMaps}/new${all}&fieldManager=m`,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'new' } },
      'application/apply-patch+yaml',
    );
    expect(applied.status).toBe(201);
    expect((await api.send('DELETE', `${configMaps}/a${all}`)).body).toMatchObject({ status: 'Success' });
    expect((await api.send('DELETE', `${configMaps}/a`, { dryRun: ['All'] })).body).toMatchObject({
      status: 'Success',
    });
    expect((await api.send('DELETE', `${configMaps}${all}`)).status).toBe(200);
    expect((await exchange(api.server, { url: configMaps })).text).toBe(before.text);
  });
});

describe('names that are made up', () => {
  /** Says the same until it has been asked some times. */
  class Stubborn implements Random {
    #asked = 0;
    readonly #until: number;
    constructor(until: number) {
      this.#until = until;
    }
    int(bound: number): number {
      this.#asked++;
      return this.#asked > this.#until ? this.#asked % bound : 0;
    }
    bytes = (length: number) => new Uint8Array(length);
    uuid = () => '00000000-0000-4000-8000-000000000000';
    number = () => 0;
  }

  test('one that is taken is made up again, some times', async () => {
    const body = { metadata: { generateName: 'g-' } };
    const lucky = await startTestServer({ random: new Stubborn(20) });
    await lucky.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
    const made = [await lucky.send('POST', configMaps, body), await lucky.send('POST', configMaps, body)];
    expect(made.map(({ status }) => status)).toEqual([201, 201]);
    expect(new Set(made.map((one) => one.body.metadata.name)).size).toBe(2);
    lucky.stop();
    const never = await startTestServer({ random: new Stubborn(Number.POSITIVE_INFINITY) });
    await never.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
    await never.send('POST', configMaps, body);
    expect((await never.send('POST', configMaps, body)).body).toMatchObject({ code: 409, reason: 'AlreadyExists' });
    never.stop();
  });

  test('a long start is cut', async () => {
    const { body } = await api.send('POST', configMaps, { metadata: { generateName: 'x'.repeat(80) } });
    expect(body.metadata.name).toMatch(/^x{58}[a-z0-9]{5}$/);
  });
});

describe('deletions of many', () => {
  test('what a selector finds, and as many as a limit says', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await create(name);
    await api.send('PATCH', `${configMaps}/d`, { metadata: { labels: { keep: 'no' } } }, merge);
    await api.send('DELETE', `${configMaps}?labelSelector=keep%3Dno`);
    expect(await names()).toEqual(['a', 'b', 'c']);
    await api.send('DELETE', `${configMaps}?fieldSelector=metadata.name%3Db`);
    expect(await names()).toEqual(['a', 'c']);
    const { body } = await api.send<KubeList<KubeObject>>('DELETE', `${configMaps}?limit=1`);
    expect(body.items.map(({ metadata }) => metadata.name)).toEqual(['a']);
    expect(await names()).toEqual(['c']);
  });
});

describe('managed fields', () => {
  const managers = (body: KubeObject) => (body.metadata.managedFields ?? []).map(({ manager }) => manager);

  test('an empty entry takes all records away, until somebody applies', async () => {
    const { body } = await api.send('POST', `${configMaps}?fieldManager=one`, {
      metadata: { name: 'a' },
      data: { k: 'v' },
    });
    expect(managers(body)).toEqual(['one']);
    const reset = await api.send(
      'PATCH',
      `${configMaps}/a?fieldManager=two`,
      { metadata: { managedFields: [{}] } },
      merge,
    );
    expect(managers(reset.body)).toEqual([]);
    // Nobody is recorded again before the first apply.
    const later = await api.send('PATCH', `${configMaps}/a?fieldManager=two`, { data: { k: 'w' } }, merge);
    expect(managers(later.body)).toEqual([]);
    const applied = await api.send(
      'PATCH',
      `${configMaps}/a?fieldManager=three`,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { own: 'v' } },
      'application/apply-patch+yaml',
    );
    expect(managers(applied.body).sort()).toEqual(['before-first-apply', 'three']);
  });
});

test('a PUT makes objects only of kinds that say so', async () => {
  const lease = { metadata: { name: 'l' }, spec: {} };
  const leases = '/apis/coordination.k8s.io/v1/namespaces/n/leases';
  expect((await api.send('PUT', `${leases}/l`, lease)).status).toBe(201);
  expect((await api.send('PUT', `${leases}/l`, lease)).body).toMatchObject({
    code: 422,
    message: expect.stringContaining('metadata.resourceVersion: Invalid value: '),
  });
  expect((await api.send('PUT', `${configMaps}/none`, { metadata: { name: 'none' } })).body).toMatchObject({
    code: 404,
  });
});

test('a Job that is deleted without a word of its pods keeps them, and its client is told', async () => {
  const jobs = '/apis/batch/v1/namespaces/n/jobs';
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } };
  const make = (name: string) => api.send('POST', jobs, { metadata: { name }, spec: { template } });
  await Promise.all([make('silent'), make('explicit'), make('one-of-many')]);
  const warning =
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning';
  const silent = await api.send('DELETE', `${jobs}/silent`);
  expect(silent.body.metadata.finalizers).toEqual(['orphan']);
  expect(silent.warnings).toEqual([warning]);
  const explicit = await api.send('DELETE', `${jobs}/explicit?propagationPolicy=Background`);
  expect(explicit.body).toMatchObject({ kind: 'Status', status: 'Success' });
  expect(explicit.warnings).toEqual([]);
  expect((await api.send('DELETE', jobs)).warnings).toEqual([warning]);
});
