import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { register } from './rules.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-rules-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

function put(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** What the command prints, on standard output and on standard error. */
async function rules(...args: string[]): Promise<{ out: string; err: string }> {
  const printed = { out: '', err: '' };
  const take = (where: 'out' | 'err') => (text: string | Uint8Array) => {
    printed[where] += text;
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(take('out'));
  vi.spyOn(process.stderr, 'write').mockImplementation(take('err'));
  const command = new Command('rules').exitOverride().configureOutput({ writeErr: () => {} });
  register(command);
  await command.parseAsync(args, { from: 'user' });
  return printed;
}

const node = `
apiVersion: v1
kind: Node
metadata: {name: node-a}
spec: {podCIDRs: [10.244.7.0/24]}
status: {addresses: [{type: InternalIP, address: 172.18.0.2}]}
`;
const web = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: demo}
spec: {type: NodePort, clusterIP: 10.96.0.10, externalIPs: [192.0.2.7], ports: [{port: 80, nodePort: 30080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: demo, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [10.244.1.1], nodeName: node-a}]
`;
const onNode = (...more: string[]) => [
  '--node',
  'node-a',
  '-f',
  put('node.yaml', node),
  '-f',
  put('web.yaml', web),
  ...more,
];

describe('rules', () => {
  test.each([
    ['nftables', '10.96.0.10 . tcp . 80'],
    ['iptables', '-d 10.96.0.10 --dport 80'],
    ['ipvs', '-A -t 10.96.0.10:80'],
  ])('of %s mode', async (mode, text) => {
    const { out, err } = await rules(...onNode('--proxy-mode', mode));
    expect(out).toContain(text);
    expect(out).toContain('10.244.1.1');
    expect(err).toBe('');
    expect(await rules(...onNode('--proxy-mode', mode))).toEqual({ out, err });
  });

  test('of one family', async () => {
    expect((await rules(...onNode('--family', 'ipv6'))).out).not.toContain('10.96.0.10');
  });

  test.each([
    [['--detect-local-mode', 'NodeCIDR'], '-s 10.244.7.0/24'],
    [['--cluster-cidr', '10.244.0.0/16'], '-s 10.244.0.0/16'],
    [['--detect-local-mode', 'BridgeInterface', '--pod-bridge-interface', 'cni0'], '-i cni0'],
    [['--detect-local-mode', 'InterfaceNamePrefix', '--pod-interface-name-prefix', 'veth'], '-i veth+'],
    [['--iptables-masquerade-bit', '5'], '--or-mark 0x00000020'],
    [['--feature-gates', 'AllowServiceExternalIPs=true'], '-d 192.0.2.7'],
    [['--nodeport-addresses', 'primary'], '-d 172.18.0.2 -j KUBE-NODEPORTS'],
  ])('as the proxy with %j would have them', async (flags, text) => {
    expect((await rules(...onNode('--proxy-mode', 'iptables', ...flags))).out).toContain(text);
  });

  test('without external IPs, where their gate is closed', async () => {
    const { out } = await rules(
      ...onNode('--proxy-mode', 'iptables', '--feature-gates', 'AllowServiceExternalIPs=false'),
    );
    expect(out).toContain('10.96.0.10');
    expect(out).not.toContain('192.0.2.7');
  });

  test('as a configuration file has it', async () => {
    const config = put(
      'config.yaml',
      'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: iptables\nclusterCIDR: 10.9.0.0/16\n',
    );
    expect((await rules(...onNode('--config', config))).out).toContain('-s 10.9.0.0/16');
  });

  test("with the addresses of the node's interfaces, each takes node ports in mode ipvs", async () => {
    const ipvs = (...flags: string[]) => rules(...onNode('--proxy-mode', 'ipvs', '--family', 'ipv4', ...flags));
    const servers = ({ out }: { out: string }) =>
      [...out.matchAll(/^-A -t (\S+):30080 /gm)].map(([, address]) => address);
    expect(servers(await ipvs())).toEqual(['172.18.0.2']);
    expect(servers(await ipvs('--node-addresses', '192.0.2.20,192.0.2.21,fd00::20'))).toEqual([
      '192.0.2.20',
      '192.0.2.21',
    ]);
  });

  test('of a Service without a cluster IP are none, which is told', async () => {
    const { out, err } = await rules(
      ...onNode('-f', put('new.yaml', web.replace('clusterIP: 10.96.0.10, ', '').replace('web,', 'new,'))),
    );
    expect(err).toContain('Service demo/new has no cluster IP yet');
    expect(out).toContain('10.96.0.10');
  });
});

describe('what is refused', () => {
  test.each([
    [['--family', 'ipv5'], '"ipv5" is neither ipv4 nor ipv6'],
    [['--proxy-mode', 'userspace'], 'KubeProxyConfiguration.Mode.ProxyMode: Invalid value: "userspace"'],
    [['--cluster-cidr', 'x'], 'must be a valid CIDR block'],
    [['--node-addresses', '172.18.0.2,x'], 'rules: --node-addresses: "x" is no IP address'],
    [['--node', 'node-x'], 'no Node named "node-x" among the objects: there are node-a'],
    [['-f', '/no/such/file.yaml'], '/no/such/file.yaml: no such file'],
  ])('%j', async (flags, message) => {
    await expect(rules(...onNode(...flags))).rejects.toThrow(message);
  });

  test('an object, by its place in its file', async () => {
    const wrong = put('wrong.yaml', web.replace('10.244.1.1', '10.244.1.1;drop'));
    await expect(rules('--node', 'node-a', '-f', wrong)).rejects.toThrow(
      `${wrong}:7: EndpointSlice "web-1" is invalid: endpoints[0].addresses[0]: Invalid value: "10.244.1.1;drop"`,
    );
  });
});
