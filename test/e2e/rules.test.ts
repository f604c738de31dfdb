// `portico rules` of a cluster, from its API and from what stock kubectl says of it: the same rules.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterPaths, dataVersion } from '../../src/cluster/layout.ts';
import { repository, startServer, type TestServer } from '../fixtures/portico-process.ts';
import { eventually } from './portico.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer(['--hollow-nodes', '2']);
  await server.kubectl('create', 'deployment', 'web', '--image=web', '--replicas=3', '--port=80');
  await server.kubectl('expose', 'deployment', 'web', '--type=NodePort', '--port=80');
  await server.kubectl('wait', 'deployment/web', '--for=condition=Available', '--timeout=300s');
  const addresses = 'jsonpath={.items[*].endpoints[*].addresses[0]} {.items[*].subsets[*].addresses[*].ip}';
  await eventually('the endpoints', async () => {
    const all = await server.kubectl('get', 'endpointslices,endpoints', '-l', 'app=web', '-o', addresses);
    return all.split(' ').filter(Boolean).length === 6 ? true : undefined;
  });
});
afterAll(() => server?.stop());

function rules(args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(join(repository, 'portico'), ['rules', ...args], {
    input,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`portico rules ended with ${status}: ${stderr}`);
  return stdout;
}

const dumped = (format: string) =>
  server.kubectl('get', 'nodes,services,endpointslices', '--all-namespaces', '-o', format);

describe.each(['nftables', 'iptables', 'ipvs'])('%s', (mode) => {
  test('rules of a node', async () => {
    const flags = ['--node', 'hollow-1', '--proxy-mode', mode, '--cluster-cidr', '100.64.0.0/10'];
    // A cluster that starts still changes: what was asked for has to lie between two dumps that agree.
    const { asked, before } = await eventually('a quiet moment', async () => {
      const before = rules([...flags, '-f', '-'], await dumped('yaml'));
      const asked = rules([...flags, '--kubeconfig', server.kubeconfig]);
      const after = rules([...flags, '-f', '-'], await dumped('json'));
      return before === after ? { asked, before } : undefined;
    });
    expect(asked).toBe(before);
    const addresses = await server.kubectl('get', 'endpoints', 'web', '-o', 'jsonpath={.subsets[0].addresses[*].ip}');
    expect(addresses).not.toBe('');
    for (const address of addresses.split(' ')) expect(asked).toContain(address);
  });
});

test('of a cluster of this machine, rules are those of the mode that it runs in', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'portico-rules-mode-'));
  const paths = clusterPaths('rules-mode', dataDir);
  try {
    writeFileSync(join(dataDir, 'version'), `${dataVersion}\n`);
    writeFileSync(paths.record, JSON.stringify({ name: 'rules-mode', dataDir, proxyMode: 'iptables' }));
    copyFileSync(server.kubeconfig, paths.kubeconfig);
    const own = ['--node', 'hollow-1', '--name', 'rules-mode', '--data-dir', dataDir];
    expect(rules(own)).toContain('-A KUBE-SERVICES');
    expect(rules([...own, '--proxy-mode', 'nftables'])).toContain('table ip portico-proxy');
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});
