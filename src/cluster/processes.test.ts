import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { clusterProcesses, findPart, startDetached } from './processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'portico-processes-'));
const cluster = `processes-${process.pid}`;
const all = () => clusterProcesses(cluster, `portico-${cluster}`);

afterAll(() => {
  for (const { pid } of all()) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true });
});

test('a part that was killed is none, though programs that it started live on', async () => {
  const command = ['sh', '-c', 'sleep 1000 & exec sleep 1001'];
  const agent = await startDetached({ command, cluster, node: 'node-1', part: 'agent', log: join(folder, 'log') });
  await expect.poll(() => all().length).toBe(2);
  expect(findPart(all(), 'agent', 'node-1')?.pid).toBe(agent);
  expect(findPart(all(), 'agent', 'node-2')).toBeUndefined();
  process.kill(agent, 'SIGKILL');
  await expect.poll(() => all().length).toBe(1);
  expect(all()[0]).toMatchObject({ part: 'agent', node: 'node-1' });
  expect(findPart(all(), 'agent', 'node-1')).toBeUndefined();
});

test('a part that is started again leaves what the one before it said', async () => {
  const log = join(folder, 'logs', 'server.log');
  for (const word of ['first', 'second', 'third']) {
    await startDetached({ command: ['echo', word], cluster, part: 'server', log });
    await expect.poll(() => readFileSync(log, 'utf8')).toBe(`${word}\n`);
  }
  expect(readFileSync(`${log}.1`, 'utf8')).toBe('second\n');
});
