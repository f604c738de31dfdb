import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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

test('after a full disk the file is opened again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  const path = join(folder, 'audit.log');
  symlinkSync('/dev/full', path);
  const clock = new FakeClock(now);
  const failed = Promise.withResolvers<unknown>();
  const file = new LogFile({ path, maxSize: 1, maxBackup: 0, maxAge: 0, clock, onError: failed.resolve });
  file.open();
  file.write('lost');
  expect(await failed.promise).toMatchObject({ code: 'ENOSPC' });
  rmSync(path);
  clock.advance(1000);
  file.write('kept');
  await file.close();
  expect(readFileSync(path, 'utf8')).toBe('kept\n');
  rmSync(folder, { recursive: true });
});
