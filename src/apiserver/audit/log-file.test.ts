import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  read,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import { LogFile, staleParts } from './log-file.ts';

const now = Date.parse('2026-01-10T00:00:00Z');
const parts = ['audit-2026-01-09T00-00-00.000.log', 'audit-2026-01-01T00-00-00.000.log', 'audit.log', 'audit-x.log'];

test('old parts go by count and by age; other files stay', () => {
  const path = '/var/log/audit.log';
  expect(staleParts(parts, { path, maxBackup: 1, maxAge: 0, now })).toEqual([parts[1]]);
  expect(staleParts(parts, { path, maxBackup: 0, maxAge: 5, now })).toEqual([parts[1]]);
  expect(staleParts(parts, { path, maxBackup: 0, maxAge: 0, now })).toEqual([]);
});

test('a file that is full is put aside, and nothing is lost between the two', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  const clock = new FakeClock(now);
  const onError = (error: unknown) => {
    throw error;
  };
  const file = new LogFile({ path: join(folder, 'audit.log'), maxSize: 1, maxBackup: 2, maxAge: 0, clock, onError });
  file.open();
  const line = 'x'.repeat(400 * 1024);
  for (let i = 0; i < 5; i++) {
    clock.advance(1000);
    file.write(`${i}${line}`);
  }
  await file.close();
  const names = readdirSync(folder).sort();
  expect(names).toEqual(['audit-2026-01-10T00-00-03.000.log', 'audit-2026-01-10T00-00-05.000.log', 'audit.log']);
  const all = names.map((name) => readFileSync(join(folder, name), 'utf8')).join('');
  expect(all.match(/^\d/gm)?.sort().join('')).toBe('01234');
  rmSync(folder, { recursive: true });
});

test('lines go on where the file cannot be cut; a closed file takes none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  const logs = join(folder, 'logs');
  const clock = new FakeClock(now);
  const errors: unknown[] = [];
  const path = join(logs, 'audit.log');
  const file = new LogFile({ path, maxSize: 1, maxBackup: 0, maxAge: 0, clock, onError: (e) => errors.push(e) });
  file.open();
  file.write('x'.repeat(1024 * 1024));
  renameSync(logs, join(folder, 'moved'));
  file.write('kept');
  expect(errors).toHaveLength(1);
  await file.close();
  expect(readFileSync(join(folder, 'moved', 'audit.log'), 'utf8')).toContain('kept');
  file.write('late');
  expect(errors).toHaveLength(1);
  rmSync(folder, { recursive: true });
});

test('who is told of waits while the disk is behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  const path = join(folder, 'audit.log');
  execFileSync('mkfifo', [path]);
  // Nobody reads yet, and the pipe holds less than a line.
  const reader = openSync(path, 'r+');
  const clock = new FakeClock(now);
  const file = new LogFile({ path, maxSize: 0, maxBackup: 0, maxAge: 0, clock, onError: () => {} });
  file.open();
  expect(file.write('x')).toBeUndefined();
  const line = 'x'.repeat(1024 * 1024);
  let isWritten = false;
  const waiting = file.write(line)!.then(() => {
    isWritten = true;
  });
  // The first of both, and of the long line its beginning: that it is being written.
  for (let left = 3; left > 0; ) left -= (await promisify(read)(reader, Buffer.alloc(3), 0, left, null)).bytesRead;
  expect(isWritten).toBe(false);
  for (let left = line.length; left > 0; ) left -= readSync(reader, Buffer.alloc(65_536));
  await waiting;
  expect(file.write('x')).toBeUndefined();
  await file.close();
  closeSync(reader);
  rmSync(folder, { recursive: true });
});

test('after a full disk the file is opened again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  const path = join(folder, 'audit.log');
  symlinkSync('/dev/full', path);
  const clock = new FakeClock(now);
  const failed = Promise.withResolvers<unknown>();
  const lost: number[] = [];
  const onError = (error: unknown, lines: number) => {
    lost.push(lines);
    failed.resolve(error);
  };
  const file = new LogFile({ path, maxSize: 1, maxBackup: 0, maxAge: 0, clock, onError });
  file.open();
  for (const line of ['lost', 'lost', 'lost']) file.write(line);
  expect(await failed.promise).toMatchObject({ code: 'ENOSPC' });
  clock.advance(1000);
  file.write('lost: the disk is still full');
  await vi.waitFor(() => expect(lost).toHaveLength(2));
  file.write('not even tried');
  rmSync(path);
  clock.advance(1000);
  file.write('kept');
  await file.close();
  expect(readFileSync(path, 'utf8')).toBe('kept\n');
  expect(lost).toEqual([3, 1, 1]);
  rmSync(folder, { recursive: true });
});
