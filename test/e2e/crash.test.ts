// kill -9 of the control plane: traffic goes on without it, and `up` brings it back with every acknowledged object.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import type { ClusterStatus } from '../../src/cluster/status.ts';
import { createNamespacedClient } from './client.ts';
import { eventually, testCluster } from './portico.ts';

const cluster = testCluster('e2e-crash');
const manifest = new URL('../../examples/nginx.yaml', import.meta.url).pathname;

// Each test brings it up, also where one that failed has left it dead.
beforeEach(async () => {
  const { code, stderr } = await cluster.portico('up', '--egress', 'off');
  expect(code, stderr).toBe(0);
});
afterAll(() => cluster.remove());

async function untilIs(state: ClusterStatus['state']): Promise<void> {
  await eventually(`the cluster to be ${state}`, async () =>
    (await cluster.status()).state === state ? true : undefined,
  );
}

test('acknowledged objects are there again, and traffic and containers went on', async () => {
  const client = await createNamespacedClient(cluster.kubeconfig);
  await client.apply(manifest);
  const port = await eventually('a ready NodePort Service', async () => {
    const ready = await client.readyEndpoints('nginx-nodeport');
    return ready === 3 ? client.nodePort('nginx-nodeport') : undefined;
  });
  const before = await cluster.status();
  const host = before.nodes[0]?.addresses[0] ?? '';
  await eventually('an answer', async () => ((await client.ask(host, port)) ? true : undefined));

  const names: string[] = [];
  let lost: unknown;
  const writing = (async () => {
    try {
      for (;;) names.push(await client.createConfigMap('acknowledged-'));
    } catch (error) {
      lost = error;
    }
  })();
  await eventually('some writes', async () => (names.length > 20 ? true : undefined));
  await cluster.kill('control plane');
  await writing;
  expect(lost).toBeInstanceOf(Error);
  await untilIs('degraded');

  for (let i = 0; i < 50; i++) expect(await client.ask(host, port)).toMatch(/^nginx-/);

  const up = await cluster.portico('up');
  expect(up.code, up.stderr).toBe(0);
  const again = await createNamespacedClient(cluster.kubeconfig);
  const found = new Set(await again.configMaps());
  expect(names.filter((name) => !found.has(name))).toEqual([]);
  for (let i = 0; i < 50; i++) expect(await again.ask(host, port)).toMatch(/^nginx-/);
  const after = await cluster.status();
  expect(after.state).toBe('running');
  const others = (s: ClusterStatus) => s.parts.filter((p) => p.part !== 'control plane');
  expect(others(after).map(({ part, node, pid }) => ({ part, node, pid }))).toEqual(
    others(before).map(({ part, node, pid }) => ({ part, node, pid })),
  );
  expect(await again.podRestarts()).toBe(0);
});

test('a killed agent and a killed containerd are started again by up; containers go on', async () => {
  for (const part of ['agent', 'containerd']) await cluster.kill(part, 'node-2');
  await untilIs('degraded');
  const up = await cluster.portico('up');
  expect(up.code, up.stderr).toBe(0);
  const client = await createNamespacedClient(cluster.kubeconfig);
  await untilIs('running');
  expect(await client.podRestarts()).toBe(0);
});

test('where the authority was removed, as is advised of one that is damaged, the nodes join the one that is made', async () => {
  expect((await cluster.portico('down')).code).toBe(0);
  rmSync(join(cluster.dataDir, 'server/pki'), { recursive: true });
  const up = await cluster.portico('up', '--egress', 'off');
  expect(up.code, up.stderr).toBe(0);
  expect((await cluster.status()).state).toBe('running');
});
