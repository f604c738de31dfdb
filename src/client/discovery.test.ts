import { expect, test } from 'vitest';
import { FakeClock } from '../system/fake/clock.ts';
import { FakeRandom } from '../system/fake/random.ts';
import { discoverResources } from './discovery.ts';
import { FakeApi } from './fake/fake-api.ts';
import type { Client, RawRequest, RawResponse } from './types.ts';

function answering(documents: Readonly<Record<string, unknown>>): {
  readonly client: Client;
  readonly asked: string[];
} {
  const asked: string[] = [];
  const raw = async ({ path }: RawRequest): Promise<RawResponse> => {
    asked.push(path);
    const found = documents[path];
    const status = { kind: 'Status', status: 'Failure', code: 503, reason: 'ServiceUnavailable', message: 'away' };
    async function* body() {
      yield Buffer.from(JSON.stringify(found ?? status));
    }
    return { status: found ? 200 : 503, headers: { 'content-type': 'application/json' }, body: body() };
  };
  return { client: { raw } as unknown as Client, asked };
}

const served = (resource: string, kind: string, scope: string) => {
  return { resource, responseKind: { kind }, scope, verbs: ['get', 'list'] };
};

test('all groups come in two answers; a version whose server is away is asked for, and its error is told', async () => {
  const { client, asked } = answering({
    '/api': {
      items: [{ metadata: {}, versions: [{ version: 'v1', resources: [served('pods', 'Pod', 'Namespaced')] }] }],
    },
    '/apis': {
      items: [
        {
          metadata: { name: 'example.com' },
          versions: [
            { version: 'v2', freshness: 'Current', resources: [served('toys', 'Toy', 'Cluster')] },
            {
              version: 'v1',
              freshness: 'Current',
              resources: [served('toys', 'Toy', 'Cluster'), served('a', 'A', '')],
            },
          ],
        },
        { metadata: { name: 'metrics.k8s.io' }, versions: [{ version: 'v1beta1', freshness: 'Stale' }] },
      ],
    },
  });
  const { resources, failures } = await discoverResources(client);
  expect(resources.map((r) => [r.group, r.version, r.resource, r.namespaced])).toEqual([
    ['', 'v1', 'pods', true],
    ['example.com', 'v2', 'toys', false],
    ['example.com', 'v1', 'a', false],
  ]);
  expect([...failures.keys()]).toEqual(['metrics.k8s.io/v1beta1']);
  expect(asked).toEqual(['/api', '/apis', '/apis/metrics.k8s.io/v1beta1']);
});

test('servers without aggregated discovery are asked version by version', async () => {
  const { resources } = await discoverResources(new FakeApi({ clock: new FakeClock(), random: new FakeRandom() }));
  expect(resources).toContainEqual(
    expect.objectContaining({ group: 'apps', resource: 'deployments', namespaced: true }),
  );
  expect(resources[0]?.group).toBe('');
});
