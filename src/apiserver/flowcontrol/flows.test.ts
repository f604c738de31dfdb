import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';

const url = '/apis/flowcontrol.apiserver.k8s.io/v1';
const jane = { name: 'jane', groups: ['system:authenticated'] };
let api: TestServer;

beforeEach(async () => {
  api = await startTestServer();
});
afterEach(() => api.stop());

async function made(resource: string, name: string, spec: object): Promise<string> {
  const { body } = await api.send('POST', `${url}/${resource}`, { metadata: { name }, spec });
  return body.metadata.uid!;
}

const level = (name: string) => {
  const limited = { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' } };
  return made('prioritylevelconfigurations', name, { type: 'Limited', limited });
};

function schema(name: string, matchingPrecedence: number, levelName: string): Promise<string> {
  const subjects = [{ kind: 'User', user: { name: 'jane' } }];
  const resourceRules = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }];
  const rules = [{ subjects, resourceRules }];
  return made('flowschemas', name, { matchingPrecedence, priorityLevelConfiguration: { name: levelName }, rules });
}

async function flowOf(path = '/api/v1/pods') {
  const { headers } = await api.sendAs(jane, { method: 'GET', url: path });
  return [headers['x-kubernetes-pf-flowschema-uid'], headers['x-kubernetes-pf-prioritylevel-uid']];
}

test('responses name the flow schema and its level, the first that matches, as they are at the time', async () => {
  expect(await flowOf()).toEqual(['', '']);
  const [low, high] = [await level('low'), await level('high')];
  const later = await schema('a', 20, 'low');
  expect(await flowOf()).toEqual([later, low]);
  const sooner = await schema('b', 10, 'high');
  expect(await flowOf()).toEqual([sooner, high]);
  const same = await schema('aa', 10, 'low');
  expect(await flowOf()).toEqual([same, low]);
  await api.send('DELETE', `${url}/prioritylevelconfigurations/low`);
  expect(await flowOf()).toEqual([sooner, high]);
  expect(await flowOf('/version')).toEqual(['', '']);
});

test('a request that is refused is told it too; one that streams is not counted', async () => {
  expect(await flowOf('/api/v1/namespaces/n/pods/gone')).toEqual(['', '']);
  expect(await flowOf('/api/v1/namespaces/n/pods/gone/log')).toEqual([undefined, undefined]);
});

test('a Table of them is in the order in which they are asked', async () => {
  await Promise.all([schema('a', 20, 'x'), schema('c', 10, 'x'), schema('b', 10, 'x')]);
  const answer = await api.server.handle({
    method: 'GET',
    path: `${url}/flowschemas`,
    query: new URLSearchParams(),
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    body: async () => Buffer.alloc(0),
    signal: new AbortController().signal,
    trustedUser: jane,
  });
  const { rows } = JSON.parse(String(answer.body)) as { rows: readonly { readonly object: KubeObject }[] };
  expect(rows.map(({ object }) => object.metadata.name)).toEqual(['b', 'c', 'a']);
});

test.each([undefined, null, {}, { rules: [{}] }, { rules: [{ resourceRules: [{}] }] }])(
  'a schema whose spec somebody spoilt in storage (%j) keeps nobody from asking',
  async (spoilt) => {
    const level = spoilt?.rules && { priorityLevelConfiguration: { name: 'exempt' }, matchingPrecedence: 1 };
    const value = JSON.stringify({
      ...{ kind: 'FlowSchema', apiVersion: 'flowcontrol.apiserver.k8s.io/v1', metadata: { name: 'spoilt' } },
      spec: spoilt && { ...spoilt, ...level },
    });
    const key = '/registry/flowcontrol.apiserver.k8s.io/flowschemas/spoilt';
    await api.storage.transact({ compare: [], operations: [{ type: 'put', key, value }] });
    await api.server.cache.waitForNow();
    expect(await api.send('GET', '/api/v1/namespaces')).toMatchObject({ status: 200 });
  },
);
