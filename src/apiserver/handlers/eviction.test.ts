import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from '../../api/policy/v1/types.generated.ts';
import type { Status } from '../../apimachinery/meta/v1.generated.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';

const pods = '/api/v1/namespaces/n/pods';
const budgets = '/apis/policy/v1/namespaces/n/poddisruptionbudgets';
const mergePatch = 'application/merge-patch+json';
const message = "Cannot evict pod as it would violate the pod's disruption budget.";
let server: TestServer;

beforeEach(async () => {
  server = await startTestServer();
  await server.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  await server.send('POST', '/api/v1/namespaces/n/serviceaccounts', { metadata: { name: 'default' } });
});
afterEach(() => server.stop());

async function makePod(name: string, { phase = 'Running', ready = true } = {}): Promise<void> {
  const containers = [{ name: 'c', image: 'i' }];
  await server.send('POST', pods, { metadata: { name, labels: { app: 'web' } }, spec: { containers, nodeName: 'n' } });
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  await server.send('PATCH', `${pods}/${name}/status`, { status: { phase, conditions } }, mergePatch);
}

async function makeBudget(
  status: PodDisruptionBudget['status'],
  { name = 'b', spec = {} }: { name?: string; spec?: PodDisruptionBudgetSpec } = {},
): Promise<void> {
  const selector = { matchLabels: { app: 'web' } };
  await server.send('POST', budgets, { metadata: { name }, spec: { minAvailable: 1, selector, ...spec } });
  await server.send('PATCH', `${budgets}/${name}/status`, { status: { observedGeneration: 1, ...status } }, mergePatch);
}

function evict(name: string, options: object = {}) {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name }, deleteOptions: options };
  return server.send<Status>('POST', `${pods}/${name}/eviction`, body);
}

const isGoing = async (name: string) =>
  (await server.send('GET', `${pods}/${name}`)).body.metadata?.deletionTimestamp !== undefined;
const budget = async () => (await server.send<PodDisruptionBudget>('GET', `${budgets}/b`)).body.status;

test('each eviction takes one disruption, and the last one is the last', async () => {
  await makePod('a');
  await makePod('b');
  await makeBudget({ disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 });
  const answers = await Promise.all([evict('a'), evict('b')]);
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 429]);
  const refused = answers.find(({ status }) => status === 429)!;
  expect(refused.body).toMatchObject({
    message,
    reason: 'TooManyRequests',
    details: {
      causes: [
        { reason: 'DisruptionBudget', message: 'The disruption budget b needs 1 healthy pods and has 2 currently' },
      ],
    },
  });
  expect(await budget()).toMatchObject({
    disruptionsAllowed: 0,
    disruptedPods: { [(await isGoing('a')) ? 'a' : 'b']: expect.any(String) },
    conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods' }],
  });
});

test('the pod says that it was evicted; one of another version, or in a dry run, says nothing', async () => {
  await makePod('a');
  const target = async () =>
    (await server.send<Pod>('GET', `${pods}/a`)).body.status?.conditions?.find(
      ({ type }) => type === 'DisruptionTarget',
    );
  expect((await evict('a', { preconditions: { resourceVersion: '1' } })).status).toBe(409);
  expect((await evict('a', { dryRun: ['All'] })).status).toBe(201);
  expect(await target()).toBeUndefined();
  const { resourceVersion } = (await server.send<Pod>('GET', `${pods}/a`)).body.metadata;
  expect((await evict('a', { preconditions: { resourceVersion } })).status).toBe(201);
  expect(await target()).toMatchObject({
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  });
  expect(await isGoing('a')).toBe(true);
});

test('older clients evict by another version', async () => {
  await makePod('a');
  const eviction = (apiVersion: string) =>
    server.send<Status>('POST', `${pods}/a/eviction`, { apiVersion, kind: 'Eviction', metadata: { name: 'a' } });
  expect((await eviction('policy/v2')).body).toMatchObject({
    code: 400,
    message:
      'Eviction in version "v2" cannot be handled as a Eviction: no kind "Eviction" is registered for version "policy/v2" in scheme "pkg/api/legacyscheme/scheme.go:30"',
  });
  expect((await eviction('policy/v1beta1')).status).toBe(201);
  expect(await isGoing('a')).toBe(true);
});

test('an eviction names its pod', async () => {
  await makePod('a');
  for (const metadata of [{}, { name: 'b' }]) {
    const { status, body } = await server.send<Status>('POST', `${pods}/a/eviction`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata,
    });
    expect(status).toBe(400);
    expect(body.message).toBe('name in URL does not match name in Eviction object');
  }
});

test('a budget that the controller has not seen yet says when to come back', async () => {
  await makePod('a');
  await makeBudget({ observedGeneration: 0, disruptionsAllowed: 1 });
  const { status, headers, body } = await evict('a');
  expect(status).toBe(429);
  expect(headers['retry-after']).toBe('10');
  expect(body.details).toMatchObject({
    retryAfterSeconds: 10,
    causes: [{ message: 'The disruption budget b is still being processed by the server.' }],
  });
});

test('a dry run is refused and allowed alike, and takes nothing', async () => {
  await makePod('a');
  await makeBudget({ disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 });
  expect((await evict('a', { dryRun: ['All'] })).status).toBe(201);
  expect(await budget()).toMatchObject({ disruptionsAllowed: 1 });
  expect(await isGoing('a')).toBe(false);
});

test('pods that serve nobody go without a budget; unready ones when enough are healthy, or when the budget says so', async () => {
  await makePod('pending', { phase: 'Pending', ready: false });
  await makePod('done', { phase: 'Succeeded' });
  await makePod('unready', { ready: false });
  await makeBudget({ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 1 });
  expect((await evict('pending')).status).toBe(201);
  expect((await evict('done')).status).toBe(201);
  expect((await evict('unready')).status).toBe(429);
  await server.send('PATCH', `${budgets}/b`, { spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' } }, mergePatch);
  expect((await evict('unready')).status).toBe(201);
});

test('two budgets about one pod are one too many', async () => {
  await makePod('a');
  await makeBudget({ disruptionsAllowed: 1 });
  await makeBudget({ disruptionsAllowed: 1 }, { name: 'c' });
  const { status, body } = await evict('a');
  expect(status).toBe(500);
  expect(body.message).toBe(
    'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
  );
});

test.each<[PodDisruptionBudgetSpec, string]>([
  [{ minAvailable: 1, maxUnavailable: 1 }, 'minAvailable and maxUnavailable cannot be both set'],
  [{ minAvailable: -1 }, 'spec.minAvailable: Invalid value: -1: must be greater than or equal to 0'],
  [{ minAvailable: '101%' }, 'spec.minAvailable: Invalid value: "101%": must not be greater than 100%'],
  [{ unhealthyPodEvictionPolicy: 'X' }, 'supported values: "AlwaysAllow", "IfHealthyBudget"'],
])('a budget of %j is refused', async (spec, text) => {
  const { status, body } = await server.send<Status>('POST', budgets, { metadata: { name: 'x' }, spec });
  expect(status).toBe(422);
  expect(body.message).toContain(text);
});
