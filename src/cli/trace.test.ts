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

test('manifests with nodes need no EndpointSlices of what their Services select', async () => {
  const settled = join(folder, 'settled.yaml');
  writeFileSync(
    settled,
    `
kind: Node
metadata: {name: a}
spec: {podCIDRs: [10.244.0.0/24]}
status: {addresses: [{type: InternalIP, address: 172.30.0.11}]}
---
kind: Pod
metadata: {name: web-1, labels: {app: web}}
spec: {nodeName: a}
status: {podIP: 10.244.0.5, conditions: [{type: Ready, status: "True"}]}
---
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.5, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
kind: Service
metadata: {name: stale}
spec: {clusterIP: 10.96.0.6, selector: {app: web}, ports: [{port: 80}]}
---
kind: EndpointSlice
metadata: {name: stale-1, labels: {kubernetes.io/service-name: stale, endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io}}
addressType: IPv4
ports: [{port: 80}]
endpoints: []
`,
  );
  await trace('node/a', '10.96.0.5:80', '-f', settled);
  expect(process.exitCode ?? 0).toBe(0);
  expect(vi.mocked(process.stdout.write).mock.calls.flat().join('')).toContain(
    'at pod default/web-1 as 10.244.0.5:8080',
  );
  // Slices that are given say what there is, though a controller would write others.
  await trace('node/a', '10.96.0.6:80', '-f', settled);
  expect(process.exitCode).toBe(1);
});

test('manifests without nodes are a change to a cluster, which there must be', async () => {
  const change = join(folder, 'change.yaml');
  writeFileSync(change, 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n');
  const asked = trace('external', '10.96.0.5:80', '-f', change, '--kubeconfig', '/no/such/file');
  await expect(asked).rejects.toMatchObject({ exitCode: 2, message: 'trace: there is no file /no/such/file' });
  const past = trace('external', '10.96.0.5:80', '-f', change, '--at', '5');
  await expect(past).rejects.toMatchObject({ message: 'trace: --at: manifests have no history' });
});

test('where FROM stands behind --wait, which takes it for a duration, it is said where to write it', async () => {
  await expect(trace('--wait', 'node/a', '172.30.0.11:22', '-f', file)).rejects.toMatchObject({
    exitCode: 2,
    message: 'trace: --wait node/a: must be a duration, such as 90s; without one, write --wait behind FROM and TO',
  });
  await expect(trace('node/a', '172.30.0.11:22', '--wait', '5', '-f', file)).rejects.toThrow(
    'trace: --wait 5: must be',
  );
  await expect(trace('node/a', '172.30.0.11:22', '-f', file, '--wait')).rejects.toThrow('in a running cluster');
});
