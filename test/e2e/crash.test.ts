// kill -9 of the control plane: traffic goes on without it, and `up` brings it back with every acknowledged object.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createNamespacedClient } from './client.ts';
import { eventually, testCluster } from './portico.ts';

const cluster = testCluster('e2e-crash');
const manifest = new URL('../../examples/nginx.yaml', import.meta.url).pathname;

beforeAll(async () => {
  const { code, stderr } = await cluster.portico('up', '--egress', 'off');
  expect(code, stderr).toBe(0);
});
afterAll(() => cluster.remove());

interface Status {
  readonly state: string;
  readonly parts: readonly { readonly part: string; readonly node?: string; readonly pid?: number }[];
  readonly nodes: readonly { readonly addresses: readonly string[] }[];
}

async function status(): Promise<Status> {
  return JSON.parse((await cluster.portico('status', '--output', 'json')).stdout) as Status;
}

test('acknowledged objects are there again, and traffic and containers went on', async () => {
  const client = await createNamespacedClient(cluster.kubeconfig);
  await client.apply(manifest);
  const port = await eventually('a ready NodePort Service', async () => {
    const ready = await client.readyEndpoints('nginx-nodeport');
    return ready === 3 ? client.nodePort('nginx-nodeport') : undefined;
  });
  const before = await status();
  const host = before.nodes[0]?.addresses[0] ?? '';
  await eventually('an answer', async () => ((await client.ask(host, port)) ? true : undefined));

  const names: string[] = [];
  let lost: unknown;
  const writing = (async () => {
    try {
      for (let i = 0; ; i++) names.push(await client.createConfigMap(`acknowledged-${i}`));
    } catch (error) {
      lost = error;
    }
  })();
  await eventually('some writes', async () => (names.length > 20 ? true : undefined));
  process.kill(before.parts.find((p) => p.part === 'control plane')?.pid ?? 0, 'SIGKILL');
  await writing;
  expect(lost).toBeInstanceOf(Error);
  await eventually('the loss to be seen', async () => ((await status()).state === 'degraded' ? true : undefined));

  for (let i = 0; i < 50; i++) expect(await client.ask(host, port)).toMatch(/^nginx-/);

  const up = await cluster.portico('up');
  expect(up.code, up.stderr).toBe(0);
  const again = await createNamespacedClient(cluster.kubeconfig);
  const found = new Set(await again.configMaps());
  expect(names.filter((name) => !found.has(name))).toEqual([]);
  for (let i = 0; i < 50; i++) expect(await again.ask(host, port)).toMatch(/^nginx-/);
  const after = await status();
  expect(after.state).toBe('running');
  const others = (s: Status) => s.parts.filter((p) => p.part !== 'control plane');
  expect(others(after).map(({ part, node, pid }) => ({ part, node, pid }))).toEqual(
    others(before).map(({ part, node, pid }) => ({ part, node, pid })),
  );
  expect(await again.podRestarts()).toBe(0);
});

test('a killed agent and a killed containerd are started again by up; containers go on', async () => {
  const { parts } = await status();
  for (const part of ['agent', 'containerd']) {
    process.kill(parts.find((p) => p.part === part && p.node === 'node-2')?.pid ?? 0, 'SIGKILL');
  }
  await eventually('the loss to be seen', async () => ((await status()).state === 'degraded' ? true : undefined));
  const up = await cluster.portico('up');
  expect(up.code, up.stderr).toBe(0);
  const client = await createNamespacedClient(cluster.kubeconfig);
  await eventually('all of it to run', async () => ((await status()).state === 'running' ? true : undefined));
  expect(await client.podRestarts()).toBe(0);
});

test('where the authority was removed, as is advised of one that is damaged, the nodes join the one that is made', async () => {
  expect((await cluster.portico('down')).code).toBe(0);
  rmSync(join(cluster.dataDir, 'server/pki'), { recursive: true });
  const up = await cluster.portico('up', '--egress', 'off');
  expect(up.code, up.stderr).toBe(0);
  expect((await status()).state).toBe('running');
});
