// The pod network of a whole cluster with ranges of its own, over VXLAN: pods, Services and policies in both families.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClientTool } from '../fixtures/client-tools.ts';
import { eventually, testCluster } from './portico.ts';

const cluster = testCluster('e2e-podnet');
/** Unset until the cluster is up. */
let k: ClientTool;

interface PodStatus {
  readonly podIPs: readonly { readonly ip: string }[];
}

const domain = 'example.test';
const names = ['one', 'two'] as const;
const ips: { one?: readonly string[]; two?: readonly string[] } = {};

/** Whether the pod gets an answer over HTTP. */
async function reaches(from: string, host: string): Promise<boolean> {
  const url = host.includes(':') ? `http://[${host}]/` : `http://${host}/`;
  const { code } = await k.run(['exec', from, '--', 'timeout', '2', 'wget', '-q', '-O', '-', url]);
  return code === 0;
}

beforeAll(async () => {
  const { code, stderr } = await cluster.portico(
    'up',
    ...['--egress', 'off', '--nodes', '2', '--pod-network', 'vxlan'],
    ...['--cluster-domain', domain],
    ...['--cluster-cidr', '10.50.0.0/16,fd00:10:50::/56', '--service-cluster-ip-range', '10.51.0.0/16,fd00:51::/112'],
  );
  expect(code, stderr).toBe(0);
  k = new ClientTool({ program: 'kubectl', minor: '35', kubeconfig: cluster.kubeconfig, namespace: 'default' });
  for (const [i, name] of names.entries()) {
    const overrides = JSON.stringify({ spec: { nodeName: `node-${i + 1}` } });
    const flags = ['--image=portico.local/echo:1', '--port=80', `--labels=app=${name}`, `--overrides=${overrides}`];
    await k.ok('run', name, ...flags);
  }
  await k.ok('wait', '--for=condition=Ready', 'pod', '--all', '--timeout=300s');
  for (const name of names) {
    const { podIPs } = JSON.parse(await k.ok('get', 'pod', name, '-o', 'jsonpath={.status}')) as PodStatus;
    ips[name] = podIPs.map(({ ip }) => ip);
  }
});
afterAll(async () => {
  (k as ClientTool | undefined)?.remove();
  await cluster.remove();
});

test('pods have an address of each family, of the ranges asked for, and reach each other and themselves', async () => {
  for (const name of names) {
    expect(ips[name]?.[0]).toMatch(/^10\.50\./);
    expect(ips[name]?.[1]).toMatch(/^fd00:10:50:/);
  }
  for (const from of names) {
    for (const to of names) {
      for (const ip of ips[to] ?? []) {
        await eventually(`${from} -> ${ip}`, async () => (await reaches(from, ip)) || undefined);
      }
    }
  }
});

test('packets that fill the path pass, and so do larger ones in pieces', async () => {
  const ping = (size: string, ...more: string[]) =>
    k.run(['exec', 'one', '--', 'ping', '-c1', '-W5', '-s', size, ...more]);
  for (const ip of ips.two ?? []) {
    for (const size of ['1400', '4000']) {
      await eventually(`an echo of ${size} bytes from ${ip}`, async () =>
        (await ping(size, ip)).stdout.includes('1 packets received') ? true : undefined,
      );
    }
  }
  expect(await k.ok('exec', 'one', '--', 'cat', '/sys/class/net/eth0/mtu')).toBe('1450\n');
});

test('a dual-stack Service answers on both of its addresses, also to its only endpoint', async () => {
  const manifest = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'two' },
    spec: { ipFamilyPolicy: 'RequireDualStack', selector: { app: 'two' }, ports: [{ port: 80 }] },
  };
  await k.ok('apply', '-f', k.file('service.json', JSON.stringify(manifest)));
  const addresses = (await k.ok('get', 'service', 'two', '-o', 'jsonpath={.spec.clusterIPs[*]}')).split(' ');
  expect(addresses[0]).toMatch(/^10\.51\./);
  expect(addresses[1]).toMatch(/^fd00:51::/);
  for (const address of [...addresses, 'two', `two.default.svc.${domain}`]) {
    for (const from of names) {
      await eventually(`${from} -> ${address}`, async () => (await reaches(from, address)) || undefined);
    }
  }
});

test('the domain of names is what it was asked to be, for pods and for traces, and stays', async () => {
  expect(await k.ok('exec', 'one', '--', 'cat', '/etc/resolv.conf')).toContain(`svc.${domain} ${domain}`);
  const traced = await cluster.portico('trace', 'pod/one', `two.default.svc.${domain}:80`);
  expect(traced.code, traced.stdout + traced.stderr).toBe(0);
  const again = await cluster.portico('up', '--cluster-domain', 'cluster.local');
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining(`has --cluster-domain ${domain}`)]);
});

describe('a NetworkPolicy', () => {
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'two' },
    spec: {
      podSelector: { matchLabels: { app: 'two' } },
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'friend' } } }] }],
    },
  };

  test('takes effect on the node of its pods, follows labels, and goes', async () => {
    const address = ips.two?.[0] ?? '';
    const until = async (is: boolean, what: string) =>
      eventually(what, async () => ((await reaches('one', address)) === is ? true : undefined));
    await k.ok('apply', '-f', k.file('policy.json', JSON.stringify(policy)));
    await until(false, 'the policy to forbid it');
    // Probes and everything else of the node go on.
    expect(await k.ok('get', 'pod', 'two', '-o', 'jsonpath={.status.containerStatuses[0].ready}')).toBe('true');
    await k.ok('label', '--overwrite', 'pod', 'one', 'app=friend');
    await until(true, 'the label to count');
    await k.ok('label', '--overwrite', 'pod', 'one', 'app=one');
    await until(false, 'the label to count no more');
    await k.ok('delete', 'networkpolicy', 'two');
    await until(true, 'the policy to be gone');
  });
});
