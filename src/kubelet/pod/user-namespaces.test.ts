import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UserNamespaces } from './user-namespaces.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'portico-users-'));
});
afterEach(() => rm(root, { recursive: true }));

const start = () => new UserNamespaces({ podDir: (uid) => join(root, uid), known: () => readdir(root) });

const mapping = (slot: number) => ({ hostId: slot * 65_536, containerId: 0, length: 65_536 });

test('each pod has ids of its own, which are nobody else’s until its folder goes, also for an agent that is started anew', async () => {
  const users = start();
  expect(await users.of('a')).toBeUndefined();
  expect(await Promise.all(['a', 'b', 'a', 'c'].map((uid) => users.allocate(uid)))).toEqual([1, 2, 1, 3].map(mapping));
  await rm(join(root, 'b'), { recursive: true });
  const anew = start();
  expect(await anew.of('c')).toEqual(mapping(3));
  expect(await anew.of('b')).toBeUndefined();
  expect(await anew.allocate('d')).toEqual(mapping(2));
  expect(await anew.allocate('e')).toEqual(mapping(4));
});

test('the file is the one that the kubelet of Kubernetes keeps', async () => {
  await start().allocate('a');
  const text = await readFile(join(root, 'a', 'userns'), 'utf8');
  expect(JSON.parse(text)).toEqual({ uidMappings: [mapping(1)], gidMappings: [mapping(1)] });
});

test.each([
  '{}',
  '{"uidMappings":[{"hostId":0,"containerId":0,"length":65536}]}',
  '{"uidMappings":[{"hostId":65537,"containerId":0,"length":65536}]}',
  '{"uidMappings":[{"hostId":65536,"containerId":1,"length":65536}]}',
  '{"uidMappings":[{"hostId":65536,"containerId":0,"length":1}]}',
  '{"uidMappings":',
])('a file that says %s is no pod’s', async (text) => {
  await mkdir(join(root, 'a'));
  await writeFile(join(root, 'a', 'userns'), text);
  const users = start();
  await expect(users.of('a')).rejects.toThrow();
  await expect(users.allocate('a')).rejects.toThrow();
  expect(await users.allocate('b')).toEqual(mapping(1));
});
