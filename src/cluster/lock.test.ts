import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { FakeClock } from '../system/fake/clock.ts';
import { lockHolder, withLock } from './lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'portico-lock-'));
writeFileSync(join(folder, 'others'), '');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const purpose = 'changing this cluster';

test('who comes second is told who holds it, at once or after as long as it is patient', async () => {
  const path = join(folder, 'a', 'held.lock');
  const clock = new FakeClock();
  await withLock({ path, purpose }, async () => {
    expect(lockHolder(path)).toBe(process.pid);
    await expect(withLock({ path, purpose }, async () => {})).rejects.toThrow(
      `another portico command is changing this cluster (pid ${process.pid}); wait for it to end`,
    );
    const patient = withLock({ path, purpose, patience: { clock, ms: 0 } }, async () => {});
    await expect(patient).rejects.toThrow(`(pid ${process.pid}, for 0 s now); wait for it to end`);
  });
  expect(lockHolder(path)).toBeUndefined();
  expect(existsSync(join(folder, 'a'))).toBe(false);
});

test('a lock of a process that is gone is taken over, whatever it was', async () => {
  const gone = spawn('true');
  await once(gone, 'exit');
  for (const [name, leave] of [
    ['link', (path: string) => symlinkSync(`${gone.pid} 1`, path)],
    ['file', (path: string) => writeFileSync(path, `${gone.pid} 1`)],
    ['empty', (path: string) => writeFileSync(path, '')],
    ['reused id', (path: string) => symlinkSync(`${process.pid} 1`, path)],
  ] as const) {
    const path = join(folder, `${name}.lock`);
    leave(path);
    expect(await withLock({ path, purpose }, async () => lockHolder(path)), name).toBe(process.pid);
    expect(existsSync(path)).toBe(false);
  }
});

test('of many at once, from a lock that a dead process left, one at a time has it', async () => {
  const [path, seen] = [join(folder, 'many.lock'), join(folder, 'seen')];
  symlinkSync('4194304 1', path);
  const script = `
    const { appendFileSync } = await import('node:fs');
    const { withLock } = await import(${JSON.stringify(join(import.meta.dirname, 'lock.ts'))});
    const { realClock: clock } = await import(${JSON.stringify(join(import.meta.dirname, '../system/real/clock.ts'))});
    for (let i = 0; i < 20; i++) {
      await withLock({ path: ${JSON.stringify(path)}, purpose: 'x', patience: { clock, ms: 100_000 } }, async () => {
        appendFileSync(${JSON.stringify(seen)}, 'in ');
        await new Promise(setImmediate);
        appendFileSync(${JSON.stringify(seen)}, 'out ');
      });
    }`;
  const all = Array.from({ length: 4 }, () => spawn(process.execPath, ['--input-type=module', '-e', script]));
  const codes = await Promise.all(all.map(async (one) => (await once(one, 'exit'))[0]));
  expect(codes).toEqual([0, 0, 0, 0]);
  expect(readFileSync(seen, 'utf8')).toBe('in out '.repeat(80));
});
