// Who may do what, and what is told of it, from outside: audit log, impersonation, node restriction, issuer discovery, limits,
// figures and health of a running server.
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../src/apiserver/audit/event.ts';
import { createCertificateAuthority, issueKeyPair, type KeyPair } from '../../src/apiserver/pki/certificates.ts';
import { realRandom } from '../../src/system/real/random.ts';
import { startServer, type TestServer } from '../fixtures/portico-process.ts';
import { eventually } from './portico.ts';

const folder = mkdtempSync(join(tmpdir(), 'portico-access-'));
const log = join(folder, 'audit.log');
const policy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', users: ['system:apiserver'] },
    { level: 'Metadata', resources: [{ group: '', resources: ['secrets'] }] },
    { level: 'RequestResponse', omitManagedFields: true },
  ],
};
let server: TestServer;
let proxyCertificate: KeyPair;
let issuer: Server;
const signer = generateKeyPairSync('rsa', { modulusLength: 2048 });
const issuerUrl = () => `https://127.0.0.1:${(issuer.address() as AddressInfo).port}`;

beforeAll(async () => {
  const file = join(folder, 'policy.yaml');
  writeFileSync(file, JSON.stringify(policy));
  const limits = ['--max-mutating-requests-inflight', '1'];
  const audit = ['--audit-policy-file', file, '--audit-log-path', log];
  server = await startServer([...audit, ...limits, ...(await trustOthers())]);
  // Made by a controller, which begins when the server is ready.
  await server.kubectl('wait', '--for=create', 'serviceaccount/default', '--timeout=300s');
});

/** The flags of a proxy's authority and of an issuer of ID tokens, both of these tests' own. */
async function trustOthers(): Promise<string[]> {
  const validity = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 3_600_000 };
  const ca = await createCertificateAuthority('others', validity, realRandom);
  const profile = { ...validity, subject: { commonName: 'web', organizations: [] }, sans: ['127.0.0.1'] };
  proxyCertificate = await issueKeyPair(ca, { ...profile, usages: ['client auth'] }, realRandom);
  const { certPem: cert, keyPem: key } = await issueKeyPair(ca, { ...profile, usages: ['server auth'] }, realRandom);
  issuer = createServer({ cert, key }, (asked, answer) => {
    const own = issuerUrl();
    const jwk = { ...signer.publicKey.export({ format: 'jwk' }), kid: 'k', use: 'sig' };
    const isKeys = asked.url === '/keys';
    answer.end(JSON.stringify(isKeys ? { keys: [jwk] } : { issuer: own, jwks_uri: `${own}/keys` }));
  });
  await new Promise<void>((listening) => issuer.listen(0, '127.0.0.1', listening));
  const caFile = join(folder, 'others-ca.crt');
  writeFileSync(caFile, ca.certPem);
  return [
    ...['--requestheader-client-ca-file', caFile, '--requestheader-allowed-names', 'web'],
    ...['--oidc-issuer-url', issuerUrl(), '--oidc-client-id', 'portico', '--oidc-ca-file', caFile],
    ...['--oidc-username-prefix', 'oidc:', '--oidc-groups-claim', 'groups'],
  ];
}

afterAll(async () => {
  issuer?.close();
  await server?.stop();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
}

interface Given {
  readonly body?: unknown;
  readonly headers?: Record<string, string | string[]>;
  /** Shown in place of the tests' token. */
  readonly certificate?: KeyPair;
}

function call(method: string, path: string, given: Given = {}) {
  return new Promise<Answer>((resolve, reject) => {
    const outgoing = request(new URL(path, server.url), {
      method,
      rejectUnauthorized: false,
      headers: {
        ...(!given.certificate && { authorization: `Bearer ${server.token}` }),
        'content-type': 'application/json',
        ...given.headers,
      },
      ...(given.certificate && { agent: false, cert: given.certificate.certPem, key: given.certificate.keyPem }),
    });
    outgoing.once('error', reject);
    outgoing.once('response', async (response) => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
    outgoing.end(given.body === undefined ? undefined : JSON.stringify(given.body));
  });
}

const as = (user: string, ...groups: string[]) => ({
  'impersonate-user': user,
  ...(groups.length > 0 && { 'impersonate-group': groups }),
});

/** The event of a request, which is written a moment after its answer. */
async function eventOf(auditID: string): Promise<AuditEvent> {
  return eventually(`the event ${auditID}`, async () => {
    const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as AuditEvent).find((event) => event.auditID === auditID);
  });
}

describe('the audit log', () => {
  test('tells who acted as whom, under the id of the request', async () => {
    const headers = { ...as('jane', 'dev'), 'audit-id': 'my-id' };
    const answer = await call('GET', '/api/v1/namespaces/default/pods', { headers });
    expect(answer.status).toBe(403);
    expect(answer.headers['audit-id']).toBe('my-id');
    expect(await eventOf('my-id')).toMatchObject({
      level: 'RequestResponse',
      stage: 'ResponseComplete',
      verb: 'list',
      user: { username: 'tester', groups: ['system:masters', 'system:authenticated'] },
      impersonatedUser: { username: 'jane', groups: ['dev', 'system:authenticated'] },
      objectRef: { resource: 'pods', namespace: 'default', apiVersion: 'v1' },
      responseStatus: { code: 403, reason: 'Forbidden' },
      annotations: { 'authorization.k8s.io/decision': 'forbid' },
    });
  });

  test('tells what was sent and answered where the policy asks, and never what is in a Secret', async () => {
    const map = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'told' }, data: { a: 'b' } };
    await call('POST', '/api/v1/namespaces/default/configmaps', { body: map, headers: { 'audit-id': 'map' } });
    const told = await eventOf('map');
    expect(told.requestObject).toEqual(map);
    expect(told.responseObject).toMatchObject({ ...map, metadata: { name: 'told', namespace: 'default' } });
    const secret = { metadata: { name: 'kept' }, stringData: { a: 'very-hidden' } };
    await call('POST', '/api/v1/namespaces/default/secrets', { body: secret, headers: { 'audit-id': 'secret' } });
    const kept = await eventOf('secret');
    expect(kept.objectRef?.name).toBe('kept');
    expect(JSON.stringify(kept)).not.toMatch(/very-hidden|dmVyeS1oaWRkZW4/);
    expect(readFileSync(log, 'utf8')).not.toContain('very-hidden');
  });
});

test('impersonation asks for each thing it takes', async () => {
  const users = { apiGroups: [''], resources: ['users'], resourceNames: ['joe'], verbs: ['impersonate'] };
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  await call('POST', `${rbac}/clusterroles`, { body: { metadata: { name: 'as-joe' }, rules: [users] } });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'as-joe' };
  const subjects = [{ kind: 'ServiceAccount', namespace: 'default', name: 'default' }];
  await call('POST', `${rbac}/clusterrolebindings`, { body: { metadata: { name: 'as-joe' }, roleRef, subjects } });
  const token = (await server.kubectl('create', 'token', 'default')).trim();
  const whoami = async (headers: Given['headers']) => {
    const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const given = { body: {}, headers: { authorization: `Bearer ${token}`, ...headers } };
    const { status, text } = await call('POST', path, given);
    const answer = JSON.parse(text) as { message?: string; status?: { userInfo?: { username?: string } } };
    return status === 201 ? answer.status?.userInfo?.username : answer.message;
  };
  expect(await whoami({})).toBe('system:serviceaccount:default:default');
  expect(await whoami(as('joe'))).toBe('joe');
  expect(await whoami(as('ann'))).toBe(
    'users "ann" is forbidden: User "system:serviceaccount:default:default" cannot impersonate resource "users" in API group "" at the cluster scope',
  );
  expect(await whoami(as('joe', 'ops'))).toContain('groups "ops" is forbidden');
});

test('an agent changes its own Node, and no labels that steer pods to it', async () => {
  const headers = as('system:node:n1', 'system:nodes');
  const node = (name: string, labels = {}) => ({ body: { metadata: { name, labels } }, headers });
  // Tried again, it begins anew.
  await call('DELETE', '/api/v1/nodes/n1');
  expect((await call('POST', '/api/v1/nodes', node('n2'))).text).toContain('is not allowed to modify node');
  expect((await call('POST', '/api/v1/nodes', node('n1'))).status).toBe(201);
  const labelled = { 'node-restriction.kubernetes.io/zone': 'a' };
  const patch = {
    body: { metadata: { labels: labelled } },
    headers: { ...headers, 'content-type': 'application/merge-patch+json' },
  };
  const refused = await call('PATCH', '/api/v1/nodes/n1', patch);
  expect(refused.status).toBe(403);
  expect(refused.text).toContain('is not allowed to modify labels: node-restriction.kubernetes.io/zone');
});

test('service accounts find out by which key their tokens are checked; nobody does without a token', async () => {
  const token = (await server.kubectl('create', 'token', 'default')).trim();
  const path = '/.well-known/openid-configuration';
  const answer = await call('GET', path, { headers: { authorization: `Bearer ${token}` } });
  expect(JSON.parse(answer.text)).toMatchObject({ jwks_uri: `${server.url}/openid/v1/jwks` });
  expect((await call('GET', path, { headers: { authorization: '' } })).status).toBe(403);
});

test('writes that find no place wait for one: with a single place all of twenty come through', async () => {
  const token = (await server.kubectl('create', 'token', 'default')).trim();
  // Tried again, it begins anew.
  await server.kubectl('delete', 'clusterrolebinding', 'edits', '--ignore-not-found');
  await server.kubectl(
    'create',
    'clusterrolebinding',
    'edits',
    '--clusterrole=edit',
    '--serviceaccount=default:default',
  );
  const create = (i: number) =>
    call('POST', '/api/v1/namespaces/default/configmaps?dryRun=All', {
      body: { metadata: { name: `many-${i}` } },
      headers: { authorization: `Bearer ${token}` },
    });
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => create(i)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
  // Places are one, and one that waits may wait behind 25 others: of many more some are turned away.
  const crowd = await Promise.all(Array.from({ length: 200 }, (_, i) => create(i)));
  const refused = crowd.filter(({ status }) => status === 429);
  expect(crowd.every(({ status }) => status === 201 || status === 429)).toBe(true);
  for (const { headers } of refused) expect(headers['retry-after']).toBe('1');
});

test('figures have upstream names, types and help', async () => {
  const { text } = await call('GET', '/metrics');
  for (const [name, type] of [
    ['apiserver_request_total', 'counter'],
    ['apiserver_request_duration_seconds', 'histogram'],
    ['apiserver_request_sli_duration_seconds', 'histogram'],
    ['apiserver_response_sizes', 'histogram'],
    ['apiserver_current_inflight_requests', 'gauge'],
    ['apiserver_longrunning_requests', 'gauge'],
    ['apiserver_watch_events_total', 'counter'],
    ['apiserver_watch_events_sizes', 'histogram'],
    ['apiserver_storage_objects', 'gauge'],
    ['apiserver_storage_size_bytes', 'gauge'],
    ['etcd_request_duration_seconds', 'histogram'],
    ['etcd_requests_total', 'counter'],
    ['apiserver_admission_step_admission_duration_seconds', 'histogram'],
    ['apiserver_admission_controller_admission_duration_seconds', 'histogram'],
    ['workqueue_depth', 'gauge'],
    ['workqueue_adds_total', 'counter'],
    ['workqueue_queue_duration_seconds', 'histogram'],
    ['apiserver_audit_event_total', 'counter'],
    ['apiserver_audit_level_total', 'counter'],
    ['authentication_attempts', 'counter'],
    ['kubernetes_build_info', 'gauge'],
    ['process_resident_memory_bytes', 'gauge'],
  ]) {
    expect(text).toMatch(new RegExp(`^# HELP ${name} \\S.*\n# TYPE ${name} ${type}\n${name}`, 'm'));
  }
  const line = /^apiserver_request_total\{(.*resource="secrets".*code="201".*)\} (\d+)$/m.exec(text);
  expect(line?.[1]).toBe(
    'verb="POST",dry_run="",group="",version="v1",resource="secrets",subresource="",scope="namespace",component="apiserver",code="201"',
  );
});

test('health is told check by check, to everyone', async () => {
  const headers = { authorization: '' };
  expect(await call('GET', '/livez', { headers })).toMatchObject({ status: 200, text: 'ok' });
  const { text } = await call('GET', '/readyz?verbose', { headers });
  expect(text).toMatch(/^\[\+\]ping ok\n[\s\S]*\[\+\]etcd ok\n[\s\S]*\[\+\]shutdown ok\nreadyz check passed\n$/);
  for (const name of [
    'crd-informer-synced',
    'scheduling/bootstrap-system-priority-classes',
    'apiservice-openapi-controller',
  ]) {
    expect(text).toContain(`[+]poststarthook/${name} ok\n`);
  }
  expect(await call('GET', '/livez/etcd')).toMatchObject({ status: 200, text: 'ok' });
});

test('service level indicators are the results of health checks and nothing else', async () => {
  await call('GET', '/livez');
  const { text } = await call('GET', '/metrics/slis');
  const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(families).toEqual(['kubernetes_healthcheck', 'kubernetes_healthchecks_total']);
  expect(text).toMatch(/^kubernetes_healthcheck\{name="etcd",type="livez"\} 1$/m);
  expect(text).toMatch(/^kubernetes_healthchecks_total\{name="etcd",status="success",type="livez"\} [1-9]/m);
});

test('what runs here, and with which flags, is told to those who look after it', async () => {
  const monitor = as('prober', 'system:monitoring');
  const flags = await call('GET', '/flagz', { headers: monitor });
  expect(flags.text).toContain(`\naudit-log-path=${log}\n`);
  const accept = 'application/json;v=v1beta1;g=config.k8s.io;as=Statusz';
  const status = await call('GET', '/statusz', { headers: { ...monitor, accept } });
  expect(JSON.parse(status.text)).toMatchObject({ kind: 'Statusz', emulationVersion: '1.36' });
  expect(await call('GET', '/statusz', { headers: { authorization: '' } })).toMatchObject({ status: 403 });
});

test('a review is no Table', async () => {
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const body = { spec: { nonResourceAttributes: { path: '/', verb: 'get' } } };
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  expect(await call('POST', path, { body, headers: { accept } })).toMatchObject({ status: 406 });
});

describe('users whom others vouch for', () => {
  const whoami = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const reviews = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const userOf = async (given: Given) => {
    const { status, text } = await call('POST', reviews, { body: whoami, ...given });
    return status === 201 ? JSON.parse(text).status.userInfo : status;
  };

  test('a proxy names the user by its certificate; nobody else can', async () => {
    const headers = {
      'x-remote-user': 'jane',
      'x-remote-group': ['dev', 'a, system:masters'],
      'x-remote-extra-team': 'red',
    };
    expect(await userOf({ headers, certificate: proxyCertificate })).toEqual({
      username: 'jane',
      groups: ['dev', 'a, system:masters', 'system:authenticated'],
      extra: { team: ['red'] },
    });
    expect((await userOf({ headers })).username).toBe('tester');
    expect(await userOf({ headers: { ...headers, 'x-remote-user': '' }, certificate: proxyCertificate })).toBe(401);
    const path = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
    const { data } = JSON.parse((await call('GET', path)).text);
    expect(data['requestheader-allowed-names']).toBe('["web","front-proxy-client"]');
    expect(data['requestheader-client-ca-file'].match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });

  test('an issuer of ID tokens', async () => {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const tokenOf = (claims: object) => {
      const all = { iss: issuerUrl(), aud: 'portico', sub: 'jane', exp: Date.now() / 1000 + 3600, ...claims };
      const input = `${encode({ alg: 'RS256', kid: 'k' })}.${encode(all)}`;
      return `${input}.${sign('sha256', Buffer.from(input), signer.privateKey).toString('base64url')}`;
    };
    const by = (claims: object) => ({ headers: { authorization: `Bearer ${tokenOf(claims)}` } });
    expect(await userOf(by({ groups: ['dev'] }))).toEqual({
      username: 'oidc:jane',
      groups: ['dev', 'system:authenticated'],
    });
    expect(await userOf(by({ aud: 'another' }))).toBe(401);
    const review = (spec: object) =>
      call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: tokenOf({}), ...spec } },
      });
    expect(JSON.parse((await review({})).text).status).toMatchObject({ authenticated: true });
    expect(JSON.parse((await review({ audiences: ['vault'] })).text).status.authenticated).toBeUndefined();
  });
});
