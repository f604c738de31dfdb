// A data directory on a file system that fills up: writes are refused with a Status, everything else goes on, and what was
// acknowledged survives.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { builtInArchive } from '../../src/cluster/images/built-in.ts';
import { realExec } from '../../src/system/real/exec.ts';
import { realFiles } from '../../src/system/real/files.ts';
import { startPortico } from '../fixtures/portico-process.ts';
import { connectApi, type NamedList } from './api.ts';
import { eventually } from './portico.ts';

const folder = mkdtempSync(join(tmpdir(), 'portico-full-disk-'));
const disk = join(folder, 'disk');
const ballast = join(disk, 'ballast');
const tokens = join(folder, 'tokens.csv');
const token = 'a-token-of-the-tests';
const configMaps = '/api/v1/namespaces/default/configmaps';

beforeAll(() => {
  writeFileSync(tokens, `${token},tester,1,"system:masters"\n`);
  mkdirSync(disk);
});
// Each test, and each try of one, has a disk of its own.
beforeEach(() => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'portico-test', disk]);
  writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024));
});
afterEach(() => {
  // Also from under a server that a failed test has left.
  execFileSync('umount', ['--lazy', disk]);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function start() {
  const flags = ['--data-dir', join(disk, 'data'), '--listen', '127.0.0.1:0', '--token-auth-file', tokens];
  const server = await startPortico(['server', ...flags, '--controllers', '-*'], /ready on (https:\/\/[^ ,]+)/);
  return { server, api: connectApi(server.ready, token) };
}

interface Refusal {
  readonly kind: string;
  readonly message: string;
}

test('writes fail with a Status, reads and watches go on; with space again, writes do too; nothing is lost', async () => {
  const { server, api } = await start();
  const acknowledged: string[] = [];
  const refused = new Map<string, { readonly status: number; readonly body: Refusal }>();
  const write = async (name: string, size = 50_000) => {
    const body = { metadata: { name }, data: { filling: 'x'.repeat(size) } };
    const answer = await api.send<Refusal>('POST', configMaps, body);
    if (answer.status === 201) acknowledged.push(name);
    else refused.set(name, answer);
    return answer.status;
  };
  const seen = new Set<string>();
  const watching = api.watch(`${configMaps}?watch=true`, ({ type, object }) => {
    if (type === 'ADDED') seen.add(object.metadata.name);
  });
  let made = 0;
  while (refused.size < 20 && made < 1000) {
    await Promise.all(Array.from({ length: 10 }, () => write(`filling-${made++}`)));
  }
  expect(acknowledged.length).toBeGreaterThan(20);
  expect(refused.size).toBeGreaterThan(0);
  for (const { status, body } of refused.values()) {
    expect({ status, kind: body.kind }).toEqual({ status: 500, kind: 'Status' });
    expect(body.message).toMatch(/the write was not stored: .*(full|no space)/);
  }

  const names = async () =>
    (await api.send<NamedList>('GET', configMaps)).body.items.map(({ metadata }) => metadata.name);
  const listed = new Set(await names());
  expect(acknowledged.filter((name) => !listed.has(name))).toEqual([]);
  expect([...refused.keys()].filter((name) => listed.has(name))).toEqual([]);
  expect((await api.send('GET', `${configMaps}/${acknowledged[0]}`)).status).toBe(200);

  rmSync(ballast);
  await eventually('a write to be stored', async () => ((await write(`after-${made++}`)) === 201 ? true : undefined));
  await eventually('the watch to tell', async () => (acknowledged.every((name) => seen.has(name)) ? true : undefined));
  expect([...refused.keys()].filter((name) => seen.has(name))).toEqual([]);
  server.child.kill('SIGKILL');
  await server.stop();
  await watching;
  api.close();

  const again = await start();
  const { items } = (await again.api.send<NamedList>('GET', configMaps)).body;
  const kept = new Set(items.map(({ metadata }) => metadata.name));
  expect(acknowledged.filter((name) => !kept.has(name))).toEqual([]);
  expect([...refused.keys()].filter((name) => kept.has(name))).toEqual([]);
  expect((await again.api.send('POST', configMaps, { metadata: { name: 'last' } })).status).toBe(201);
  again.api.close();
  await again.server.stop();
});

test('whose write fails learns which file it was', async () => {
  // All but what the first block of a file takes.
  const rest = join(disk, 'rest');
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(rest, Buffer.alloc((bavail - 1) * bsize));
  const file = join(disk, 'kubeconfig');
  await expect(realFiles.write(file, 'x'.repeat(100_000))).rejects.toThrow(
    `ENOSPC: no space left on device, write '${file}'`,
  );
  const archive = builtInArchive({ exec: realExec, files: realFiles, folder: join(disk, 'images') });
  await expect(archive).rejects.toThrow(/^cannot write \S+\/disk\/images\/portico-\w+\.tar: ENOSPC: /);
  rmSync(rest);
});
