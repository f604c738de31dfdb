import { expect, test } from 'vitest';
import { type HealthCheck, healthResponse } from './health.ts';
import type { ApiRequest } from './request.ts';

const checks: HealthCheck[] = [
  { name: 'ping', check: () => undefined },
  { name: 'etcd', check: async () => undefined },
  { name: 'poststarthook/rbac/bootstrap-roles', check: () => undefined },
  { name: 'shutdown', check: () => 'process is shutting down', readyOnly: true },
];

async function get(url: string): Promise<[status: number, body: unknown] | undefined> {
  const [path = '', query = ''] = url.split('?');
  const response = await healthResponse({ path, query: new URLSearchParams(query) } as ApiRequest, checks);
  return response && [response.status, response.body];
}

test('well is ok, and with verbose check by check', async () => {
  expect(await get('/livez')).toEqual([200, 'ok']);
  expect(await get('/healthz?verbose')).toEqual([
    200,
    '[+]ping ok\n[+]etcd ok\n[+]poststarthook/rbac/bootstrap-roles ok\nhealthz check passed\n',
  ]);
});

test('what is wrong is told always, but not why', async () => {
  expect(await get('/readyz')).toEqual([
    500,
    '[+]ping ok\n[+]etcd ok\n[+]poststarthook/rbac/bootstrap-roles ok\n[-]shutdown failed: reason withheld\nreadyz check failed\n',
  ]);
  expect(await get('/readyz?exclude=shutdown')).toEqual([200, 'ok']);
});

test('checks are left out in their place; those that are not there are warned of', async () => {
  expect(await get('/livez?verbose&exclude=etcd&exclude=b&exclude=a')).toEqual([
    200,
    '[+]ping ok\n[+]etcd excluded: ok\n[+]poststarthook/rbac/bootstrap-roles ok\nwarn: some health checks cannot be excluded: no matches for "a","b"\nlivez check passed\n',
  ]);
});

test('one check by its path', async () => {
  expect(await get('/livez/poststarthook/rbac/bootstrap-roles')).toEqual([200, 'ok']);
  expect(await get('/readyz/shutdown')).toEqual([500, 'internal server error: process is shutting down\n']);
  expect(await get('/livez/shutdown')).toBeUndefined();
  expect(await get('/version')).toBeUndefined();
  for (const path of ['/livez/', '/livez/etcd/', '/livez//etcd']) expect(await get(path), path).toBeUndefined();
});
