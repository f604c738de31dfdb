import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type LogOptions, readLog } from './log-reader.ts';

const folder = mkdtempSync(join(tmpdir(), 'portico-log-'));
afterAll(() => rmSync(folder, { recursive: true }));

const text = [
  '2026-01-01T00:00:01.5Z stdout F one',
  '2026-01-01T00:00:02Z stderr F two',
  '2026-01-01T00:00:03Z stdout P thr',
  '2026-01-01T00:00:03Z stdout F ee',
  '',
].join('\n');

function file(name: string, content = text): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function read(path: string, options: Partial<LogOptions> = {}): Promise<string> {
  const chunks: Buffer[] = [];
  const source = { path, isRunning: async () => false, signal: new AbortController().signal };
  for await (const chunk of readLog(source, { follow: false, timestamps: false, ...options })) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test.each([
  [{}, 'one\ntwo\nthree\n'],
  [
    { timestamps: true },
    '2026-01-01T00:00:01.5Z one\n2026-01-01T00:00:02Z two\n2026-01-01T00:00:03Z thr2026-01-01T00:00:03Z ee\n',
  ],
  [{ tailLines: 3 }, 'two\nthree\n'],
  [{ tailLines: 0 }, ''],
  [{ tailLines: 100 }, 'one\ntwo\nthree\n'],
  [{ since: Date.parse('2026-01-01T00:00:02Z') }, 'two\nthree\n'],
  [{ stream: 'stderr' as const }, 'two\n'],
  [{ limitBytes: 6 }, 'one\ntw'],
])('%j', async (options, expected) => {
  expect(await read(file('a.log'), options)).toBe(expected);
});

test('a log that is not there is empty', async () => {
  expect(await read(join(folder, 'none.log'))).toBe('');
});

test('following shows what is written until the container ends', async () => {
  const path = file('follow.log', '2026-01-01T00:00:01Z stdout F one\n');
  let running = true;
  const source = { path, isRunning: async () => running, signal: new AbortController().signal };
  const shown: string[] = [];
  for await (const line of readLog(source, { follow: true, timestamps: false })) {
    shown.push(line.toString());
    if (shown.length === 1) appendFileSync(path, '2026-01-01T00:00:02Z stdout F two\n');
    if (shown.length === 2) {
      running = false;
      appendFileSync(path, '2026-01-01T00:00:03Z stdout F three\n');
    }
  }
  expect(shown).toEqual(['one\n', 'two\n', 'three\n']);
});

test('following goes on in the file that rotation puts in its place', async () => {
  const path = file('rotated.log', '2026-01-01T00:00:01Z stdout F one\n');
  const over = new AbortController();
  const source = { path, isRunning: async () => true, signal: over.signal };
  const shown: string[] = [];
  for await (const line of readLog(source, { follow: true, timestamps: false })) {
    shown.push(line.toString());
    if (shown.length === 1) {
      renameSync(path, `${path}.old`);
      appendFileSync(`${path}.old`, '2026-01-01T00:00:02Z stdout F two\n');
      writeFileSync(path, '2026-01-01T00:00:03Z stdout F three\n');
    }
    if (shown.length === 3) over.abort();
  }
  expect(shown).toEqual(['one\n', 'two\n', 'three\n']);
});
