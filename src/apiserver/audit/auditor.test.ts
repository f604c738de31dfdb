import { expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import { startTestServer } from '../fake/test-server.ts';
import { type ApiRequest, jsonResponse } from '../request.ts';
import { parseRequestInfo } from '../request-info.ts';
import { Auditor, type AuditSink } from './auditor.ts';
import type { AuditEvent } from './event.ts';
import type { AuditPolicy } from './policy.ts';

const user = { name: 'jane', uid: '1', groups: ['dev'] };

function requestOf(method: string, url: string, body?: unknown): ApiRequest {
  const [path = '', query = ''] = url.split('?');
  return {
    method,
    path,
    query: new URLSearchParams(query),
    headers: {
      'user-agent': 'test',
      'x-forwarded-for': '10.0.0.9, not-an-address',
      'content-type': 'application/json',
    },
    body: async () => Buffer.from(JSON.stringify(body ?? '')),
    signal: new AbortController().signal,
    remoteAddress: '::ffff:127.0.0.1',
  };
}

function taking(take: (line: string) => unknown): AuditSink {
  return (line) => {
    take(line);
    return undefined;
  };
}

function follow(policy: AuditPolicy['rules'][number], request: ApiRequest) {
  const events: AuditEvent[] = [];
  const clock = new FakeClock(0);
  clock.step(1_700_000_000_123);
  const sink = taking((line) => events.push(JSON.parse(line) as AuditEvent));
  const auditor = new Auditor({ policy: { rules: [policy] }, sink, clock });
  const info = parseRequestInfo(request.method, request.path, request.query);
  const trail = auditor.begin({ request, info, user, auditID: 'id-1', received: clock.monotonic() });
  return { events, trail };
}

const secrets = '/api/v1/namespaces/n/secrets';
const secret = { kind: 'Secret', metadata: { name: 's', managedFields: [{ manager: 'm' }] }, data: { a: 'aGlkZGVu' } };

test('Metadata tells who, what and when, and nothing of the content', async () => {
  const { events, trail } = follow({ level: 'Metadata' }, requestOf('POST', secrets, secret));
  trail!.annotate('authorization.k8s.io/decision', 'allow');
  trail!.annotate('authorization.k8s.io/decision', 'forbid');
  await trail!.request.body();
  trail!.request.decoded?.(secret);
  await trail!.answered(jsonResponse(201, secret));
  expect(events.map(({ stage }) => stage)).toEqual(['RequestReceived', 'ResponseComplete']);
  expect(events[1]).toEqual({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: 'id-1',
    stage: 'ResponseComplete',
    requestURI: secrets,
    verb: 'create',
    user: { username: 'jane', uid: '1', groups: ['dev'] },
    sourceIPs: ['10.0.0.9', '127.0.0.1'],
    userAgent: 'test',
    objectRef: { resource: 'secrets', namespace: 'n', name: 's', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 201 },
    requestReceivedTimestamp: '2023-11-14T22:13:20.123000Z',
    stageTimestamp: '2023-11-14T22:13:20.123000Z',
    annotations: { 'authorization.k8s.io/decision': 'allow' },
  });
  expect(JSON.stringify(events)).not.toContain('aGlkZGVu');
});

test('Request tells what was sent, RequestResponse what was answered too, without managed fields on request', async () => {
  for (const level of ['Request', 'RequestResponse'] as const) {
    const { events, trail } = follow({ level, omitManagedFields: true }, requestOf('POST', secrets, secret));
    await trail!.request.body();
    trail!.request.decoded?.(secret);
    await trail!.answered(jsonResponse(201, { ...secret, items: [secret] }));
    const bare = { ...secret, metadata: { name: 's' } };
    expect(events[1]?.requestObject).toEqual(bare);
    expect(events[1]?.responseObject).toEqual(level === 'Request' ? undefined : { ...bare, items: [bare] });
  }
});

test('a watch is told of when it begins and when it ends', async () => {
  const { events, trail } = follow({ level: 'RequestResponse' }, requestOf('GET', `${secrets}?watch=1`));
  const ended = Promise.withResolvers<void>();
  const { body } = await trail!.answered({ status: 200, headers: {}, body: { pushTo: () => ended.promise } });
  const sent = (body as { pushTo(sink: unknown): Promise<void> }).pushTo(undefined);
  expect(events.map(({ stage }) => stage)).toEqual(['RequestReceived', 'ResponseStarted']);
  ended.resolve();
  await sent;
  expect(events[2]).toMatchObject({ stage: 'ResponseComplete', verb: 'watch', requestURI: `${secrets}?watch=1` });
});

test('a streamed list is complete when its last piece is sent', async () => {
  const { events, trail } = follow(
    { level: 'RequestResponse', omitStages: ['RequestReceived'] },
    requestOf('GET', secrets),
  );
  async function* pieces() {
    yield '{"kind":"SecretList",';
    yield '"items":[]}';
  }
  const headers = { 'content-type': 'application/json' };
  const { body } = await trail!.answered({ status: 200, headers, body: pieces() });
  expect(events).toEqual([]);
  for await (const _ of body as AsyncIterable<string>);
  expect(events[0]).toMatchObject({ stage: 'ResponseComplete', responseObject: { kind: 'SecretList', items: [] } });
});

test('a refusal is told of with its Status', async () => {
  const { events, trail } = follow({ level: 'Metadata' }, requestOf('GET', `${secrets}/s`));
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'no',
    reason: 'NotFound',
  };
  await trail!.answered(jsonResponse(404, { ...status, code: 404 }));
  expect(events[1]?.responseStatus).toEqual({
    metadata: {},
    status: 'Failure',
    message: 'no',
    reason: 'NotFound',
    code: 404,
  });
});

test('a failure of the server itself is told of as a panic', () => {
  const { events, trail } = follow({ level: 'Metadata', omitStages: ['RequestReceived'] }, requestOf('GET', secrets));
  trail!.panicked(new Error('disk full'));
  expect(events[0]).toMatchObject({
    stage: 'Panic',
    responseStatus: { code: 500, reason: 'InternalError', message: "APIServer panic'd: disk full" },
  });
});

test.each([
  ['a delete with options', 'DELETE', `${secrets}/s`, { propagationPolicy: 'Orphan' }],
  ['what could not be read', 'POST', secrets, { kind: 'Pod' }],
])('of %s it is told what was understood', async (_, method, url, body) => {
  const { events, trail } = follow({ level: 'Request' }, requestOf(method, url, body));
  await trail!.request.body();
  await trail!.answered(jsonResponse(400, {}));
  const options = { propagationPolicy: 'Orphan', kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/__internal' };
  expect(events[1]?.requestObject).toEqual(method === 'DELETE' ? options : undefined);
});

test('an answer in YAML is an object too; what is no object is told by its code alone', async () => {
  const yaml = { status: 200, headers: { 'content-type': 'application/yaml' }, body: 'kind: Secret\ndata: {}\n' };
  const object = follow({ level: 'RequestResponse' }, requestOf('GET', `${secrets}/s`));
  await object.trail!.answered(yaml);
  expect(object.events[1]?.responseObject).toEqual({ kind: 'Secret', data: {} });
  for (const [path, status, accept] of [
    ['/version', 200, '*/*'],
    [secrets, 406, 'text/html'],
    [secrets, 404, 'application/json;as=Table;v=v1;g=meta.k8s.io'],
  ] as const) {
    const request = requestOf('GET', path);
    const plain = follow({ level: 'RequestResponse' }, { ...request, headers: { ...request.headers, accept } });
    await plain.trail!.answered(jsonResponse(status, { kind: 'Status', apiVersion: 'v1', message: 'x' }));
    expect(plain.events[1]).toMatchObject({ responseStatus: { metadata: {}, code: status } });
    expect(plain.events[1]?.responseObject, path).toBeUndefined();
  }
});

test('the query stands as it came, a long user agent is cut, and constrained impersonation is told of', async () => {
  const request = requestOf('GET', `${secrets}?limit=1`);
  const headers = { ...request.headers, 'user-agent': 'a'.repeat(1025) };
  const { events, trail } = follow({ level: 'Metadata' }, { ...request, headers, search: 'limit=1&x=%20&y' });
  trail!.impersonates({ user, constraint: 'impersonate:user-info' });
  await trail!.answered(jsonResponse(200, {}));
  expect(events[1]).toMatchObject({
    requestURI: `${secrets}?limit=1&x=%20&y`,
    userAgent: `${'a'.repeat(1024)}...TRUNCATED`,
    impersonatedUser: { username: 'jane' },
    authenticationMetadata: { impersonationConstraint: 'impersonate:user-info' },
  });
});

test('whole numbers beyond those of JavaScript stand as they are', async () => {
  const lines: string[] = [];
  const clock = new FakeClock();
  const policy: AuditPolicy = { rules: [{ level: 'RequestResponse' }] };
  const auditor = new Auditor({ policy, sink: taking((line) => lines.push(line)), clock });
  const request = requestOf('PUT', `${secrets}/s`);
  const info = parseRequestInfo('PUT', request.path, request.query);
  const trail = auditor.begin({ request, info, user, auditID: 'id', received: 0 });
  const body = '{"kind":"Secret","n":9007199254740993}';
  await trail!.answered({ status: 200, headers: { 'content-type': 'application/json' }, body });
  expect(lines[1]).toContain('"n":9007199254740993');
});

test('where a backend is waited for, so are beginning and end of the request', async () => {
  const taken = Promise.withResolvers<boolean>();
  const stages: string[] = [];
  const sink: AuditSink = (line) => {
    stages.push((JSON.parse(line) as AuditEvent).stage);
    return taken.promise;
  };
  const policy: AuditPolicy = { rules: [{ level: 'Metadata' }] };
  const auditor = new Auditor({ policy, sink, clock: new FakeClock() });
  const request = requestOf('PUT', `${secrets}/s`);
  const info = parseRequestInfo('PUT', request.path, request.query);
  const trail = auditor.begin({ request, info, user, auditID: 'id', received: 0 });
  let isAnswered = false;
  const answering = trail!.answered(jsonResponse(200, secret)).then(() => {
    isAnswered = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect([stages, isAnswered]).toEqual([['RequestReceived', 'ResponseComplete'], false]);
  taken.resolve(false);
  await answering;
  expect(await trail!.received).toBe(false);
});

test('a server tells when a request came by the time of day', async () => {
  const clock = new FakeClock(0);
  clock.step(1_700_000_000_123);
  const events: AuditEvent[] = [];
  const sink = taking((line) => events.push(JSON.parse(line) as AuditEvent));
  const policy: AuditPolicy = { rules: [{ level: 'Metadata' }] };
  const server = await startTestServer({
    clock,
    auditor: new Auditor({ policy, sink, clock }),
    authenticator: {
      async authenticate() {
        clock.advance(1000);
        return user;
      },
    },
  });
  const { path, query, headers, body, signal } = requestOf('GET', secrets);
  await server.server.handle({ method: 'GET', path, query, headers, body, signal });
  server.stop();
  expect(events[0]).toMatchObject({
    requestReceivedTimestamp: '2023-11-14T22:13:20.123000Z',
    stageTimestamp: '2023-11-14T22:13:21.123000Z',
  });
});
