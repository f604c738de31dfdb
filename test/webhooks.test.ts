// Admission webhooks of both kinds, over HTTPS, against a server in this process.

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Status } from '../src/apimachinery/meta/v1.generated.ts';
import { startTestServer, type TestServer } from '../src/apiserver/fake/test-server.ts';
import { dialDirectly } from '../src/apiserver/tunnel/dial.ts';
import type { Clock } from '../src/system/clock.ts';
import { realClock } from '../src/system/real/clock.ts';

import {
  type Answer,
  patched,
  type ReviewRequest,
  startWebhook,
  type WebhookServer,
} from './fixtures/webhook-server.ts';

const registration = '/apis/admissionregistration.k8s.io/v1';
const configMaps = '/api/v1/namespaces/n/configmaps';
const everyRule = { operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] };
const allow = () => ({ allowed: true });

let server: TestServer<Clock>;
const running: WebhookServer[] = [];

beforeEach(async () => {
  // Endpoints may not be loopback addresses: those of the tests stand for them.
  server = await startTestServer<Clock>({
    clock: realClock,
    dial: ({ port }) => dialDirectly({ host: '127.0.0.1', port }),
  });
  await server.send('POST', '/api/v1/namespaces', { metadata: { name: 'n', labels: { team: 'a' } } });
});

afterEach(async () => {
  server.stop();
  for (const one of running.splice(0)) await one.stop();
});

async function webhook(
  answer: (request: ReviewRequest, path: string) => Answer,
  names?: string[],
): Promise<WebhookServer> {
  const started = await startWebhook(answer, names);
  running.push(started);
  return started;
}

type Kind = 'Mutating' | 'Validating';

async function configure(
  kind: Kind,
  hook: WebhookServer,
  more: object = {},
  name = `${kind.toLowerCase()}.example.com`,
) {
  const webhooks = [
    {
      name,
      clientConfig: { url: `${hook.url}/${name}`, caBundle: hook.caBundle },
      rules: [everyRule],
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      ...more,
    },
  ];
  const resource = `${kind.toLowerCase()}webhookconfigurations`;
  const made = await server.send('POST', `${registration}/${resource}`, { metadata: { name }, webhooks });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made.body;
}

const create = (name: string, more: object = {}) => server.send('POST', configMaps, { metadata: { name, ...more } });

test('a validating webhook is told of the write and its refusal is the answer', async () => {
  const hook = await webhook(({ operation }) =>
    operation === 'DELETE'
      ? { allowed: false, status: { code: 409, reason: 'Conflict', message: 'keep it' } }
      : { allowed: true, warnings: ['looked at'], auditAnnotations: { key: 'value' } },
  );
  await configure('Validating', hook);
  const created = await create('a');
  expect(created).toMatchObject({ status: 201, warnings: ['looked at'] });
  expect(hook.seen[0]!.request).toMatchObject({
    kind: { group: '', version: 'v1', kind: 'ConfigMap' },
    resource: { group: '', version: 'v1', resource: 'configmaps' },
    requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
    name: 'a',
    namespace: 'n',
    operation: 'CREATE',
    userInfo: { username: 'test', groups: ['system:masters'] },
    object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a', namespace: 'n' } },
    oldObject: null,
    dryRun: false,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
  });
  await server.send('PATCH', `${configMaps}/a?fieldManager=m`, { data: { x: 'y' } }, 'application/merge-patch+json');
  expect(hook.seen[1]!.request).toMatchObject({
    operation: 'UPDATE',
    object: { data: { x: 'y' } },
    oldObject: { metadata: { name: 'a' } },
    options: { kind: 'UpdateOptions', fieldManager: 'm' },
  });
  const refused = await server.send<Status>('DELETE', `${configMaps}/a`);
  expect(refused.status).toBe(409);
  expect(refused.body).toMatchObject({
    reason: 'Conflict',
    code: 409,
    message: 'admission webhook "validating.example.com" denied the request: keep it',
  });
  expect(hook.seen[2]!.request).toMatchObject({
    operation: 'DELETE',
    object: null,
    options: { kind: 'DeleteOptions' },
  });
});

test('a refusal without a word is 400 and says so', async () => {
  await configure('Validating', await webhook(() => ({ allowed: false })));
  const { status, body } = await create('a');
  const message = 'admission webhook "validating.example.com" denied the request without explanation';
  expect({ status, body }).toMatchObject({ status: 400, body: { message, code: 400 } });
});

test('a mutating webhook changes the object, which is defaulted and validated afterwards', async () => {
  const hook = await webhook(({ object }) =>
    object?.metadata.name === 'bad'
      ? patched({ op: 'add', path: '/metadata/labels', value: { 'not valid': 'x' } })
      : patched({ op: 'add', path: '/data', value: { added: 'yes' } }),
  );
  await configure('Mutating', hook);
  const { body } = await create('a');
  expect(body.data).toEqual({ added: 'yes' });
  // What a webhook added belongs to no manager.
  expect(JSON.stringify(body.metadata.managedFields ?? [])).not.toContain('f:added');
  expect(await create('bad')).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
});

test('webhooks that ask for it are asked again when a later one changed the object', async () => {
  const first = await webhook(({ object }) =>
    object?.data?.second ? patched({ op: 'add', path: '/data/again', value: 'yes' }) : { allowed: true },
  );
  const second = await webhook(({ object }) =>
    object?.data?.second ? { allowed: true } : patched({ op: 'add', path: '/data', value: { second: 'yes' } }),
  );
  await configure('Mutating', first, { reinvocationPolicy: 'IfNeeded' }, 'a.example.com');
  await configure('Mutating', second, {}, 'b.example.com');
  expect((await create('x')).body.data).toEqual({ second: 'yes', again: 'yes' });
  expect([first.seen.length, second.seen.length]).toEqual([2, 1]);
});

test('a webhook that cannot be reached fails the write, or is ignored', async () => {
  const hook = await webhook(allow);
  const url = `${hook.url}/mutating.example.com`;
  await configure('Mutating', hook);
  await running.pop()!.stop();
  const failed = await create('a');
  const why = `failed to call webhook: Post "${url}?timeout=10s": dial tcp 127.0.0.1:${hook.port}: connect: connection refused`;
  expect(failed).toMatchObject({
    status: 500,
    body: {
      reason: 'InternalError',
      message: `Internal error occurred: failed calling webhook "mutating.example.com": ${why}`,
    },
  });
  const ignore = [{ op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' }];
  const path = `${registration}/mutatingwebhookconfigurations/mutating.example.com`;
  expect((await server.send('PATCH', path, ignore, 'application/json-patch+json')).status).toBe(200);
  expect((await create('a')).status).toBe(201);
});

test('a webhook that is too slow, one nobody knows the authority of, and one that talks nonsense', async () => {
  const slow = await webhook(() => undefined);
  await configure('Validating', slow, { timeoutSeconds: 1 });
  expect((await create('a')).body.message).toBe(
    `Internal error occurred: failed calling webhook "validating.example.com": failed to call webhook: Post "${slow.url}/validating.example.com?timeout=1s": context deadline exceeded`,
  );
  await server.send('DELETE', `${registration}/validatingwebhookconfigurations/validating.example.com`);

  const stranger = await webhook(allow);
  const other = await webhook(allow);
  await configure('Validating', { ...stranger, caBundle: other.caBundle });
  expect((await create('a')).body.message).toContain(
    'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  );
  await server.send('DELETE', `${registration}/validatingwebhookconfigurations/validating.example.com`);

  await configure('Validating', await webhook(() => ({ uid: 'other', allowed: true })));
  expect((await create('a')).body.message).toMatch(
    /failed calling webhook "validating.example.com": received invalid webhook response: expected response.uid="[^"]+", got "other"$/,
  );
});

test('selectors, conditions, operations and scope decide who is asked', async () => {
  const hook = await webhook(allow);
  await configure('Validating', hook, { namespaceSelector: { matchLabels: { team: 'b' } } }, 'a.example.com');
  await configure('Validating', hook, { objectSelector: { matchLabels: { x: 'y' } } }, 'b.example.com');
  await configure('Validating', hook, { rules: [{ ...everyRule, operations: ['DELETE'] }] }, 'c.example.com');
  await configure('Validating', hook, { rules: [{ ...everyRule, scope: 'Cluster' }] }, 'd.example.com');
  const matchConditions = [
    { name: 'named', expression: "request.name.startsWith('asked') && object.metadata.name != ''" },
  ];
  await configure('Validating', hook, { matchConditions }, 'e.example.com');
  await configure('Validating', hook, { namespaceSelector: { matchLabels: { team: 'a' } } }, 'f.example.com');
  const askedBy = async (work: () => Promise<unknown>) => {
    hook.seen.length = 0;
    await work();
    return hook.seen
      .map(({ path }) => path[1])
      .sort()
      .join('');
  };
  expect(await askedBy(() => create('plain'))).toBe('f');
  expect(await askedBy(() => create('asked', { labels: { x: 'y' } }))).toBe('bef');
  expect(await askedBy(() => server.send('DELETE', `${configMaps}/plain`))).toBe('cf');
});

test('rules about one version are about others of the same resource, unless they are exact', async () => {
  const hook = await webhook(({ object }) =>
    object ? patched({ op: 'replace', path: '/spec/maxReplicas', value: 9 }) : { allowed: true },
  );
  const rules = [
    {
      operations: ['CREATE'],
      apiGroups: ['autoscaling'],
      apiVersions: ['v1'],
      resources: ['horizontalpodautoscalers'],
    },
  ];
  await configure('Mutating', hook, { rules, matchPolicy: 'Exact' }, 'a.example.com');
  await configure('Mutating', hook, { rules }, 'b.example.com');
  const target = { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' };
  const resource = { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } };
  const { status, body } = await server.send('POST', '/apis/autoscaling/v2/namespaces/n/horizontalpodautoscalers', {
    metadata: { name: 'h' },
    spec: { scaleTargetRef: target, maxReplicas: 3, metrics: [{ type: 'Resource', resource }] },
  });
  expect(status, JSON.stringify(body)).toBe(201);
  expect(hook.seen.map(({ path }) => path)).toEqual(['/b.example.com']);
  expect(hook.seen[0]!.request).toMatchObject({
    kind: { group: 'autoscaling', version: 'v1' },
    requestKind: { group: 'autoscaling', version: 'v2' },
    requestResource: { group: 'autoscaling', version: 'v2', resource: 'horizontalpodautoscalers' },
    object: { apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 50 } },
  });
  expect(body).toMatchObject({ apiVersion: 'autoscaling/v2', spec: { maxReplicas: 9, metrics: [{ resource }] } });
});

test('conditions that cannot be evaluated refuse, or skip where failures are ignored', async () => {
  const hook = await webhook(allow);
  const matchConditions = [{ name: 'c', expression: 'object.data.none == "x"' }];
  await configure('Validating', hook, { matchConditions });
  const refused = await create('a');
  expect(refused.status).toBe(403);
  expect(refused.body.message).toBe(
    `configmaps "a" is forbidden: expression 'object.data.none == "x"' resulted in error: no such key: data`,
  );
});

test('a dry run asks only webhooks without side effects', async () => {
  const hook = await webhook(allow);
  await configure('Validating', hook, { sideEffects: 'NoneOnDryRun' });
  const done = await server.send('POST', `${configMaps}?dryRun=All`, { metadata: { name: 'a' } });
  expect(done.status).toBe(201);
  expect(hook.seen[0]!.request).toMatchObject({ dryRun: true, options: { dryRun: ['All'] } });
});

test('webhooks never see what configures admission', async () => {
  const hook = await webhook(() => ({ allowed: false }));
  await configure('Validating', hook, {
    rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }],
  });
  const path = `${registration}/validatingwebhookconfigurations/validating.example.com`;
  expect((await server.send('DELETE', path)).status).toBe(200);
  expect(hook.seen).toEqual([]);
});

test('a webhook behind a Service is reached at its endpoints, by a certificate for its name', async () => {
  const hook = await webhook(allow, ['hook.n.svc']);
  const clientConfig = { service: { name: 'hook', namespace: 'n', path: '/check' }, caBundle: hook.caBundle };
  await configure('Validating', hook, { clientConfig });
  expect((await create('a')).body.message).toBe(
    'Internal error occurred: failed calling webhook "validating.example.com": failed to call webhook: Post "https://hook.n.svc:443/check?timeout=10s": service "hook" not found',
  );
  const service = await server.send('POST', '/api/v1/namespaces/n/services', {
    metadata: { name: 'hook' },
    spec: {
      type: 'ClusterIP',
      clusterIP: 'None',
      clusterIPs: ['None'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ port: 443, targetPort: hook.port }],
    },
  });
  expect(service.status, JSON.stringify(service.body)).toBe(201);
  await server.send('POST', '/apis/discovery.k8s.io/v1/namespaces/n/endpointslices', {
    metadata: { name: 'hook-1', labels: { 'kubernetes.io/service-name': 'hook' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.2.3'] }],
    ports: [{ name: '', port: hook.port }],
  });
  const created = await create('a');
  expect(created.status, JSON.stringify(created.body)).toBe(201);
  expect(hook.seen[0]!.path).toBe('/check');
});

test.each([
  [
    { name: 'short' },
    'webhooks[0].name: Invalid value: "short": should be a domain with at least three segments separated by dots',
  ],
  [
    { sideEffects: 'Some' },
    'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
  ],
  [
    { timeoutSeconds: 31 },
    'webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds',
  ],
  [
    { admissionReviewVersions: ['v2'] },
    'webhooks[0].admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1',
  ],
  [{ clientConfig: {} }, 'webhooks[0].clientConfig: Required value: exactly one of url or service is required'],
  [
    { clientConfig: { url: 'http://x' } },
    `webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
  ],
  [
    { rules: [{ ...everyRule, resources: ['*', 'pods'] }] },
    `webhooks[0].rules[0].resources: Invalid value: ["*","pods"]: if '*' is present, must not specify other resources without subresources`,
  ],
  [
    { matchConditions: [{ name: 'x', expression: 'nope' }] },
    `webhooks[0].matchConditions[0].expression: Invalid value: "nope": compilation failed: ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope\n | ^`,
  ],
  [
    { matchConditions: [{ name: 'x', expression: '1' }] },
    'webhooks[0].matchConditions[0].expression: Invalid value: "1": must evaluate to bool but got int',
  ],
])('a configuration is refused: %j', async (wrong, message) => {
  const hook = {
    name: 'a.example.com',
    clientConfig: { url: 'https://127.0.0.1:1/' },
    rules: [everyRule],
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    ...wrong,
  };
  const path = `${registration}/validatingwebhookconfigurations`;
  const { status, body } = await server.send(`POST`, path, { metadata: { name: 'x' }, webhooks: [hook] });
  expect(status).toBe(422);
  expect(body.message).toBe(`ValidatingWebhookConfiguration.admissionregistration.k8s.io "x" is invalid: ${message}`);
});
