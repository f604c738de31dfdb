// docs/dns.md, `portico dns` alone: its commands, word for word, in a network namespace that has the page's addresses.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { eventually, launcher } from '../e2e/portico.ts';
import { isShown, snippetsOf } from '../fixtures/page-snippets.ts';
import { startServer, type TestServer } from '../fixtures/portico-process.ts';
import { TestNamespace } from './netns.ts';

const folder = mkdtempSync(join(tmpdir(), 'portico-dns-page-'));
const namespace = new TestNamespace('dnspage');
const running: ChildProcess[] = [];
let server: TestServer;

beforeAll(async () => {
  for (const address of ['192.0.2.53', '192.0.2.54', '10.0.0.10']) namespace.run(`ip address add ${address}/32 dev lo`);
  const upstreams = namespace.start([
    process.execPath,
    join(import.meta.dirname, 'dns-upstream.ts'),
    ...['192.0.2.53', '192.0.2.54', '10.0.0.10'],
  ]);
  if (upstreams.stdout) await once(upstreams.stdout, 'data');
  server = await startServer(['--controllers', 'namespace-controller'], { through: namespace.inside([]) });
  const web = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { clusterIP: '10.96.0.80', ports: [{ port: 80 }] },
  };
  writeFileSync(join(folder, 'web.json'), JSON.stringify(web));
  await server.kubectl('create', '-f', join(folder, 'web.json'));
  symlinkSync(launcher, join(folder, 'portico'));
  symlinkSync(server.kubeconfig, join(folder, 'admin.conf'));
});

/** What a try has started is gone before the next one types the page's commands. */
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  }
});

afterAll(async () => {
  await server?.stop();
  namespace.close();
  rmSync(folder, { recursive: true });
});

/** Types a command; what it and all commands before it print from now on is what the page shows, sooner or later. */
async function type(command: string, output: readonly string[]): Promise<void> {
  let printed = '';
  const collect = (chunk: Buffer) => {
    printed += chunk.toString();
  };
  const [program = '', ...args] = namespace.inside(['bash', '-c', `exec 2>&1; ${command}`]);
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  running.push(child);
  const ended = once(child, 'exit');
  for (const { stdout } of running) stdout?.on('data', collect);
  try {
    if (output.length === 0) await ended;
    await eventually(`“${command}” to print what the page shows`, async () => isShown(printed, output) || undefined);
  } catch (error) {
    throw new Error(`${command} printed:\n${printed}`, { cause: error });
  } finally {
    for (const { stdout } of running) stdout?.off('data', collect);
  }
}

test('what the page shows of a server alone is what it does', async () => {
  const snippets = snippetsOf('dns.md').filter(({ section }) => section === 'Alone');
  expect(snippets.length).toBeGreaterThan(5);
  for (const { command, output } of snippets) await type(command, output);
});
