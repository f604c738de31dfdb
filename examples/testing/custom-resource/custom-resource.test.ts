// A CustomResourceDefinition is code too: its schema, defaults, rules and status are tested against an API server.
import { readFileSync } from 'node:fs';
import { resourceOf, StatusError, startCluster, type TestCluster } from 'portico/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

interface Backup {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; generation?: number };
  spec: { schedule: string; keep?: number; keepAtLeast?: number };
  status?: { lastRun?: string };
}

const backups = resourceOf<Backup>('example.com', 'v1', 'backups');
const backup = (name: string, spec: Backup['spec']): Backup => ({
  apiVersion: 'example.com/v1',
  kind: 'Backup',
  metadata: { name, namespace: 'default' },
  spec,
});

let cluster: TestCluster;
beforeAll(async () => {
  // No pods are wanted here.
  cluster = await startCluster({ nodes: 0 });
  await cluster.apply(readFileSync(new URL('./backup.crd.yaml', import.meta.url), 'utf8'));
});
afterAll(() => cluster.stop());

test('what is left out gets its default', async () => {
  const { spec } = await cluster.client.resource(backups).create(backup('daily', { schedule: '0 3 * * *' }));
  expect(spec).toEqual({ schedule: '0 3 * * *', keep: 7, keepAtLeast: 1 });
});

test('what is wrong is refused with its reason', async () => {
  const create = (spec: Backup['spec']) => cluster.client.resource(backups).create(backup('wrong', spec));
  await expect(create({ schedule: 'sometimes' })).rejects.toThrow(/spec\.schedule: Invalid value: "sometimes"/);
  const refusal = await create({ schedule: '0 3 * * *', keep: 1, keepAtLeast: 2 }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(StatusError);
  expect(String(refusal)).toContain('cannot keep fewer than keepAtLeast');
});

test('the status is written apart, and does not count as a change of what is wanted', async () => {
  const api = cluster.client.resource(backups);
  const made = await api.create({ ...backup('weekly', { schedule: '0 3 * * 0' }), status: { lastRun: 'never' } });
  expect(made.status).toBeUndefined();
  const told = await api.update({ ...made, status: { lastRun: '2026-01-01' } }, { subresource: 'status' });
  expect([told.status?.lastRun, told.metadata.generation]).toEqual(['2026-01-01', 1]);
  const changed = await api.update({ ...told, spec: { ...told.spec, keep: 3 }, status: { lastRun: 'lost' } });
  expect([changed.status?.lastRun, changed.metadata.generation]).toEqual(['2026-01-01', 2]);
});
