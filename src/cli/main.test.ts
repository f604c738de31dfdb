// What a command prints arrives whole, or the program says that it did not; and its help.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { realExec } from '../system/real/exec.ts';

const main = join(import.meta.dirname, 'main.ts');
let folder: string;
let rules: string[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-main-'));
  const service = (i: number) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `service-${i}`, namespace: 'default' },
    spec: { clusterIP: `10.96.${i >> 8}.${i & 255}`, ports: [{ port: 80 }] },
  });
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } };
  const items = [node, ...Array.from({ length: 2000 }, (_, i) => service(i + 1))];
  const file = join(folder, 'list.json');
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  rules = [process.execPath, main, 'rules', '--node', 'node-1', '--family', 'ipv4', '-f', file];
});
afterAll(() => rmSync(folder, { recursive: true }));

test('more than a pipe holds at once', async () => {
  // The reader does something else before it reads on.
  const reader = '{ head -c 1; "$1" --version >&2; cat; }';
  const { stdout } = await realExec.run(['sh', '-c', `"$@" | ${reader}`, 'sh', ...rules]);
  expect(stdout.length).toBeGreaterThan(100_000);
  expect(stdout).toMatch(/\n\}\n$/);
});

test('who stops reading is no failure', async () => {
  const { stdout } = await realExec.run([
    'sh',
    '-c',
    '{ { "$@"; echo "ended with $?" >&3; } | head -c 1 >&2; } 3>&1',
    'sh',
    ...rules,
  ]);
  expect(stdout).toBe('ended with 0\n');
});

test('a full disk is one', async () => {
  const { code, stderr } = await realExec.run(['sh', '-c', '"$@" >/dev/full', 'sh', ...rules]);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^portico: the output cannot be written: ENOSPC.*\n$/),
  });
});

test('help tells of no default that is empty', async () => {
  const { code, stdout } = await realExec.run([process.execPath, main, 'agent', '--help']);
  expect(code).toBe(0);
  expect(stdout).toContain('--eviction-soft <thresholds>');
  expect(stdout).toContain('(default: "85")');
  expect(stdout).not.toMatch(/\(default: (\[\]|"")\)/);
});

test('help of a command that there is not says so', async () => {
  const { code, stderr } = await realExec.run([process.execPath, main, 'help', 'statsu']);
  expect({ code, stderr }).toEqual({ code: 2, stderr: "portico: unknown command 'statsu'\n(Did you mean status?)\n" });
});

test('the version is told to who asks for it as an option', async () => {
  const [asOption, asCommand] = await Promise.all(
    ['--version', 'version'].map((one) => realExec.run([process.execPath, main, one, '--output', 'json'])),
  );
  expect(asOption!.code).toBe(0);
  expect(asOption!.stdout).toBe(asCommand!.stdout);
  expect(JSON.parse(asOption!.stdout)).toMatchObject({ portico: expect.any(String) });
});
