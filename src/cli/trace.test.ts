import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { register } from './trace.ts';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-trace-'));
  file = join(folder, 'cluster.yaml');
  writeFileSync(
    file,
    `
kind: Node
metadata: {name: a}
status: {addresses: [{type: InternalIP, address: 172.30.0.11}]}
---
kind: Service
metadata: {name: empty}
spec: {clusterIP: 10.96.0.5, ports: [{port: 80}]}
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
});

async function trace(...args: string[]): Promise<void> {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const command = new Command('trace').exitOverride();
  register(command);
  await command.parseAsync(args, { from: 'user' });
}

test.each([
  { to: '172.30.0.11:22', code: 0 },
  { to: '10.96.0.5:80', code: 1 },
  { to: 'empty:80', code: 1 },
])('what becomes of a packet to $to is exit code $code', async ({ to, code }) => {
  await trace('node/a', to, '-f', file);
  expect(process.exitCode ?? 0).toBe(code);
});

test.each([
  { why: 'a file that is not there', args: ['node/a', '172.30.0.11:22', '-f', '/no/such/file'] },
  { why: 'no cluster', args: ['node/a', '172.30.0.11:22', '--kubeconfig', '/no/such/file'] },
  { why: 'a destination that is none', args: ['node/a', 'web', '-f', 'FILE'] },
  { why: 'a sender that is not there', args: ['node/b', '172.30.0.11:22', '-f', 'FILE'] },
])('that it cannot be said is exit code 2, with the name of the command: $why', async ({ args }) => {
  const asked = args.map((arg) => (arg === 'FILE' ? file : arg));
  await expect(trace(...asked)).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(/^trace: \S/) });
});
