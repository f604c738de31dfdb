import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import type { Decision } from '../apiserver/access-control.ts';
import type { RbacAuthorizer } from '../apiserver/authorization/authorizer.ts';
import type { User } from '../apiserver/request.ts';
import { parseRequestInfo } from '../apiserver/request-info.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { openAuthorization } from './authorization.ts';
import { startControlPlane } from './server.ts';

interface Asked {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: { readonly user?: string; readonly resourceAttributes?: { readonly resource: string } };
}

/** Allows `friend`, denies `foe`, has no answer for `nobody` and no opinion of others. */
async function startWebhook() {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const { apiVersion, kind, spec } = (await json(request)) as Asked;
    asked.push({ apiVersion, kind, spec });
    const { user } = spec;
    if (user === 'nobody') response.statusCode = 503;
    const status = { allowed: user === 'friend', denied: user === 'foe', ...(user === 'foe' && { reason: 'a foe' }) };
    response.end(JSON.stringify({ apiVersion, kind, status }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/authorize`;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { asked, url, close };
}

test('a server that asks a webhook before RBAC', async () => {
  const webhook = await startWebhook();
  const folder = mkdtempSync(join(tmpdir(), 'portico-authorization-'));
  const kubeConfigFile = join(folder, 'webhook.json');
  const configFile = join(folder, 'authorization.json');
  const context = { name: 'c', context: { cluster: 'c', user: 'u' } };
  const cluster = { name: 'c', cluster: { server: webhook.url } };
  const kubeconfig = { clusters: [cluster], users: [{ name: 'u', user: {} }], contexts: [context] };
  writeFileSync(kubeConfigFile, JSON.stringify({ ...kubeconfig, 'current-context': 'c' }));
  const first = {
    ...{ timeout: '30s', subjectAccessReviewVersion: 'v1', matchConditionSubjectAccessReviewVersion: 'v1' },
    ...{ failurePolicy: 'NoOpinion', connectionInfo: { type: 'KubeConfigFile', kubeConfigFile } },
    matchConditions: [{ expression: 'has(request.resourceAttributes)' }],
  };
  const authorizers = [
    { type: 'Webhook', name: 'first', webhook: first },
    { type: 'Node', name: 'node' },
    { type: 'RBAC', name: 'rbac' },
  ];
  const apiVersion = 'apiserver.config.k8s.io/v1';
  writeFileSync(configFile, JSON.stringify({ apiVersion, kind: 'AuthorizationConfiguration', authorizers }));
  const plane = await startControlPlane({
    listen: [{ host: '127.0.0.1', port: 0 }],
    advertise: [],
    serviceClusterIPRanges: ['10.96.0.0/16'],
    serviceNodePortRange: { from: 30000, to: 32767 },
    clusterCIDRs: ['10.244.0.0/16'],
    controllers: [],
    authorization: { configFile },
    version: '0',
    onError: () => {},
  });
  try {
    const ask = async (name: string, path: string, more: { method?: string; body?: string } = {}) => {
      const user: User = { name, groups: ['system:authenticated'] };
      const headers = { 'content-type': 'application/json' };
      const response = await plane.transport(user).request({ method: 'GET', headers, path, ...more });
      return { status: response.status, text: await text(response.body) };
    };
    const pods = '/api/v1/namespaces/default/pods?limit=1';
    expect((await ask('friend', pods)).status).toBe(200);
    expect(JSON.parse((await ask('foe', pods)).text)).toMatchObject({
      code: 403,
      message:
        'pods is forbidden: User "foe" cannot list resource "pods" in API group "" in the namespace "default": a foe',
    });
    expect((await ask('stranger', pods)).status).toBe(403);
    expect(await ask('nobody', pods)).toEqual({
      status: 500,
      text: `Internal Server Error: "${pods}": the server is currently unable to handle the request\n`,
    });
    // What RBAC allows is allowed, whatever became of the webhook; it is not asked about paths.
    expect((await ask('nobody', '/version')).status).toBe(200);
    expect(webhook.asked.map(({ spec }) => spec.user)).toEqual(['friend', 'foe', 'stranger', 'nobody']);

    const group = 'authorization.k8s.io';
    const review = async (kind: string, spec: object) => {
      const body = JSON.stringify({ apiVersion: `${group}/v1`, kind, spec });
      const path = `/apis/${group}/v1/${kind.toLowerCase()}s`;
      return (JSON.parse((await ask('friend', path, { method: 'POST', body })).text) as { status: unknown }).status;
    };
    const resourceAttributes = { verb: 'get', resource: 'pods' };
    expect(await review('SubjectAccessReview', { user: 'foe', resourceAttributes })).toEqual({
      ...{ allowed: false, denied: true, reason: 'a foe' },
    });
    expect(await review('SubjectAccessReview', { user: 'nobody', resourceAttributes })).toEqual({
      ...{ allowed: false, evaluationError: 'the server is currently unable to handle the request' },
    });
    expect(await review('SelfSubjectRulesReview', { namespace: 'default' })).toMatchObject({
      incomplete: true,
      evaluationError: 'webhook authorizer does not support user rule resolution',
    });
  } finally {
    await plane.close();
    webhook.close();
    rmSync(folder, { recursive: true });
  }
});

test('a file that cannot be used is named, with what is wrong', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-authorization-'));
  const configFile = join(folder, 'authorization.yaml');
  try {
    await expect(openAuthorization({ configFile })).rejects.toThrow(
      `--authorization-config ${configFile}: there is no file ${configFile}`,
    );
    writeFileSync(configFile, 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\n');
    await expect(openAuthorization({ configFile })).rejects.toThrow(
      `--authorization-config ${configFile}: authorizers: Required value: at least one authorization mode must be defined`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Lets the file be looked at once more, until what was read has had its effect. */
async function look(clock: FakeClock): Promise<void> {
  const again = clock.nextWait();
  clock.advance(60_000);
  await again;
}

test('a file that changes is read again; one that cannot be used is told of once, and changes nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-authorization-'));
  const configFile = join(folder, 'authorization.yaml');
  const write = (...types: readonly string[]) => {
    const authorizers = types.map((type) => ({ type, name: type.toLowerCase() }));
    const apiVersion = 'apiserver.config.k8s.io/v1';
    writeFileSync(configFile, JSON.stringify({ apiVersion, kind: 'AuthorizationConfiguration', authorizers }));
  };
  const clock = new FakeClock();
  const errors: string[] = [];
  const stop = new AbortController();
  try {
    write('AlwaysDeny');
    const authorization = await openAuthorization({ configFile });
    const authorizer = authorization.authorizerOf({} as RbacAuthorizer);
    const onError = (error: unknown) => errors.push((error as Error).message);
    const watching = authorization.watch(stop.signal, { clock, onError });
    const info = parseRequestInfo('GET', '/version', new URLSearchParams());
    const decide = () => authorizer.authorize({ user: { name: 'jane', groups: [] }, verb: 'get', info }) as Decision;
    expect(decide().allowed).toBe(false);
    write('AlwaysDeny', 'Magic');
    await look(clock);
    write('AlwaysAllow');
    await look(clock);
    await look(clock);
    expect(decide().allowed).toBe(false);
    expect(errors).toEqual([
      expect.stringContaining('authorizers[1].type: Unsupported value: "Magic"'),
      'missing required types: [AlwaysDeny]',
    ]);
    write('AlwaysDeny', 'AlwaysAllow');
    await look(clock);
    expect(decide().allowed).toBe(true);
    stop.abort();
    await watching;
    expect(errors).toHaveLength(2);
  } finally {
    stop.abort();
    rmSync(folder, { recursive: true });
  }
});
