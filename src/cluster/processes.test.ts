import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type ClusterProcess, clusterProcesses, findPart, insiderOf, startDetached } from './processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'portico-processes-'));
const cluster = `processes-${process.pid}`;
const long = { timeout: 60_000 };
const all = () => clusterProcesses(cluster, `portico-${cluster}`);

afterAll(() => {
  for (const { pid } of all()) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true });
});

test('a part that was killed is none, though programs that it started live on', async () => {
  const command = ['sh', '-c', 'sleep 1000 & exec sleep 1001'];
  const agent = await startDetached({ command, cluster, node: 'node-1', part: 'agent', log: join(folder, 'log') });
  await expect.poll(() => all().length, long).toBe(2);
  expect(findPart(all(), 'agent', 'node-1')?.pid).toBe(agent);
  expect(findPart(all(), 'agent', 'node-2')).toBeUndefined();
  process.kill(agent, 'SIGKILL');
  await expect.poll(() => all().length, long).toBe(1);
  expect(all()[0]).toMatchObject({ part: 'agent', node: 'node-1' });
  expect(findPart(all(), 'agent', 'node-1')).toBeUndefined();
});

test('a part that is started again leaves what the one before it said', async () => {
  const log = join(folder, 'logs', 'server.log');
  for (const word of ['first', 'second', 'third']) {
    await startDetached({ command: ['echo', word], cluster, part: 'server', log });
    await expect.poll(() => readFileSync(log, 'utf8'), long).toBe(`${word}\n`);
  }
  expect(readFileSync(`${log}.1`, 'utf8')).toBe('second\n');
});

test('in the namespaces of a node are its holder, or what lives on without it', () => {
  const own = { parent: 1, rss: 0, node: 'node-1' };
  const all: readonly ClusterProcess[] = [
    { ...own, pid: 5, session: 5, comm: 'pause', parent: 4 },
    { ...own, pid: 4, session: 3, comm: 'containerd-shim', part: 'containerd' },
    { ...own, pid: 3, session: 3, comm: 'containerd', part: 'containerd' },
    { ...own, pid: 2, session: 2, comm: 'node', part: 'agent' },
    { ...own, pid: 1, session: 1, comm: 'sleep', part: 'node' },
  ];
  const without = (...pids: number[]) => all.filter(({ pid }) => !pids.includes(pid));
  const found = [without(), without(1), without(1, 3), without(1, 2, 3), without(1, 2, 3, 4)];
  expect(found.map((processes) => insiderOf(processes, 'node-1')?.pid)).toEqual([1, 3, 2, 4, undefined]);
  expect(insiderOf(all, 'node-2')).toBeUndefined();
});
