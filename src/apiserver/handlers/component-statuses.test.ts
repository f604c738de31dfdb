import { afterEach, expect, test } from 'vitest';
import type { ComponentStatus } from '../../api/core/v1/types.generated.ts';
import { decodeProtobuf } from '../../api/protobuf/decode.ts';
import type { KubeList } from '../../apimachinery/object.ts';
import { exchange } from '../fake/exchange.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';

const url = '/api/v1/componentstatuses';
let wrong: string | undefined;
let api: TestServer | undefined;

async function start(): Promise<TestServer> {
  wrong = undefined;
  const components = [
    { name: 'etcd-0', check: () => wrong },
    { name: 'scheduler', check: () => undefined },
  ];
  api = await startTestServer({ extensions: { connect: {}, virtual: {}, paths: [], components } });
  return api;
}

afterEach(() => api?.stop());

test('parts are asked when somebody asks; nothing is stored', async () => {
  const { send } = await start();
  const one = await send<ComponentStatus>('GET', `${url}/etcd-0`);
  expect(one.warnings).toEqual(['v1 ComponentStatus is deprecated in v1.19+']);
  expect(one.body).toEqual({
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name: 'etcd-0' },
    conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }],
  });
  wrong = 'context deadline exceeded';
  const { body } = await send<KubeList<ComponentStatus>>('GET', url);
  expect(body).toMatchObject({ kind: 'ComponentStatusList', metadata: {} });
  expect(body.items).toEqual([
    { metadata: { name: 'etcd-0' }, conditions: [{ type: 'Healthy', status: 'False', error: wrong }] },
    { metadata: { name: 'scheduler' }, conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] },
  ]);
  expect((await send('GET', `${url}/none`)).body).toMatchObject({
    code: 404,
    message: 'componentstatuses "none" not found',
  });
  const selected = await send<KubeList<ComponentStatus>>('GET', `${url}?fieldSelector=metadata.name%3Dscheduler`);
  expect(selected.body.items.map(({ metadata }) => metadata.name)).toEqual(['scheduler']);
});

test('as a table, and in protocol buffers', async () => {
  const { server } = await start();
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const table = (await exchange(server, { url, headers: { accept } })).json<{ rows: { cells: unknown[] }[] }>();
  expect(table.rows.map(({ cells }) => cells)).toEqual([
    ['etcd-0', 'Healthy', 'ok', ''],
    ['scheduler', 'Healthy', 'ok', ''],
  ]);
  const { bytes } = await exchange(server, { url, headers: { accept: 'application/vnd.kubernetes.protobuf' } });
  const { kind, value } = decodeProtobuf(bytes);
  expect({ kind, items: value?.items }).toMatchObject({ kind: 'ComponentStatusList', items: [{}, {}] });
});
