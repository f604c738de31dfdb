// The control plane from outside, without nodes: stock kubectl, and the process killed in the middle of writes.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundledKubectl } from '../../src/cluster/kubectl.ts';
import { repository, startPortico, startServer, type TestServer } from '../fixtures/portico-process.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';

interface Answer {
  readonly status: number;
  readonly body: { readonly metadata: { readonly name: string; readonly resourceVersion: string } };
}

describe('kubectl without nodes', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  test('what typed clients write in protocol buffers arrives', async () => {
    const { kubectl } = server;
    // Tried again, it begins anew.
    await kubectl('delete', 'namespace', 'typed', '--ignore-not-found', '--timeout=300s');
    await kubectl('create', 'namespace', 'typed');
    await kubectl('create', 'deployment', 'web', '--image=web', '--replicas=2', '-n', 'typed');
    await kubectl('create', 'service', 'nodeport', 'web', '--tcp=80:8080', '--node-port=30123', '-n', 'typed');
    const port = await kubectl('get', 'service', 'web', '-n', 'typed', '-o', 'jsonpath={.spec.ports[0]}');
    expect(JSON.parse(port)).toEqual({ name: '80-8080', port: 80, protocol: 'TCP', targetPort: 8080, nodePort: 30123 });
    expect(await kubectl('get', 'deployment', 'web', '-n', 'typed', '-o', 'jsonpath={.spec.replicas}')).toBe('2');
    expect((await kubectl('auth', 'can-i', 'create', 'pods')).trim()).toBe('yes');
    await kubectl('delete', 'namespace', 'typed', '--timeout=300s');
  });

  test('kubectl 1.35 applies, re-applies and says what there is not', async () => {
    const program = await bundledKubectl(join(repository, 'node_modules/.cache/kubectl'));
    if (!program) return;
    const folder = mkdtempSync(join(tmpdir(), 'portico-e2e-'));
    const file = join(folder, 'cm.json');
    const run = async (...args: string[]) =>
      (await promisify(execFile)(program, ['--kubeconfig', server.kubeconfig, ...args])).stdout.trim();
    const write = (kind: string) =>
      writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind, metadata: { name: 'applied' }, data: { a: 'b' } }));
    try {
      // Tried again, it begins anew.
      await run('delete', 'configmap', 'applied', '--ignore-not-found');
      write('ConfigMap');
      expect(await run('apply', '-f', file)).toBe('configmap/applied created');
      expect(await run('apply', '-f', file)).toBe('configmap/applied unchanged');
      write('Nope');
      await expect(run('create', '-f', file)).rejects.toThrow('no matches for kind "Nope" in version "v1"');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test('what was acknowledged before a kill -9 is there after it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-e2e-'));
  const tokens = join(folder, 'tokens.csv');
  writeFileSync(tokens, 'e2e-token,tester,1,"system:masters"\n');
  const start = () =>
    startPortico(
      ['server', '--data-dir', join(folder, 'data'), '--listen', '127.0.0.1:0', '--token-auth-file', tokens],
      /ready on (https:\/\/[^ ,]+)/,
    );
  const agent = new Agent({ keepAlive: true, maxSockets: 50, rejectUnauthorized: false });
  const send = (url: string, method: string, body?: unknown) =>
    new Promise<Answer>((resolve, reject) => {
      const headers = { authorization: 'Bearer e2e-token', 'content-type': 'application/json' };
      const outgoing = request(url, { method, agent, headers }, (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => {
          text += chunk;
        });
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: JSON.parse(text) }));
        incoming.on('error', reject);
      });
      outgoing.on('error', reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });

  const first = await start();
  const acknowledged: string[] = [];
  let highest = 0;
  const writers = Array.from({ length: 50 }, async (_, writer) => {
    for (let i = 0; ; i++) {
      const name = `writer-${writer}-${i}`;
      // The connection breaks when the server is killed: that write's fate is unknown.
      const answer = await send(`${first.ready}${configMaps}`, 'POST', { metadata: { name } }).catch(() => undefined);
      if (!answer) return;
      expect(answer.status).toBe(201);
      acknowledged.push(name);
      highest = Math.max(highest, Number(answer.body.metadata.resourceVersion));
      if (acknowledged.length === 2000) first.child.kill('SIGKILL');
    }
  });
  const exited = once(first.child, 'exit');
  await Promise.all(writers);
  await exited;

  const second = await start();
  try {
    const { body } = await send(`${second.ready}${configMaps}`, 'GET');
    const { items } = body as unknown as { items: Answer['body'][] };
    const names = new Set(items.map(({ metadata }) => metadata.name));
    expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
    expect(Number(body.metadata.resourceVersion)).toBeGreaterThanOrEqual(highest);
  } finally {
    agent.destroy();
    await second.stop();
    rmSync(folder, { recursive: true });
  }
});
