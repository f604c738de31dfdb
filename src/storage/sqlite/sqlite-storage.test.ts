import { fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, test } from 'vitest';
import { storageContract } from '../storage.contract.ts';
import { SqliteStorage } from './sqlite-storage.ts';

const folder = mkdtempSync(join(tmpdir(), 'portico-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
const freshPath = () => join(folder, `store-${++count}.db`);

storageContract('SqliteStorage', () => SqliteStorage.open({ path: freshPath() }));

test('everything is there again after closing and opening, history since the compaction too', async () => {
  const path = freshPath();
  const put = (storage: SqliteStorage, key: string, value: string) =>
    storage.transact({ compare: [], operations: [{ type: 'put', key, value }] });
  const first = await SqliteStorage.open({ path });
  for (let i = 0; i < 10; i++) await put(first, `/k${i % 3}`, String(i));
  await first.transact({ compare: [], operations: [{ type: 'delete', key: '/k0' }] });
  await first.compact(6);
  const before = await first.range({ prefix: '/' });
  const earlier = await first.range({ prefix: '/', revision: 8 });
  await first.close();

  const second = await SqliteStorage.open({ path });
  expect(await second.range({ prefix: '/' })).toEqual(before);
  expect(await second.range({ prefix: '/', revision: 8 })).toEqual(earlier);
  await expect(second.range({ prefix: '/', revision: 5 })).rejects.toMatchObject({ kind: 'compacted' });
  expect((await put(second, '/new', '')).revision).toBe(before.revision + 1);
  await second.close();
});

test('compaction takes superseded writes off the disk', async () => {
  const path = freshPath();
  const storage = await SqliteStorage.open({ path });
  for (let i = 0; i < 20; i++) {
    await storage.transact({ compare: [], operations: [{ type: 'put', key: '/a', value: String(i) }] });
  }
  await storage.compact(await storage.currentRevision());
  await storage.close();
  const db = new DatabaseSync(path);
  expect(db.prepare('SELECT count(*) AS n FROM writes').get()).toEqual({ n: 1 });
  db.close();
});

test('what is written ahead is brought into the file a little at a time', async () => {
  const path = freshPath();
  const storage = await SqliteStorage.open({ path });
  const value = 'x'.repeat(1000);
  for (let group = 0; group < 250; group++) {
    const put = (i: number) =>
      storage.transact({ compare: [], operations: [{ type: 'put', key: `/${group}/${i}`, value }] });
    await Promise.all(Array.from({ length: 16 }, (_, i) => put(i)));
  }
  // SQLite by itself would have 4 MB in its log.
  expect(statSync(`${path}-wal`).size).toBeLessThan(2_000_000);
  expect(statSync(path).size).toBeGreaterThan(3_000_000);
  await storage.close();
});

test('the file stays small, however much is written over', async () => {
  const path = freshPath();
  const storage = await SqliteStorage.open({ path });
  const sizes: number[] = [];
  for (let round = 0; round < 4; round++) {
    const value = String(round).repeat(100_000);
    for (let i = 0; i < 100; i++) {
      await storage.transact({ compare: [], operations: [{ type: 'put', key: `/k${i % 10}`, value }] });
    }
    await storage.compact(await storage.currentRevision());
    sizes.push(statSync(path).size + statSync(`${path}-wal`).size);
  }
  await storage.close();
  // 40 MB went through it; what is present takes 1 MB, the spare room 4 MB, the log 16 MB.
  expect(Math.max(...sizes)).toBeLessThan(30e6);
  expect(statSync(path).size).toBeLessThan(6e6);
});

test.each([1, 2])('a file of layout %d is brought up to date', async (layout) => {
  const path = freshPath();
  const db = new DatabaseSync(path);
  if (layout === 2) db.exec('PRAGMA auto_vacuum = INCREMENTAL');
  db.exec(`
    CREATE TABLE writes (revision INTEGER NOT NULL, key TEXT NOT NULL, value TEXT, created INTEGER NOT NULL,
      version INTEGER NOT NULL);
    CREATE INDEX writes_by_revision ON writes (revision);
    CREATE TABLE position (revision INTEGER NOT NULL, compacted INTEGER NOT NULL);
    INSERT INTO position VALUES (3, 1);
    INSERT INTO writes VALUES (3, '/a', '2', 2, 2), (3, '/b', '3', 3, 1), (3, '/b', '4', 3, 2), (2, '/a', '1', 2, 1);
    PRAGMA user_version = ${layout};
  `);
  db.close();
  const storage = await SqliteStorage.open({ path });
  expect((await storage.get('/a')).item).toMatchObject({ value: '2', modRevision: 3, version: 2 });
  expect((await storage.get('/a', 2)).item?.value).toBe('1');
  expect((await storage.get('/b')).item).toMatchObject({ value: '4', version: 2 });
  const { revision } = await storage.transact({ compare: [], operations: [{ type: 'put', key: '/a', value: '5' }] });
  expect(revision).toBe(4);
  await storage.compact(4);
  await storage.close();
  const after = new DatabaseSync(path);
  expect(after.prepare('PRAGMA user_version').get()).toEqual({ user_version: 3 });
  expect(after.prepare('PRAGMA auto_vacuum').get()).toEqual({ auto_vacuum: 2 });
  expect(after.prepare('SELECT key, value FROM writes ORDER BY id').all()).toEqual([
    { key: '/b', value: '3' },
    { key: '/b', value: '4' },
    { key: '/a', value: '5' },
  ]);
  after.close();
  await (await SqliteStorage.open({ path })).close();
});

test('a transaction of more writes than there are numbers for is refused, and the next is stored', async () => {
  const path = freshPath();
  const storage = await SqliteStorage.open({ path });
  const puts = (count: number) => ({
    compare: [],
    operations: Array.from({ length: count }, (_, i) => ({ type: 'put', key: `/${i}`, value: '' }) as const),
  });
  await expect(storage.transact(puts(4097))).rejects.toThrow('a transaction writes more than 4096 keys');
  expect((await storage.range({ prefix: '/' })).count).toBe(0);
  expect(await storage.transact(puts(4096))).toEqual({ succeeded: true, revision: 2 });
  expect(await storage.transact(puts(1))).toEqual({ succeeded: true, revision: 3 });
  await storage.close();
  const again = await SqliteStorage.open({ path });
  expect(await again.range({ prefix: '/' })).toMatchObject({ count: 4096, revision: 3 });
  await again.close();
});

test('a compaction that a crash cut off is finished when the file is opened', async () => {
  const path = freshPath();
  const storage = await SqliteStorage.open({ path });
  for (let i = 0; i < 5; i++) {
    await storage.transact({ compare: [], operations: [{ type: 'put', key: '/a', value: String(i) }] });
  }
  await storage.transact({ compare: [], operations: [{ type: 'put', key: '/b', value: '' }] });
  await storage.transact({ compare: [], operations: [{ type: 'delete', key: '/b' }] });
  const before = await storage.range({ prefix: '/' });
  await storage.close();
  // The position is written with the first piece of a compaction; none of its rows are gone yet.
  const cut = new DatabaseSync(path);
  cut.prepare('UPDATE position SET revision = ?, compacted = ?').run(before.revision, before.revision);
  cut.close();
  const second = await SqliteStorage.open({ path });
  expect(await second.range({ prefix: '/' })).toEqual(before);
  await second.close();
  const db = new DatabaseSync(path);
  expect(db.prepare('SELECT key, value FROM writes').all()).toEqual([{ key: '/a', value: '4' }]);
  db.close();
});

test('a write that meets one under way has its answer while others go on writing', async () => {
  const storage = await SqliteStorage.open({ path: freshPath() });
  const stop = new AbortController();
  const others = Array.from({ length: 4 }, async (_, writer) => {
    for (let i = 0; !stop.signal.aborted; i++) {
      await storage.transact({ compare: [], operations: [{ type: 'put', key: `/other-${writer}`, value: String(i) }] });
    }
  });
  const create = () =>
    storage.transact({
      compare: [{ key: '/wanted', modRevision: 0 }],
      operations: [{ type: 'put', key: '/wanted', value: '' }],
    });
  const results = await Promise.all([create(), create()]);
  stop.abort();
  await Promise.all(others);
  expect(results.map(({ succeeded }) => succeeded)).toEqual([true, false]);
  await storage.close();
});

test('a second process is refused while the first one holds the file', async () => {
  const path = freshPath();
  const first = await SqliteStorage.open({ path });
  await expect(SqliteStorage.open({ path })).rejects.toThrow('is in use by another process');
  await first.close();
});

test('nothing is acknowledged that would go to a file that is not there any more', async () => {
  const path = freshPath();
  const storage = await SqliteStorage.open({ path });
  const put = (key: string) => storage.transact({ compare: [], operations: [{ type: 'put', key, value: '1' }] });
  await put('/a');
  const why = `the write was not stored: ${path} was removed or replaced`;
  renameSync(path, `${path}.away`);
  await expect(put('/b')).rejects.toThrow(why);
  copyFileSync(`${path}.away`, path);
  await expect(put('/b')).rejects.toThrow(why);
  renameSync(`${path}.away`, path);
  await put('/b');
  expect((await storage.range({ prefix: '/' })).items.map(({ key }) => key)).toEqual(['/a', '/b']);
  await storage.close();
});

test('a file of another layout, or that is no database, is refused in one line', async () => {
  const other = freshPath();
  const db = new DatabaseSync(other);
  db.exec('PRAGMA user_version = 99');
  db.close();
  await expect(SqliteStorage.open({ path: other })).rejects.toThrow('another version of Portico (layout 99, not 3)');
  const noise = freshPath();
  writeFileSync(noise, 'this is not a database, and long enough to be looked at as one'.repeat(20));
  await expect(SqliteStorage.open({ path: noise })).rejects.toThrow('not a database');
});

test('no acknowledged write is lost when the process is killed', async () => {
  const path = freshPath();
  const child = fork(join(import.meta.dirname, 'testdata/write-until-killed.ts'), [path], { execArgv: [] });
  let acknowledged = 0;
  child.on('message', (n: number) => {
    acknowledged = n;
    if (n > 300) child.kill('SIGKILL');
  });
  await once(child, 'exit');
  expect(acknowledged).toBeGreaterThan(300);
  const storage = await SqliteStorage.open({ path });
  const { count } = await storage.range({ prefix: '/' });
  expect(count).toBeGreaterThanOrEqual(acknowledged);
  await storage.close();
});
