// Admission policies of both kinds against a server in this process.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../src/apiserver/fake/test-server.ts';
import type { Clock } from '../src/system/clock.ts';
import { realClock } from '../src/system/real/clock.ts';

const registration = '/apis/admissionregistration.k8s.io/v1';
const configMaps = '/api/v1/namespaces/n/configmaps';
const matchConstraints = {
  resourceRules: [
    { operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] },
  ],
};

let server: TestServer<Clock>;

beforeEach(async () => {
  server = await startTestServer<Clock>({
    clock: realClock,
    authorizer: { authorize: ({ verb, info }) => ({ allowed: verb !== 'fly' && info.resource !== 'moons' }) },
  });
  await server.send('POST', '/api/v1/namespaces', { metadata: { name: 'n', labels: { team: 'a' } } });
});

afterEach(() => server.stop());

const create = (name: string, more: object = {}) => server.send('POST', configMaps, { metadata: { name }, ...more });

async function make(resource: string, body: object) {
  const { status, body: made } = await server.send('POST', `${registration}/${resource}`, body);
  expect(status, JSON.stringify(made)).toBe(201);
  return made;
}

async function validating(spec: object, binding: object = {}) {
  await make('validatingadmissionpolicies', { metadata: { name: 'p' }, spec: { matchConstraints, ...spec } });
  await make('validatingadmissionpolicybindings', {
    metadata: { name: 'b' },
    spec: { policyName: 'p', validationActions: ['Deny'], ...binding },
  });
}

test('what a policy does not allow is refused in its words', async () => {
  await validating({
    variables: [
      { name: 'size', expression: 'has(object.data) ? object.data.size() : 0' },
      { name: 'isBig', expression: 'variables.size > 1' },
    ],
    validations: [
      {
        expression: '!variables.isBig',
        messageExpression: "'has ' + string(variables.size) + ' keys'",
        reason: 'Forbidden',
      },
      { expression: "object.metadata.name != 'bad'", message: 'a bad name' },
      { expression: "object.metadata.name != 'worse'" },
    ],
  });
  expect((await create('ok', { data: { a: 'b' } })).status).toBe(201);
  const big = await create('big', { data: { a: 'b', c: 'd' } });
  const message = `ValidatingAdmissionPolicy 'p' with binding 'b' denied request: has 2 keys`;
  expect(big).toMatchObject({
    status: 403,
    body: {
      reason: 'Forbidden',
      message: `configmaps "big" is forbidden: ${message}`,
      details: { name: 'big', kind: 'configmaps', causes: [{ message }] },
    },
  });
  const bad = await create('bad');
  expect(bad).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
  expect(bad.body.message).toMatch(/denied request: a bad name$/);
  expect((await create('worse')).body.message).toMatch(
    /denied request: failed expression: object.metadata.name != 'worse'$/,
  );
  const grown = await server.send('PATCH', `${configMaps}/ok`, { data: { x: 'y' } }, 'application/merge-patch+json');
  expect(grown.status).toBe(403);
});

test('bindings warn instead, and only where they match', async () => {
  await validating(
    { validations: [{ expression: 'false', message: 'no' }] },
    { validationActions: ['Warn', 'Audit'], matchResources: { namespaceSelector: { matchLabels: { team: 'a' } } } },
  );
  const warned = await create('a');
  expect(warned.status).toBe(201);
  expect(warned.warnings).toEqual(["Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': no"]);
  await server.send('POST', '/api/v1/namespaces', { metadata: { name: 'm' } });
  expect((await server.send('POST', '/api/v1/namespaces/m/configmaps', { metadata: { name: 'a' } })).warnings).toEqual(
    [],
  );
});

test('parameters are named or selected, and may be missing', async () => {
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' };
  await validating(
    {
      paramKind,
      matchConditions: [
        { name: 'no-params', expression: "!has(object.metadata.labels) || !('limits' in object.metadata.labels)" },
      ],
      validations: [
        {
          expression: 'object.data.size() <= int(params.data.most)',
          messageExpression: "'at most ' + params.data.most",
        },
      ],
    },
    { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } },
  );
  const missing = await create('a', { data: { x: 'y' } });
  expect(missing.status).toBe(422);
  expect(missing.body.message).toMatch(
    /failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction$/,
  );
  const binding = `${registration}/validatingadmissionpolicybindings/b`;
  const setAction = (value: string) =>
    server.send(
      'PATCH',
      binding,
      [{ op: 'replace', path: '/spec/paramRef/parameterNotFoundAction', value }],
      'application/json-patch+json',
    );
  await setAction('Allow');
  expect((await create('limits', { labels: {}, data: { most: '1' } })).status).toBe(201);
  await setAction('Deny');
  expect((await create('b', { data: { x: 'y' } })).status).toBe(201);
  expect((await create('c', { data: { x: 'y', z: 'z' } })).body.message).toMatch(/denied request: at most 1$/);
});

test('errors of evaluation refuse, or are ignored', async () => {
  await validating({ validations: [{ expression: "object.data.none == 'x'" }] });
  const { status, body } = await create('a');
  expect(status).toBe(422);
  expect(body.message).toMatch(
    /denied request: expression 'object.data.none == 'x'' resulted in error: no such key: data$/,
  );
  const ignore = [{ op: 'replace', path: '/spec/failurePolicy', value: 'Ignore' }];
  await server.send('PATCH', `${registration}/validatingadmissionpolicies/p`, ignore, 'application/json-patch+json');
  expect((await create('a')).status).toBe(201);
});

test('the request, its namespace and the authorizer are there to be asked', async () => {
  await validating({
    validations: [
      {
        expression:
          "request.operation == 'CREATE' && request.userInfo.username == 'test' && request.resource.resource == 'configmaps'",
      },
      { expression: "namespaceObject.metadata.labels.team == 'a' && oldObject == null && request.namespace == 'n'" },
      { expression: "authorizer.group('').resource('configmaps').namespace('n').check('create').allowed()" },
      {
        expression:
          "authorizer.requestResource.check('create').allowed() && !authorizer.requestResource.check('fly').allowed()",
      },
      { expression: "!authorizer.group('sky').resource('moons').check('get').allowed()" },
    ],
  });
  const { status, body } = await create('a');
  expect(status, JSON.stringify(body)).toBe(201);
});

test.each([
  [
    { validations: [{ expression: 'object.x ==' }] },
    /^.*spec.validations\[0\].expression: Invalid value: "object.x ==": compilation failed: ERROR: <input>:1:12: Syntax error: mismatched input '<EOF>' expecting/,
  ],
  [
    { validations: [{ expression: '"text"' }] },
    /spec.validations\[0\].expression: Invalid value: "\\"text\\"": must evaluate to bool but got string$/,
  ],
  [{ validations: [{ expression: 'params.x == 1' }] }, /undeclared reference to 'params' \(in container ''\)/],
  [
    { validations: [{ expression: 'variables.none' }], variables: [{ name: 'x', expression: '1' }] },
    /undefined field 'none'/,
  ],
  [
    { validations: [] },
    /spec.validations: Required value: validations or auditAnnotations must contain at least one item/,
  ],
  [{ matchConstraints: undefined, validations: [{ expression: 'true' }] }, /spec.matchConstraints: Required value$/],
  [
    { validations: [{ expression: 'true', reason: 'Because' }] },
    /spec.validations\[0\].reason: Unsupported value: "Because": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"/,
  ],
])('a policy is refused: %j', async (spec, message) => {
  const body = { metadata: { name: 'p' }, spec: { matchConstraints, ...spec } };
  const answer = await server.send('POST', `${registration}/validatingadmissionpolicies`, body);
  expect(answer.status).toBe(422);
  expect(answer.body.message).toMatch(message);
});

test('what cannot work with the types of the resources is told in the status', async () => {
  await make('validatingadmissionpolicies', {
    metadata: { name: 'typed' },
    spec: {
      matchConstraints: {
        resourceRules: [{ operations: ['*'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] }],
      },
      validations: [
        { expression: 'object.replicas > 1' },
        { expression: "object.spec.replicas > 1 && object.spec.template.spec.containers.all(c, c.image != '')" },
        { expression: 'true', messageExpression: "object.metadata.nope + ''" },
      ],
    },
  });
  const path = `${registration}/validatingadmissionpolicies/typed`;
  await expect
    .poll(async () => (await server.send(`GET`, path)).body.status, { timeout: 100_000 })
    .toEqual({
      observedGeneration: 1,
      typeChecking: {
        expressionWarnings: [
          {
            fieldRef: 'spec.validations[0].expression',
            warning:
              "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n",
          },
          {
            fieldRef: 'spec.validations[2].messageExpression',
            warning:
              "apps/v1, Kind=Deployment: ERROR: <input>:1:16: undefined field 'nope'\n | object.metadata.nope + ''\n | ...............^\n",
          },
        ],
      },
    });
});

test('a binding says what is to be done', async () => {
  const wrong = { metadata: { name: 'b' }, spec: { policyName: 'p', validationActions: ['Deny', 'Warn'] } };
  const { body } = await server.send('POST', `${registration}/validatingadmissionpolicybindings`, wrong);
  expect(body.message).toContain('must not contain both Deny and Warn');
});

async function mutating(mutations: object[], more: object = {}) {
  await make('mutatingadmissionpolicies', { metadata: { name: 'm' }, spec: { matchConstraints, mutations, ...more } });
  await make('mutatingadmissionpolicybindings', { metadata: { name: 'mb' }, spec: { policyName: 'm' } });
}

test('mutations are applied as configurations and as JSON patches', async () => {
  await mutating([
    {
      patchType: 'ApplyConfiguration',
      applyConfiguration: {
        expression: 'Object{metadata: Object.metadata{labels: {"team": namespaceObject.metadata.labels.team}}}',
      },
    },
    {
      patchType: 'JSONPatch',
      jsonPatch: {
        expression:
          '[JSONPatch{op: "test", path: "/metadata/labels/team", value: "a"}, JSONPatch{op: "add", path: "/metadata/annotations", value: {"x": "y"}}, JSONPatch{op: "add", path: "/metadata/annotations/" + jsonpatch.escapeKey("a.io/b"), value: "z"}]',
      },
    },
  ]);
  const { status, body } = await create('a', { data: { k: 'v' } });
  expect(status, JSON.stringify(body)).toBe(201);
  expect(body).toMatchObject({
    metadata: { labels: { team: 'a' }, annotations: { x: 'y', 'a.io/b': 'z' } },
    data: { k: 'v' },
  });
});

test('a configuration does not replace what is atomic, nor set what is not there', async () => {
  await server.send('POST', '/api/v1/namespaces/n/serviceaccounts', { metadata: { name: 'default' } });
  const pods = { ...matchConstraints, resourceRules: [{ ...matchConstraints.resourceRules[0], resources: ['pods'] }] };
  const spec = (fields: string) => ({
    patchType: 'ApplyConfiguration',
    applyConfiguration: { expression: `Object{spec: Object.spec{${fields}}}` },
  });
  const atomic = (path: string) => `invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${path}`;
  for (const [fields, why] of [
    ['tolerations: [Object.spec.tolerations{key: "k"}]', atomic('.spec.tolerations')],
    ['nodeSelector: {"a": "b"}', atomic('.spec.nodeSelector')],
    ['containers: [Object.spec.containers{name: "c", args: ["a"]}]', atomic('.spec.containers[0].args')],
    ['foo: 1', 'failed to convert patch object to typed object: .spec.foo: field not declared in schema'],
  ] as const) {
    await mutating([spec(fields)], { matchConstraints: pods });
    const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    const { status, body } = await server.send('POST', '/api/v1/namespaces/n/pods', pod);
    expect({ status, message: body.message }).toEqual({
      status: 403,
      message: `policy 'm' with binding 'mb' denied request: error applying patch: ${why}`,
    });
    for (const resource of ['mutatingadmissionpolicies/m', 'mutatingadmissionpolicybindings/mb']) {
      await server.send('DELETE', `${registration}/${resource}`);
    }
  }
});

const notJson =
  "policy 'm' with binding 'mb' denied request: JSONPath valueExpression evaluated to a type that could not marshal to JSON:";

test.each([
  [
    'ApplyConfiguration',
    'Object{metadata: Object.wrong{labels: {"a": "b"}}}',
    403,
    `policy 'm' with binding 'mb' denied request: type mismatch: unexpected type name "Object.wrong", expected "Object.metadata", which matches field name path from root Object type`,
  ],
  [
    'ApplyConfiguration',
    'Object{data: {"k": null}}',
    403,
    "policy 'm' with binding 'mb' denied request: error applying patch: failed to convert patch object to typed object: .data.k: expected string, got &value.valueUnstructured{Value:0}",
  ],
  ['ApplyConfiguration', 'Object{kind: "Other", data: {"k": "v"}}', 201, undefined],
  [
    'ApplyConfiguration',
    'Object{immutable: null}',
    403,
    "policy 'm' with binding 'mb' denied request: error applying patch: failed to convert patch object to typed object: .immutable: expected boolean, got &{NULL_VALUE}",
  ],
  [
    'ApplyConfiguration',
    'Object{metadata: Object.metadata{generation: 1.5}}',
    403,
    "policy 'm' with binding 'mb' denied request: unable to convert unstructured object to /v1, Kind=ConfigMap: cannot convert float64 to int64",
  ],
  [
    'JSONPatch',
    '[JSONPatch{op: "add", path: "/spec", value: 1}]',
    500,
    'Internal error occurred: strict decoding error: unknown field "spec"',
  ],
  [
    'JSONPatch',
    '[JSONPatch{op: "add", path: "/kind", value: "Pod"}]',
    500,
    'Internal error occurred: no kind "Pod" is registered for version "v1" in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"',
  ],
  ['JSONPatch', '[JSONPatch{op: "remove", path: "/kind"}]', 201, undefined],
  ['JSONPatch', '[JSONPatch{}]', 403, "policy 'm' with binding 'mb' denied request: JSON Patch: Unexpected kind: "],
  [
    'JSONPatch',
    '[JSONPatch{op: "add", path: "/data", value: quantity("1Gi")}]',
    403,
    `${notJson} type conversion error from 'Quantity' to '*structpb.Value'`,
  ],
  [
    'JSONPatch',
    '[JSONPatch{op: "add", path: "/data", value: {1: "a"}}]',
    403,
    `${notJson} unsupported type conversion from 'int' to string`,
  ],
  [
    'JSONPatch',
    '[JSONPatch{op: "add", path: "/data", value: JSONPatch{}}]',
    403,
    `${notJson} cannot convert to native type: *structpb.Value`,
  ],
  ['JSONPatch', '[JSONPatch{op: "add", path: "/data", value: {"k": 18446744073709551615u}}]', 201, undefined],
  [
    'JSONPatch',
    '[JSONPatch{op: "add", path: "/metadata/namespace", value: "other"}]',
    400,
    'the namespace of the provided object does not match the namespace sent on the request',
  ],
  ['JSONPatch', '[JSONPatch{op: "remove", path: "/metadata/namespace"}]', 201, undefined],
  ['JSONPatch', '[JSONPatch{op: "add", path: "/data", value: {"k": optional.of("v")}}]', 201, undefined],
])('%s %s: %i', async (patchType, expression, code, message) => {
  const how = patchType === 'JSONPatch' ? 'jsonPatch' : 'applyConfiguration';
  await mutating([{ patchType, [how]: { expression } }]);
  const { status, body } = await create('a', { metadata: { name: 'a', namespace: 'n' } });
  expect({ status, message: body.message }).toEqual({ status: code, message });
  if (code === 201) expect(body).toMatchObject({ kind: 'ConfigMap', metadata: { namespace: 'n' } });
});

test('a policy whose kind of parameters is unknown cannot be configured, whatever its bindings', async () => {
  await validating(
    { paramKind: { apiVersion: 'nope.example.com/v1', kind: 'Nope' }, validations: [{ expression: 'true' }] },
    { paramRef: { name: 'x', parameterNotFoundAction: 'Allow' } },
  );
  const why = "failed to find resource referenced by paramKind: 'nope.example.com/v1, Kind=Nope'";
  expect((await create('a')).body.message).toBe(
    `configmaps "a" is forbidden: ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: ${why}`,
  );
});

test('mutations that fail refuse the write, each with its cause; a test that fails does not', async () => {
  const patch = (operation: string) => ({
    patchType: 'JSONPatch',
    jsonPatch: { expression: `[JSONPatch{${operation}}]` },
  });
  await mutating([
    patch('op: "test", path: "/metadata/name", value: "other"'),
    patch('op: "remove", path: "/none"'),
    patch('op: "nope", path: "/none"'),
  ]);
  const { status, body } = await create('a');
  const denied = "policy 'm' with binding 'mb' denied request: JSON Patch:";
  const messages = [
    `${denied} error in remove for path: '/none': Unable to remove nonexistent key: none: missing value`,
    `${denied} Unexpected kind: nope`,
  ];
  expect(status).toBe(403);
  expect(body).toMatchObject({
    reason: 'Invalid',
    message: messages[0],
    details: { name: 'a', kind: 'configmaps', causes: messages.map((message) => ({ message })) },
  });
});
