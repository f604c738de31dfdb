import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ResourceQuota } from '../../../api/core/v1/types.generated.ts';
import type { Status } from '../../../apimachinery/meta/v1.generated.ts';
import { MemoryStorage } from '../../../storage/memory/memory-storage.ts';
import { startTestServer, type TestServer } from '../../fake/test-server.ts';

const quotas = '/api/v1/namespaces/n/resourcequotas';
const configMaps = '/api/v1/namespaces/n/configmaps';
let servers: readonly TestServer[];

beforeEach(async () => {
  const storage = new MemoryStorage();
  servers = [await startTestServer({ storage }), await startTestServer({ storage })];
  await servers[0]!.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
});

afterEach(() => {
  for (const server of servers) server.stop();
});

async function makeQuota(name: string, hard: Record<string, string>, spec: object = {}): Promise<void> {
  const { send } = servers[0]!;
  await send('POST', quotas, { metadata: { name }, spec: { hard, ...spec } });
  const used = Object.fromEntries(Object.keys(hard).map((resource) => [resource, '0']));
  await send('PATCH', `${quotas}/${name}/status`, { status: { hard, used } }, 'application/merge-patch+json');
}

async function usedOf(name: string): Promise<Record<string, string> | undefined> {
  return (await servers[1]!.send<ResourceQuota>('GET', `${quotas}/${name}`)).body.status?.used;
}

test('50 concurrent creates on two servers never exceed a quota, and every one that fits is made', async () => {
  await makeQuota('q', { configmaps: '20' });
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) => servers[i % 2]!.send('POST', configMaps, { metadata: { name: `c${i}` } })),
  );
  const refused = answers.filter(({ status }) => status === 403);
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(20);
  expect(refused).toHaveLength(30);
  expect((refused[0]!.body as unknown as Status).message).toMatch(
    /^configmaps "c\d+" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=20, limited: configmaps=20$/,
  );
  expect(await usedOf('q')).toEqual({ configmaps: '20' });
});

test('nothing is charged for a dry run, for what is there already, nor for what validation refuses', async () => {
  await makeQuota('q', { configmaps: '5' });
  const { send } = servers[0]!;
  expect((await send('POST', `${configMaps}?dryRun=All`, { metadata: { name: 'a' } })).status).toBe(201);
  expect((await send('POST', configMaps, { metadata: { name: 'NO' } })).status).toBe(422);
  expect(await usedOf('q')).toEqual({ configmaps: '0' });
  expect((await send('POST', configMaps, { metadata: { name: 'a' } })).status).toBe(201);
  expect((await send('POST', configMaps, { metadata: { name: 'a' } })).status).toBe(409);
  expect(await usedOf('q')).toEqual({ configmaps: '1' });
});

test('all quotas of a namespace count, and a Service that takes node ports later pays then', async () => {
  await makeQuota('ports', { 'services.nodeports': '1' });
  await makeQuota('all', { services: '9' });
  const { send } = servers[0]!;
  const spec = {
    ports: [
      { name: 'a', port: 80 },
      { name: 'b', port: 81 },
    ],
  };
  await send('POST', '/api/v1/namespaces/n/services', { metadata: { name: 's' }, spec });
  expect(await usedOf('ports')).toEqual({ 'services.nodeports': '0' });
  const more = { spec: { type: 'NodePort' } };
  const answer = await send('PATCH', '/api/v1/namespaces/n/services/s', more, 'application/merge-patch+json');
  expect((answer.body as unknown as Status).message).toBe(
    'services "s" is forbidden: exceeded quota: ports, requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1',
  );
  expect(await usedOf('all')).toEqual({ services: '1' });
});

test('a quota that was not counted yet refuses', async () => {
  const { send } = servers[0]!;
  await send('POST', quotas, { metadata: { name: 'q' }, spec: { hard: { secrets: '1' } } });
  await send('PATCH', `${quotas}/q/status`, { status: { hard: { secrets: '1' } } }, 'application/merge-patch+json');
  const answer = await send<Status>('POST', '/api/v1/namespaces/n/secrets', { metadata: { name: 's' } });
  expect(answer.body.message).toBe('secrets "s" is forbidden: status unknown for quota: q, resources: secrets');
});

const pods = '/api/v1/namespaces/n/pods';
const mergePatch = 'application/merge-patch+json';

async function makePod(name: string): Promise<void> {
  const { send } = servers[0]!;
  await send('POST', '/api/v1/namespaces/n/serviceaccounts', { metadata: { name: 'default' } });
  const { status } = await send('POST', pods, {
    metadata: { name },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  });
  expect(status).toBe(201);
}

// As kube-apiserver: only who makes or resizes a pod is asked, and who gives it a deadline.
test('what a kubelet says of a pod is not refused, though the pod would not fit', async () => {
  await makePod('p');
  const { send } = servers[0]!;
  await send('PATCH', `${pods}/p/status`, { status: { phase: 'Failed' } }, mergePatch);
  await makeQuota('q', { pods: '0', 'requests.cpu': '1' });
  expect((await send('PATCH', `${pods}/p/status`, { status: { phase: 'Running' } }, mergePatch)).status).toBe(200);
  expect(await usedOf('q')).toEqual({ pods: '0', 'requests.cpu': '0' });
});

test('a pod that gets a deadline is charged to the quota of those that have one', async () => {
  await makePod('p');
  await makePod('r');
  await makeQuota('brief', { pods: '1' }, { scopes: ['Terminating'] });
  const { send } = servers[0]!;
  const deadline = { spec: { activeDeadlineSeconds: 60 } };
  expect((await send('PATCH', `${pods}/p`, deadline, mergePatch)).status).toBe(200);
  expect(await usedOf('brief')).toEqual({ pods: '1' });
  const answer = await send<Status>('PATCH', `${pods}/r`, deadline, mergePatch);
  expect(answer.body.message).toBe(
    'pods "r" is forbidden: exceeded quota: brief, requested: pods=1, used: pods=1, limited: pods=1',
  );
});
