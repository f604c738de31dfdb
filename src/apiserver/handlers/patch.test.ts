import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { exchange } from '../fake/exchange.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';

const configMaps = '/api/v1/namespaces/n/configmaps';
const services = '/api/v1/namespaces/n/services';
let api: TestServer;
let count = 0;
let url = '';

beforeAll(async () => {
  api = await startTestServer();
  await api.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
});

beforeEach(async () => {
  url = `${configMaps}/c${count++}`;
  await api.send('POST', configMaps, { metadata: { name: url.split('/').at(-1) }, data: { k: 'v' } });
});

afterAll(() => api.stop());

const types = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

test.each([
  ['application/merge-patch+JSON', '{}', 415, '415: Unsupported Media Type'],
  [types.merge, 'null', 400, 'Invalid JSON Patch'],
  [types.json, '[{"op":1}]', 400, 'json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string'],
  [types.json, '[{"op":"add","path":[]}]', 400, 'json: cannot unmarshal array into Go struct field jsonPatchOp.path'],
])('%s of %s is %i', async (type, body, code, message) => {
  const headers = { 'content-type': type };
  const answer = await exchange(api.server, { method: 'PATCH', url, headers, body });
  expect(answer.json()).toMatchObject({ code, message: expect.stringContaining(message) });
});

test.each([
  [types.strategic, 'null'],
  [types.json, 'null'],
])('%s of %s changes nothing', async (type, body) => {
  const headers = { 'content-type': type };
  const answer = await exchange(api.server, { method: 'PATCH', url, headers, body });
  expect(answer.json()).toMatchObject({ data: { k: 'v' } });
});

test('what is not there is not patched, whatever the patch says', async () => {
  const headers = { 'content-type': types.merge };
  const answer = await exchange(api.server, { method: 'PATCH', url: `${configMaps}/none`, headers, body: '{' });
  expect(answer.status).toBe(404);
});

async function patch(type: keyof typeof types, body: string, query = '') {
  const headers = { 'content-type': types[type] };
  const answer = await exchange(api.server, { method: 'PATCH', url: url + query, headers, body });
  return { ...answer, message: answer.json<{ message: string }>().message, warning: answer.headers.warning };
}

describe('patches that cannot be read', () => {
  test.each([
    ['json', '{}', 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp'],
    ['json', '[1]', 'error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp'],
    ['merge', '[]', 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}'],
    ['merge', '{', 'error decoding patch: unexpected end of JSON input'],
    ['strategic', '"x"', 'json: cannot unmarshal string into Go value of type map[string]interface {}'],
    ['strategic', '{', 'unexpected end of JSON input'],
  ] as const)('%s %s', async (type, body, message) => {
    expect(await patch(type, body)).toMatchObject({ status: 400, message });
  });

  test('an apply of what is no YAML', async () => {
    const { status, message } = await patch('apply', 'a: [', '?fieldManager=m');
    expect(status).toBe(400);
    expect(message).toMatch(/^error decoding YAML: error converting YAML to JSON: yaml: /);
  });
});

test('a whole number of a merge patch is written as one; a strategic merge takes what is whole', async () => {
  const name = `s${count++}`;
  await api.send('POST', services, { metadata: { name }, spec: { ports: [{ port: 80 }] } });
  url = `${services}/${name}`;
  const timeout =
    '{"spec":{"sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{"timeoutSeconds":60.0}}}}';
  const { status, message } = await patch('merge', timeout);
  expect(status).toBe(422);
  expect(message).toContain('json: cannot unmarshal number 60.0 into Go struct field');
  expect(await patch('strategic', timeout)).toMatchObject({ status: 200 });
});

test.each([
  ['merge', '{"rules":[]}'],
  ['strategic', '{"rules":[]}'],
  ['json', '[{"op":"replace","path":"/rules","value":[]}]'],
  ['apply', '{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"r"},"rules":[]}'],
] as const)('an empty list that is put by %s is null, as upstream stores it', async (type, body) => {
  const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/n/roles';
  const created = await api.send('POST', roles, { metadata: { name: 'r' }, rules: [] });
  expect(created.body).toHaveProperty('rules', null);
  url = `${roles}/r`;
  await api.send('PUT', url, {
    metadata: { name: 'r' },
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
  });
  const answer = await patch(type, body, '?fieldManager=m&force=true'.slice(0, type === 'apply' ? undefined : 15));
  expect(answer).toMatchObject({ status: 200 });
  expect(answer.json()).toHaveProperty('rules', null);
  await api.send('DELETE', url);
});

test('a JSON patch has 10,000 operations at most', async () => {
  const operation = { op: 'test', path: '/data/k', value: 'v' };
  const most = await patch('json', JSON.stringify(Array.from({ length: 10_000 }, () => operation)));
  expect(most.status).toBe(200);
  const more = await patch('json', JSON.stringify(Array.from({ length: 10_001 }, () => operation)));
  expect(more).toMatchObject({
    status: 413,
    message: 'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
  });
});

test('a JSON patch that does not fit is 422', async () => {
  expect(await patch('json', '[{"op":"remove","path":"/data/none"}]')).toMatchObject({
    status: 422,
    message: 'the server rejected our request due to an error in our request',
  });
});

test.each(['constructor', '__proto__', 'k:{', 'v:', 'i:x'])(
  'managed fields with %s are as good as none',
  async (element) => {
    const apply = (value: string) =>
      patch(
        'apply',
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: url.split('/').at(-1) },
          data: { a: value },
        }),
        '?fieldManager=one',
      );
    await apply('b');
    const entry = { manager: 'two', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1' };
    const fieldsV1 = { 'f:data': Object.fromEntries([[element, {}]]) };
    const managedFields = [{ ...entry, fieldsV1 }];
    const { status, text } = await patch('merge', JSON.stringify({ metadata: { managedFields } }));
    expect(status).toBe(200);
    expect(text).not.toContain('two');
    expect(await apply('c')).toMatchObject({ status: 200 });
  },
);

test('an apply with the uid of what is not there makes nothing', async () => {
  url = `${configMaps}/gone`;
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'gone', uid: 'u' } };
  expect(await patch('apply', JSON.stringify(body), '?fieldManager=m')).toMatchObject({
    status: 409,
    message:
      'Operation cannot be fulfilled on configmaps "gone": uid mismatch: the provided object specified uid u, and no existing object was found',
  });
  expect((await api.send('GET', url)).status).toBe(404);
});

describe('what an object is does not change', () => {
  const unknown = 'no kind "ConfigMap" is registered for version "v2"';
  const other = 'converting (v1.Secret) to (core.ConfigMap): unknown conversion';
  test.each([
    ['json', '[{"op":"replace","path":"/kind","value":"Secret"}]', other],
    ['json', '[{"op":"replace","path":"/apiVersion","value":"v2"}]', unknown],
    ['merge', '{"kind":"Secret"}', other],
    ['merge', '{"apiVersion":"v2"}', unknown],
  ] as const)('%s %s', async (type, body, why) => {
    const { status, message } = await patch(type, body);
    expect(status).toBe(422);
    expect(message).toContain(`patch: Invalid value:`);
    expect(message).toContain(why);
  });

  test('a strategic merge goes into the object as it is', async () => {
    expect((await patch('strategic', '{"kind":"Secret","data":{"z":"1"}}')).json()).toMatchObject({
      kind: 'ConfigMap',
      data: { z: '1' },
    });
  });

  test.each(['kind: Secret\n', ''])('an applied configuration of another kind: %j', async (kind) => {
    const name = url.split('/').at(-1);
    const body = `apiVersion: v1\n${kind}metadata: {name: ${name}}\n`;
    const { status, message } = await patch('apply', body, '?fieldManager=m');
    expect({ status, message }).toEqual({
      status: 400,
      message: `invalid object type: /v1, Kind=${kind.slice(6, -1)}`,
    });
  });
});

describe('strict validation looks at the patch and at what it makes', () => {
  test('keys that stand twice', async () => {
    const twice = '{"data":{"a":"1","a":"2"}}';
    expect((await patch('merge', twice)).warning).toEqual(['299 - "duplicate field \\"data.a\\""']);
    const refused = await patch('strategic', twice, '?fieldValidation=Strict');
    expect(refused).toMatchObject({
      status: 422,
      message:
        ' "" is invalid: patch: Invalid value: "map[data:map[a:2]]": strict decoding error: duplicate field "data.a"',
    });
    expect((await patch('merge', twice, '?fieldValidation=Ignore')).warning).toBeUndefined();
  });

  test('operations with unknown fields, and unknown fields of the object', async () => {
    const body = '[{"op":"add","path":"/nothing","value":1,"why":"x"}]';
    expect((await patch('json', body)).warning).toEqual([
      '299 - "json patch unknown field \\"[0].why\\""',
      '299 - "unknown field \\"nothing\\""',
    ]);
    const refused = await patch('json', body, '?fieldValidation=Strict');
    expect(refused.status).toBe(422);
    expect(refused.message).toMatch(
      /^ "" is invalid: patch: Invalid value: "\{.*\}": strict decoding error: json patch unknown field "\[0\]\.why", unknown field "nothing"$/,
    );
  });

  test('keys that stand twice in YAML', async () => {
    const body = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${url.split('/').at(-1)}}\ndata:\n  a: "1"\n  a: "2"\n`;
    const strict = await patch('apply', body, '?fieldManager=m&fieldValidation=Strict');
    expect(strict).toMatchObject({
      status: 400,
      message:
        'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 6: key "a" already set in map',
    });
    const headers = { 'content-type': 'application/yaml' };
    const put = (query: string) => exchange(api.server, { method: 'PUT', url: url + query, headers, body });
    expect((await put('')).headers.warning).toEqual(['299 - "line 6: key \\"a\\" already set in map"']);
    expect((await put('?fieldValidation=Strict')).json()).toMatchObject({
      code: 400,
      message:
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: yaml: unmarshal errors:\n  line 6: key "a" already set in map',
    });
  });
});

test('directives of the strategic merge', async () => {
  const ports = [
    { name: 'a', port: 1 },
    { name: 'b', port: 2 },
    { name: 'c', port: 3 },
  ];
  await api.send('POST', services, {
    metadata: { name: 's', labels: { old: 'l' }, finalizers: ['x/1', 'x/2'] },
    spec: { ports },
  });
  const send = async (body: unknown) => {
    const { body: after } = await api.send('PATCH', `${services}/s`, body, types.strategic);
    const { spec, metadata } = after as unknown as {
      spec: { ports: { port: number }[] };
      metadata: { finalizers?: string[]; labels?: Record<string, string> };
    };
    return { ports: spec.ports.map(({ port }) => port), ...metadata };
  };
  expect((await send({ spec: { ports: [{ $patch: 'delete', port: 2 }] } })).ports).toEqual([1, 3]);
  const order = { '$setElementOrder/ports': [{ port: 3 }, { port: 1 }], ports: [{ port: 3, name: 'd' }] };
  expect((await send({ spec: order })).ports).toEqual([3, 1]);
  const dropped = await send({ metadata: { '$deleteFromPrimitiveList/finalizers': ['x/1'] } });
  expect(dropped.finalizers).toEqual(['x/2']);
  expect((await send({ metadata: { labels: { $patch: 'replace', only: 'one' } } })).labels).toEqual({ only: 'one' });
  const replaced = await send({ spec: { ports: [{ $patch: 'replace' }, { name: 'z', port: 9 }] } });
  expect(replaced.ports).toEqual([9]);
});

test('media types that are no patch are 415, CBOR among them', async () => {
  for (const type of ['application/apply-patch+cbor', 'application/json', 'text/plain']) {
    const headers = { 'content-type': type };
    const { status } = await exchange(api.server, {
      method: 'PATCH',
      url: `${url}?fieldManager=m`,
      headers,
      body: '{}',
    });
    expect(status, type).toBe(415);
  }
  const headers = { 'content-type': 'application/cbor' };
  const created = await exchange(api.server, { method: 'POST', url: configMaps, headers, body: 'x' });
  expect(created).toMatchObject({ status: 415 });
  expect((await exchange(api.server, { url, headers: { accept: 'application/cbor' } })).status).toBe(406);
});

test('a Scale that is applied shares the replicas with the managers of its parent', async () => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const spec = { replicas: 1, selector: { matchLabels: { a: 'b' } }, template };
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec };
  url = '/apis/apps/v1/namespaces/n/deployments/d';
  expect((await patch('apply', JSON.stringify(deployment), '?fieldManager=owner')).status).toBe(201);
  url = `${url}/scale`;
  const scale = (replicas: number, apiVersion = 'autoscaling/v1') =>
    JSON.stringify({ apiVersion, kind: 'Scale', metadata: { name: 'd', namespace: 'n' }, spec: { replicas } });
  expect(await patch('apply', scale(3))).toMatchObject({ status: 422 });
  expect(await patch('apply', scale(3, 'apps/v1'), '?fieldManager=hpa')).toMatchObject({
    status: 400,
    message: 'invalid object type: apps/v1, Kind=Scale',
  });
  expect(await patch('apply', scale(3), '?fieldManager=hpa')).toMatchObject({
    status: 409,
    message: 'Apply failed with 1 conflict: conflict with "owner": .spec.replicas',
  });
  // An update through the Scale is told of as it is seen there.
  await api.send('PUT', `${url}?fieldManager=human`, { metadata: { name: 'd' }, spec: { replicas: 2 } });
  expect(await patch('apply', scale(3), '?fieldManager=hpa')).toMatchObject({
    status: 409,
    message:
      'Apply failed with 1 conflict: conflict with "human" with subresource "scale" using autoscaling/v1: .spec.replicas',
  });
  expect((await patch('apply', scale(3), '?fieldManager=hpa&force=true')).json()).toMatchObject({
    kind: 'Scale',
    spec: { replicas: 3 },
  });
  const { body } = await api.send('GET', url.replace('/scale', ''));
  const { metadata } = body as {
    metadata: { managedFields: { manager: string; fieldsV1: object; subresource?: string }[] };
  };
  const owners = metadata.managedFields.filter(({ fieldsV1 }) => JSON.stringify(fieldsV1).includes('f:replicas'));
  expect(owners).toMatchObject([{ manager: 'hpa', operation: 'Apply', subresource: 'scale' }]);
});

test('an applied configuration whose values are no values of their kind', async () => {
  const name = url.split('/').at(-1);
  const body = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, deletionTimestamp: soon}\n`;
  expect(await patch('apply', body, '?fieldManager=m')).toMatchObject({
    status: 500,
    message: `failed to convert new object (/${name}; /v1, Kind=ConfigMap) to proper version: unable to convert unstructured object to /v1, Kind=ConfigMap: parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"`,
  });
  expect(await patch('apply', '[]', '?fieldManager=m')).toMatchObject({
    status: 400,
    message:
      'error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}',
  });
});

test('who owns a field in another version owns it in this one', async () => {
  const spec = { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } };
  const autoscaler = (version: string, more: object) =>
    JSON.stringify({
      apiVersion: `autoscaling/${version}`,
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'h' },
      spec: { ...spec, ...more },
    });
  const path = (version: string) => `/apis/autoscaling/${version}/namespaces/n/horizontalpodautoscalers/h`;
  const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } };
  url = path('v2');
  expect((await patch('apply', autoscaler('v2', { metrics: [cpu] }), '?fieldManager=first')).status).toBe(201);
  url = path('v1');
  const one = autoscaler('v1', { targetCPUUtilizationPercentage: 60 });
  expect(await patch('apply', one, '?fieldManager=second')).toMatchObject({
    status: 409,
    message: 'Apply failed with 1 conflict: conflict with "first": .spec.metrics',
  });
  expect((await patch('apply', one, '?fieldManager=second&force=true')).status).toBe(200);
  const { metadata } = (await patch('merge', '{}')).json<{
    metadata: { managedFields: { manager: string; apiVersion: string; fieldsV1: object }[] };
  }>();
  expect(metadata.managedFields).toMatchObject([
    { manager: 'first', apiVersion: 'autoscaling/v2', fieldsV1: { 'f:spec': { 'f:maxReplicas': {} } } },
    { manager: 'second', apiVersion: 'autoscaling/v1', fieldsV1: { 'f:spec': { 'f:maxReplicas': {} } } },
  ]);
  expect(JSON.stringify(metadata.managedFields[0]?.fieldsV1)).not.toContain('f:metrics');
});

test.each([
  [types.json, '[{"op":"replace","path":"/spec/ports/0/port","value":80.0}]'],
  [types.json, '[{"op":"add","path":"/spec/ports","value":[{"port":8.0e1}]}]'],
  [types.merge, '{"spec":{"ports":[{"port":80.0}]}}'],
])('a whole number is written as one: %s of %s is refused', async (type, body) => {
  const services = '/api/v1/namespaces/n/services';
  const spec = { type: 'ExternalName', externalName: 'a.b', ports: [{ port: 80 }] };
  await api.send('POST', services, { metadata: { name: 'whole' }, spec });
  const answer = await exchange(api.server, {
    method: 'PATCH',
    url: `${services}/whole`,
    headers: { 'content-type': type },
    body,
  });
  expect(answer.json()).toMatchObject({
    code: 422,
    message: expect.stringMatching(
      /json: cannot unmarshal number 8[^ ]+ into Go struct field ServicePort.spec.ports.port of type int32/,
    ),
  });
});
