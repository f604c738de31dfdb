// Names as the pods of a cluster see them: what kubelet writes into their files, and what their node's DNS answers.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Service } from '../../src/api/core/v1/types.generated.ts';
import { readKubeconfig, transportOf } from '../../src/client/kubeconfig.ts';
import { services } from '../../src/client/resources.ts';
import { createClient } from '../../src/client/rest-client.ts';
import { answersOf, askServer } from '../../src/dns/fake/ask.ts';
import { type Say, startUpstream, type UpstreamServer } from '../../src/dns/fake/upstream-server.ts';
import { RCODE, TYPE } from '../../src/dns/wire/message.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realFiles } from '../../src/system/real/files.ts';
import { ClientTool } from '../fixtures/client-tools.ts';
import { isShown, snippetsOf } from '../fixtures/page-snippets.ts';
import { shared } from '../fixtures/portico-process.ts';
import { eventually, testCluster } from './portico.ts';

const run = promisify(execFile);
const cluster = testCluster('e2e-dns');
const lab = join(shared, 'dns-lab');
/** An address of the test's own on the machine (TEST-NET-3, RFC 5737), where its name servers listen. */
const upstreamAddress = '203.0.113.53';
const dnsAddress = '10.96.0.10';
let admin: ClientTool;
const tools: ClientTool[] = [];
const upstreams: UpstreamServer[] = [];

const upstreamOf =
  (known: Readonly<Record<string, string>>): Say =>
  ({ question: { name, type } }) => {
    const address = known[name.toLowerCase()];
    if (address === undefined) return { rcode: RCODE.NXDOMAIN };
    return { answers: type === TYPE.A ? [{ name, ttl: 60, data: { type: 'A', address } }] : [] };
  };

const ofPod = (name: string, spec: object, labels: object = {}, namespace = 'here') => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels },
  spec: {
    terminationGracePeriodSeconds: 0,
    nodeSelector: { 'kubernetes.io/hostname': 'node-1' },
    containers: [{ name: 'main', image: 'portico.local/echo:1' }],
    ...spec,
  },
});
const ofService = (name: string, spec: object, namespace = 'here') => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec,
});
const ports = [{ name: 'http', port: 80 }];
const namespaces = ['here', 'there'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
const objects = [
  ofService('web', { selector: { app: 'web' }, ports }),
  ofService('other', { selector: { app: 'none' }, ports }, 'there'),
  ofService('db', { clusterIP: 'None', selector: { app: 'db' }, ports }),
  ofService('outside', { type: 'ExternalName', externalName: 'www.example.com' }),
  ofService('alias', { type: 'ExternalName', externalName: 'web.here.svc.cluster.local' }),
  ofPod('web-1', {}, { app: 'web' }),
  ofPod('db-0', { hostname: 'db-0', subdomain: 'db' }, { app: 'db' }),
  ofPod('db-1', { hostname: 'db-1', subdomain: 'db' }, { app: 'db' }),
  ofPod('client', {
    hostAliases: [{ ip: '192.0.2.9', hostnames: ['alias.example', 'second.example'] }],
    dnsConfig: { searches: ['corp.example'], options: [{ name: 'timeout', value: '2' }, { name: 'edns0' }] },
  }),
  ofPod('with-host-net', {
    hostNetwork: true,
    dnsPolicy: 'ClusterFirstWithHostNet',
    containers: [{ name: 'main', image: 'portico.local/echo:1', command: ['sleep', '3600'] }],
  }),
  ofPod('default', { dnsPolicy: 'Default' }),
  ofPod('plain', {}, {}, 'default'),
  ofPod('none', {
    dnsPolicy: 'None',
    dnsConfig: { nameservers: ['192.0.2.53'], searches: ['own.example'], options: [{ name: 'ndots', value: '2' }] },
  }),
];

beforeAll(async () => {
  await run('ip', ['address', 'replace', `${upstreamAddress}/32`, 'dev', 'lo']);
  const known = { 'www.example.com.': '198.51.100.7', 'www.corp.example.': '198.51.100.8' };
  const inside = { 'build.example.internal.': '198.51.100.9' };
  for (const names of [known, inside]) {
    upstreams.push(await startUpstream({ say: upstreamOf(names), address: upstreamAddress }));
  }
  const [plain, stub] = upstreams.map(({ port }) => `${upstreamAddress}:${port}`);
  const dns = ['--dns-upstream', `${plain}`, '--dns-stub', `example.internal=${stub}`];
  const { code, stderr } = await cluster.portico('up', '--egress', 'off', '--nodes', '2', ...dns);
  expect(code, stderr).toBe(0);
  admin = kubectl('here');
  await applyObjects();
  await admin.ok('wait', '--for=condition=Ready', 'pod', '--all', '--timeout=300s');
  await kubectl('default').ok('wait', '--for=condition=Ready', 'pod/plain', '--timeout=300s');
  // The node hears of ready pods after the API server.
  await eventually('the names of the pods', async () => {
    const found = await dig('db.here.svc.cluster.local');
    return found.length === 2 ? true : undefined;
  });
  await eventually('the pod behind its Service', async () => {
    const { code } = await admin.run(['exec', 'client', '--', 'timeout', '5', 'wget', '-qO-', 'http://web']);
    return code === 0 ? true : undefined;
  });
});

async function applyObjects(): Promise<void> {
  const apply = async (tool: ClientTool, items: readonly object[]) => {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    expect(await tool.run(['apply', '-f', '-'], { input })).toMatchObject({ code: 0 });
  };
  await apply(admin, namespaces);
  for (const namespace of ['here', 'there', 'default']) {
    const tool = kubectl(namespace);
    // No pod is made before its account.
    await tool.ok('wait', '--for=create', 'serviceaccount/default', '--timeout=300s');
    const items = objects.filter(({ metadata }) => metadata.namespace === namespace);
    await apply(tool, items);
  }
}

afterAll(async () => {
  for (const tool of tools) tool.remove();
  await cluster.remove();
  for (const upstream of upstreams) await upstream.close();
  await run('ip', ['address', 'del', `${upstreamAddress}/32`, 'dev', 'lo']);
});

function kubectl(namespace: string): ClientTool {
  const tool = new ClientTool({ program: 'kubectl', minor: '35', kubeconfig: cluster.kubeconfig, namespace });
  tools.push(tool);
  return tool;
}

const file = (pod: string, path: string): Promise<string> => admin.ok('exec', pod, '--', 'cat', path);
const field = (kind: string, name: string, path: string, namespace = 'here'): Promise<string> =>
  admin.ok('get', kind, name, `--namespace=${namespace}`, '-o', `jsonpath={${path}}`);

/** The address that the pod's own resolver finds, through its search path, and what ping says when there is none. */
async function resolved(name: string, pod = 'client'): Promise<string> {
  const { stdout, stderr } = await admin.run(['exec', pod, '--', 'ping', '-c', '1', '-W', '1', name]);
  return /^PING \S+ \(([^)]+)\)/m.exec(stdout)?.[1] ?? stderr.trim();
}

/** Runs a program of the machine in the pod's network. */
async function inPod(pod: string, command: readonly string[], namespace = 'here'): Promise<string> {
  return (await run('nsenter', [await networkOf(pod, namespace), ...command])).stdout;
}

/** The pod's network, as a flag of nsenter. */
async function networkOf(pod: string, namespace = 'here'): Promise<string> {
  const uid = await field('pod', pod, '.metadata.uid', namespace);
  const pid = readdirSync('/proc').find((entry) => /^\d+$/.test(entry) && cgroupOf(entry).includes(uid));
  return `--net=/proc/${pid}/ns/net`;
}

function cgroupOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  } catch {
    return ''; // it ended
  }
}

const dig = async (...question: string[]): Promise<string[]> => {
  const output = await inPod('client', ['dig', `@${dnsAddress}`, '+short', '+tries=1', '+time=60', ...question]);
  return output.split('\n').filter((line) => line !== '');
};

/** Queries of pods that the DNS of a node has answered. */
async function answeredBy(node: string): Promise<number> {
  const address = await field('node', node, '.status.addresses[0].address');
  const text = await (await fetch(`http://${address}:9153/metrics`)).text();
  const samples = text.split('\n').filter((line) => line.startsWith('coredns_dns_requests_total{'));
  return samples.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

describe('files', () => {
  test('resolv.conf by dnsPolicy and dnsConfig', async () => {
    const node = parse(readFileSync('/etc/resolv.conf', 'utf8'));
    const ofCluster = ['here.svc.cluster.local', 'svc.cluster.local', 'cluster.local'];
    const client = parse(await file('client', '/etc/resolv.conf'));
    expect(client.servers).toEqual([dnsAddress]);
    expect(client.searches).toEqual([...ofCluster, ...node.searches, 'corp.example']);
    expect(client.options.sort()).toEqual(['edns0', 'ndots:5', 'timeout:2']);
    const hostNet = parse(await file('with-host-net', '/etc/resolv.conf'));
    expect(hostNet).toMatchObject({ servers: [dnsAddress], searches: [...ofCluster, ...node.searches] });
    expect(parse(await file('default', '/etc/resolv.conf'))).toEqual(node);
    const none = parse(await file('none', '/etc/resolv.conf'));
    expect(none).toEqual({ servers: ['192.0.2.53'], searches: ['own.example'], options: ['ndots:2'] });
  });

  test('/etc/hosts has the pod’s own names and its aliases', async () => {
    const hosts = await file('client', '/etc/hosts');
    const ip = await field('pod', 'client', '.status.podIP');
    expect(hosts).toContain(`${ip}\tclient\n`);
    expect(hosts).toContain('192.0.2.9\talias.example\tsecond.example\n');
    expect(await resolved('second.example')).toBe('192.0.2.9');
    const member = await file('db-0', '/etc/hosts');
    expect(member).toContain(`${await field('pod', 'db-0', '.status.podIP')}\tdb-0.db.here.svc.cluster.local\tdb-0\n`);
    expect((await admin.ok('exec', 'db-0', '--', 'hostname')).trim()).toBe('db-0');
  });
});

function parse(text: string) {
  const valuesOf = (keyword: string) =>
    text
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([word]) => word === keyword)
      .map(([, ...values]) => values);
  return {
    servers: valuesOf('nameserver').flat(),
    searches: valuesOf('search').at(-1) ?? [],
    options: valuesOf('options').at(-1) ?? [],
  };
}

describe('names', () => {
  test('of Services: short, of other namespaces, whole', async () => {
    const web = await field('service', 'web', '.spec.clusterIP');
    const other = await field('service', 'other', '.spec.clusterIP', 'there');
    for (const name of [
      'web',
      'web.here',
      'web.here.svc',
      'web.here.svc.cluster.local',
      'web.here.svc.cluster.local.',
    ]) {
      expect(await resolved(name), name).toBe(web);
    }
    expect(await resolved('other.there')).toBe(other);
    expect(await resolved('other.there', 'with-host-net')).toBe(other);
    expect(await resolved('other')).toMatch(/bad address/);
    expect(await admin.ok('exec', 'client', '--', 'wget', '-qO-', 'http://web')).toContain('web-1');
    for (const transport of ['+notcp', '+tcp']) {
      expect(await dig(transport, 'web.here.svc.cluster.local')).toEqual([web]);
      expect(await dig(transport, '-x', web)).toEqual(['web.here.svc.cluster.local.']);
    }
  });

  test('of headless Services and their pods', async () => {
    const [first, second] = [await field('pod', 'db-0', '.status.podIP'), await field('pod', 'db-1', '.status.podIP')];
    expect([first, second]).toContain(await resolved('db'));
    expect(await resolved('db-0.db')).toBe(first);
    expect(await resolved('db-1.db.here')).toBe(second);
    for (const transport of ['+notcp', '+tcp']) {
      expect((await dig(transport, 'db.here.svc.cluster.local')).sort()).toEqual([first, second].sort());
      expect(await dig(transport, '-x', first)).toEqual(['db-0.db.here.svc.cluster.local.']);
      expect((await dig(transport, '_http._tcp.db.here.svc.cluster.local', 'SRV')).sort()).toEqual([
        '0 50 80 db-0.db.here.svc.cluster.local.',
        '0 50 80 db-1.db.here.svc.cluster.local.',
      ]);
    }
    const asked = await admin.ok(
      'exec',
      'client',
      '--',
      'nslookup',
      '-type=srv',
      '_http._tcp.web.here.svc.cluster.local',
    );
    expect(asked).toContain('service = 0 100 80 web.here.svc.cluster.local');
    const dashed = first.replaceAll('.', '-');
    expect(await resolved(`${dashed}.here.pod.cluster.local`)).toBe(first);
  });

  test('of other places: ExternalName, external names, stub domains', async () => {
    expect(await resolved('outside')).toBe('198.51.100.7');
    expect(await resolved('alias')).toBe(await field('service', 'web', '.spec.clusterIP'));
    expect(await resolved('www.example.com')).toBe('198.51.100.7');
    expect(await resolved('www')).toBe('198.51.100.8'); // through the search domain of its dnsConfig
    expect(await resolved('build.example.internal')).toBe('198.51.100.9');
    expect(await resolved('absent.example.com')).toMatch(/bad address/);
    for (const transport of ['+notcp', '+tcp']) {
      expect(await dig(transport, 'outside.here.svc.cluster.local')).toEqual(['www.example.com.', '198.51.100.7']);
      expect(await dig(transport, 'www.example.com')).toEqual(['198.51.100.7']);
    }
    expect(
      upstreams[1]?.asked.every(({ question }) => /example\.internal\.$|portico\.invalid\.$/i.test(question.name)),
    ).toBe(true);
  });
});

test('look-ups stay on the node, and a search costs one of each type', async () => {
  const before = [await answeredBy('node-1'), await answeredBy('node-2')];
  for (let i = 0; i < 20; i++) await dig('web.here.svc.cluster.local');
  const after = [await answeredBy('node-1'), await answeredBy('node-2')];
  expect(after).toEqual([before[0]! + 20, before[1]]);
  // A resolver that has waited two seconds on a busy machine asks again.
  await eventually('a look-up of two queries', async () => {
    const asked = await answeredBy('node-1');
    expect(await resolved('www.example.com')).toBe('198.51.100.7');
    return (await answeredBy('node-1')) - asked <= 2 ? true : undefined;
  });
  // Without its own node's endpoint a Service of this policy has none: no packet goes to another node.
  expect(await field('service', 'kube-dns', '.spec.internalTrafficPolicy', 'kube-system')).toBe('Local');
});

test('a new Service resolves on every node', async () => {
  const nodes = await Promise.all(
    ['node-1', 'node-2'].map((node) => field('node', node, '.status.addresses[0].address')),
  );
  const access = await readKubeconfig(cluster.kubeconfig, { files: realFiles });
  const api = createClient(transportOf(access, { clock: realClock, files: realFiles }));
  for (let i = 0; i < 20; i++) {
    const made = { metadata: { name: '', generateName: 'new-', namespace: 'here' }, spec: { ports: [{ port: 80 }] } };
    const { metadata, spec } = await api.resource<Service>(services).create(made);
    const known = nodes.map((address) =>
      eventually(`${address} to know ${metadata.name}`, async () => {
        const reply = await askServer(`${metadata.name}.here.svc.cluster.local.`, { address, port: 53 });
        return answersOf(reply)[0] === spec.clusterIP ? true : undefined;
      }),
    );
    await Promise.all(known);
  }
});

test('what docs/dns.md shows of a cluster is what it does', async () => {
  const node = await field('node', 'node-1', '.status.addresses[0].address');
  const searches = parse(readFileSync('/etc/resolv.conf', 'utf8'))
    .searches.map((domain) => ` ${domain}`)
    .join('');
  const printedBy = async (command: string): Promise<string> => {
    const words = command.split(' ');
    if (words[0] === 'dig') return inPod('plain', words, 'default');
    if (words[0] === 'sudo') return (await cluster.portico('kubectl', ...words.slice(3))).stdout.replace(searches, '');
    return (await run('bash', ['-c', command.replace('172.30.0.11', node)])).stdout;
  };
  const snippets = snippetsOf('dns.md').filter(({ section }) => section !== 'Alone');
  expect(snippets).toHaveLength(4);
  for (const { command, output } of snippets) {
    const printed = await printedBy(command);
    expect(isShown(printed, output), `${command} prints\n${printed}`).toBe(true);
  }
});

test.skipIf(!existsSync(join(lab, 'check')))(
  'dns-lab in the cluster (skipped where ../shared/dns-lab is absent)',
  async () => {
    for (const objects of ['objects.yaml', 'objects-dual-stack.yaml'])
      await kubectl('dns-lab').ok('apply', '-f', join(lab, objects));
    const outcome = await eventually('all replies to be CoreDNS’s', async () => {
      const stdout = await inPod('client', [join(lab, 'check'), '--dns', `${dnsAddress}:53`]).catch(
        (error) => error.stdout,
      );
      return /^51 of 51/m.test(stdout) ? stdout : undefined;
    });
    expect(outcome).toMatch(/^51 of 51 replies agree/m);
  },
);

test('while the control plane is away the last answers stay; once it is back the stale ones go', async () => {
  const up = async () => {
    const { code, stderr } = await cluster.portico('up', '--egress', 'off');
    expect(code, stderr).toBe(0);
  };
  // Tried again, it begins anew.
  await up();
  await applyObjects();
  const nodes = await Promise.all(
    ['node-1', 'node-2'].map((node) => field('node', node, '.status.addresses[0].address')),
  );
  const web = await field('service', 'web', '.spec.clusterIP');
  const network = await networkOf('client');
  const asked = async (name: string) =>
    (await run('nsenter', [network, 'dig', `@${dnsAddress}`, '+short', name])).stdout.trim();
  const reply = (address: string) => askServer('web.here.svc.cluster.local.', { address, port: 53 });
  for (const address of nodes) {
    const isKnown = async () => (answersOf(await reply(address))[0] === web ? true : undefined);
    await eventually(`${address} to know it`, isKnown);
  }
  await cluster.kill('control plane');
  expect(await asked('web.here.svc.cluster.local')).toBe(web);
  expect(await asked('www.example.com')).toBe('198.51.100.7');
  for (const address of nodes) expect(answersOf(await reply(address))).toEqual([web]);
  await up();
  await admin.ok('delete', 'service', 'web');
  for (const address of nodes) {
    await eventually(`${address} to forget it`, async () => {
      const { rcode } = await reply(address);
      return rcode === RCODE.NXDOMAIN || undefined;
    });
  }
});
