import { expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import { startTestServer } from '../fake/test-server.ts';
import type { ApiRequest } from '../request.ts';
import { Auditor } from './auditor.ts';

const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } };

test('a request that could not be told of is refused, and nothing of it is done', async () => {
  let isTaken = false;
  const told: string[] = [];
  const auditor = new Auditor({
    policy: { rules: [{ level: 'Metadata' }] },
    clock: new FakeClock(),
    sink: async (line) => {
      told.push((JSON.parse(line) as { stage: string }).stage);
      return isTaken;
    },
  });
  const api = await startTestServer({ auditor });
  const request: ApiRequest = {
    method: 'POST',
    path: '/api/v1/namespaces',
    search: 'fieldManager=a',
    query: new URLSearchParams('fieldManager=a'),
    headers: { 'content-type': 'application/json' },
    body: async () => Buffer.from(JSON.stringify(namespace)),
    signal: new AbortController().signal,
  };
  const refused = await api.server.handle(request);
  expect([refused.status, refused.body]).toEqual([
    500,
    'Internal Server Error: "/api/v1/namespaces?fieldManager=a": failed to store audit event\n',
  ]);
  expect(told).toEqual(['RequestReceived']);
  isTaken = true;
  expect((await api.server.handle(request)).status).toBe(201);
  expect(told).toEqual(['RequestReceived', 'RequestReceived', 'ResponseComplete']);
  api.stop();
});
