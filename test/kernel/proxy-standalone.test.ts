// `portico proxy` as a program of its own beside an API server that comes and goes, in a namespace of the test's own,
// while a client connects all the time.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { FakeApi } from '../../src/client/fake/fake-api.ts';
import { createInformers } from '../../src/client/informers.ts';
import { endpointSlices, nodes, services } from '../../src/client/resources.ts';
import { endpoint, service, settings, slice } from '../../src/proxy/fixtures/objects.ts';
import { KubeProxy } from '../../src/proxy/kube-proxy.ts';
import { Heard } from '../../src/system/fake/heard.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realRandom } from '../../src/system/real/random.ts';
import { type PorticoProcess, startPortico } from '../fixtures/portico-process.ts';
import { TestNamespace } from './netns.ts';

/** Answers each connection with the address that it came to. */
const backends = `
let up = 0;
for (const a of ['10.244.1.1', '10.244.1.2', 'fd00:10:244::1']) {
  require('node:net').createServer((s) => s.on('error', () => {}).end(a)).listen(8080, a, () => ++up === 3 && console.log('up'));
}`;

/** Connects again and again, and prints for each attempt who answered or how it failed. */
const client = (address: string) => `
const net = require('node:net');
const attempt = () => {
  const s = net.connect({ host: '${address}', port: 80, timeout: 120000 });
  let said = '';
  s.on('data', (d) => (said += d));
  s.on('timeout', () => s.destroy(new Error('timeout')));
  s.on('error', (e) => (said = 'failed: ' + (e.code ?? e.message)));
  s.on('close', () => { console.log(said || 'failed: no answer'); setTimeout(attempt, 2); });
};
attempt();`;

/** Sends the requests that it reads, a line of JSON each, to the API server, and prints status and body. */
const driver = `
require('node:readline').createInterface({ input: process.stdin }).on('line', async (line) => {
  const { url, method, body } = JSON.parse(line);
  try {
    const headers = { authorization: 'Bearer admin', 'content-type': 'application/json' };
    const r = await fetch(url, { method, headers, body });
    console.log(JSON.stringify({ status: r.status, body: await r.text() }));
  } catch (e) { console.log(JSON.stringify({ status: 0, body: String(e.cause ?? e) })); }
});`;

const auditPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata, users: ['system:kube-proxy']}
- {level: None}
`;

const port = 6443;
let space: TestNamespace;
let folder: string;
const processes: PorticoProcess[] = [];
const children: ChildProcess[] = [];

function node(code: string): { child: ChildProcess; lines: AsyncIterator<string> & NodeJS.EventEmitter } {
  const [program = '', ...args] = space.inside([process.execPath, '-e', code]);
  const env = { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' };
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
  children.push(child);
  const lines = createInterface({ input: child.stdout! });
  return { child, lines: lines as unknown as AsyncIterator<string> & NodeJS.EventEmitter };
}

/** Resolves when the condition holds; looks again every few milliseconds until then. */
async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const patience = 300_000;
  const deadline = Date.now() + patience;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${patience} ms: ${what}`);
    await realClock.sleep(10);
  }
}

/** A client's attempts, in their order. */
class Probe {
  readonly #seen = new Heard<string>();
  readonly #child: ChildProcess;

  constructor(address = '10.96.0.10') {
    const { child, lines } = node(client(address));
    this.#child = child;
    lines.on('line', (line: string) => this.#seen.push(line));
  }

  get seen(): readonly string[] {
    return this.#seen.all;
  }

  get failures(): string[] {
    return this.seen.filter((line) => line.startsWith('failed'));
  }

  /** Waits until the client has tried so often again. */
  async more(attempts: number): Promise<void> {
    const wanted = this.seen.length + attempts;
    await this.#seen.until((all) => all.length >= wanted);
  }

  /** Waits until the last of them were answered by these, and by nobody else. */
  async answers(...addresses: string[]): Promise<void> {
    await this.#seen.until((all) => [...new Set(all.slice(-30))].sort().join() === addresses.join());
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

let requests: ReturnType<typeof node>;

async function ask(method: string, url: string, body?: object): Promise<{ status: number; body: string }> {
  const line = once(requests.lines, 'line');
  requests.child.stdin!.write(`${JSON.stringify({ url, method, body: body && JSON.stringify(body) })}\n`);
  const [answer] = await line;
  return JSON.parse(answer as string);
}

async function request(method: string, path: string, object?: object, at = port): Promise<void> {
  const { status, body } = await ask(method, `https://127.0.0.1:${at}${path}`, object);
  if (status < 200 || status > 299) throw new Error(`${method} ${path}: ${status} ${body}`);
}

/** How many syncs the proxy says it made; none while it does not answer. */
async function syncs(): Promise<number> {
  const { body } = await ask('GET', 'http://127.0.0.1:10249/metrics');
  return Number(/sync_proxy_rules_duration_seconds_count\S* (\d+)/.exec(body)?.[1] ?? 0);
}

const slicesPath = '/apis/discovery.k8s.io/v1/namespaces/demo/endpointslices';
const withEndpoints = (...addresses: string[]) =>
  slice(
    'web',
    addresses.map((address) => endpoint(address, 'node-a')),
  );
const setEndpoints = (addresses: string[], at = port) =>
  request('PUT', `${slicesPath}/web-abc`, withEndpoints(...addresses), at);

const startServer = (at = port) => {
  const flags = ['--data-dir', join(folder, 'data'), '--token-auth-file', join(folder, 'tokens.csv')];
  const audit = ['--audit-policy-file', join(folder, 'audit.yaml'), '--audit-log-path', join(folder, 'audit.log')];
  const args = ['server', ...flags, ...audit, '--listen', `127.0.0.1:${at}`, '--controllers', 'namespace-controller'];
  return start(args, /ready on (https:\/\/[^ ,]+)/);
};

async function start(
  args: readonly string[],
  ready: RegExp,
  onOutput?: (text: string) => void,
): Promise<PorticoProcess> {
  const started = await startPortico(args, ready, { through: space.inside([]), ...(onOutput && { onOutput }) });
  processes.push(started);
  return started;
}

const proxyLog = new Heard<string>();
/** Waits until the proxy has said it. */
const proxySaid = (words: string) => proxyLog.until((all) => all.join('').includes(words));
const startProxy = (...more: string[]) =>
  start(
    [
      'proxy',
      '--kubeconfig',
      join(folder, 'kubeconfig'),
      '--conntrack-max-per-core',
      '0',
      '--oom-score-adj',
      '0',
      ...more,
    ],
    /keeps the (\S+) rules/,
    (text) => proxyLog.push(text),
  );

async function kill({ child }: PorticoProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Whether a program listens to what is written to the kernel's tables. */
function hasMonitor(): boolean {
  const pids = execFileSync('ip', ['netns', 'pids', space.name], { encoding: 'utf8' }).split('\n').filter(Boolean);
  return pids.some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('socat');
    } catch {
      // It has ended since.
      return false;
    }
  });
}

beforeAll(async () => {
  space = new TestNamespace('standalone');
  folder = mkdtempSync(join(tmpdir(), 'portico-standalone-'));
  for (const line of [
    'ip addr add 10.244.1.1/32 dev lo',
    'ip addr add 10.244.1.2/32 dev lo',
    'ip addr add fd00:10:244::1/128 dev lo nodad',
    'ip link add out type veth peer name out-peer',
    'ip link set out-peer up',
    'ip link set out up',
    'ip addr add 172.18.0.2/24 dev out',
    'ip addr add fd00:18::2/64 dev out nodad',
    'ip route add default dev out',
    'ip -6 route add default dev out',
  ]) {
    space.run(line);
  }
  writeFileSync(join(folder, 'tokens.csv'), 'admin,admin,1,"system:masters"\nproxier,system:kube-proxy,2\n');
  writeFileSync(join(folder, 'audit.yaml'), auditPolicy);
  const config = {
    clusters: [{ name: 'c', cluster: { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 'proxier' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  writeFileSync(join(folder, 'kubeconfig'), JSON.stringify(config));
  await once(node(backends).lines, 'line');
  requests = node(driver);
});

afterEach(async () => {
  for (const started of processes.splice(0))
    if (started.child.exitCode === null && started.child.signalCode === null) await kill(started);
});

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  space?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const nodeObject = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-a' },
  spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] },
  status: {
    addresses: [
      { type: 'InternalIP', address: '172.18.0.2' },
      { type: 'InternalIP', address: 'fd00:18::2' },
    ],
  },
};

describe.each(['nftables', 'iptables'])('%s, alone beside an API server', (mode) => {
  const flags = ['--proxy-mode', mode, '--hostname-override', 'Node-A', '--detect-local-mode', 'NodeCIDR'];
  const soon = mode === 'iptables' ? ['--iptables-min-sync-period', '0s'] : [];

  test('outlives it, takes in what changed meanwhile, and is replaced without a gap', async () => {
    for (const old of ['data', 'audit.log']) rmSync(join(folder, old), { recursive: true, force: true });
    proxyLog.clear();
    const first = await startServer();
    await request('POST', '/api/v1/namespaces', { metadata: { name: 'demo' } });
    const families = { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'] };
    const clusterIPs = { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10', 'fd00:96::10'] };
    await request('POST', '/api/v1/namespaces/demo/services', service({ name: 'web', ...families, ...clusterIPs }));
    await request('POST', slicesPath, withEndpoints('10.244.1.1'));
    const six = { ...slice('web', [endpoint('fd00:10:244::1', 'node-a')], 'web-six'), addressType: 'IPv6' };
    await request('POST', slicesPath, six);
    const proxy = await startProxy(...flags, ...soon);
    await proxySaid('there is no node "node-a" yet');
    await request('POST', '/api/v1/nodes', nodeObject);

    const overSix = new Probe('fd00:96::10');
    await overSix.answers('fd00:10:244::1');
    await overSix.stop();
    const ready = new Probe();
    await ready.answers('10.244.1.1');
    await ready.stop();

    // The server is killed: connections go on. Elsewhere endpoints change; the proxy sees that when its server is back.
    const probe = new Probe();
    await probe.more(20);
    await kill(first);
    await probe.more(200);
    const elsewhere = await startServer(port + 1);
    await setEndpoints(['10.244.1.2'], port + 1);
    await request(
      'POST',
      '/api/v1/namespaces/demo/services',
      service({ name: 'new', clusterIP: '10.96.0.11' }),
      port + 1,
    );
    await probe.more(50);
    expect(new Set(probe.seen)).toEqual(new Set(['10.244.1.1']));
    await kill(elsewhere);
    await startServer();
    await probe.answers('10.244.1.2');

    // The proxy is killed, and its endpoints change: the old rules stand until the next proxy knows all.
    await until(hasMonitor, 'the monitor');
    await kill(proxy);
    await until(() => !hasMonitor(), 'no program that outlives its proxy');
    await setEndpoints(['10.244.1.1']);
    await probe.more(100);
    expect(new Set(probe.seen.slice(-100))).toEqual(new Set(['10.244.1.2']));
    const second = await startProxy(...flags, ...soon);
    await probe.answers('10.244.1.1');
    // And once more, ended as a supervisor ends it, with nothing to do for the next.
    await second.stop();
    await probe.more(50);
    await startProxy(...flags, ...soon);
    await until(async () => (await syncs()) > 0, 'a sync');
    await probe.more(100);
    await probe.stop();
    expect(probe.failures).toEqual([]);

    expect(proxyLog.all.join('')).not.toMatch(/forbidden/i);
    // The server may be writing another line.
    const audited = readFileSync(join(folder, 'audit.log'), 'utf8').split('\n').slice(0, -1);
    const asked = audited
      .map((line) => JSON.parse(line))
      .map(({ verb, objectRef }) => `${verb} ${objectRef?.resource}`);
    const kinds = ['endpointslices', 'nodes', ...(mode === 'nftables' ? ['servicecidrs'] : []), 'services'];
    expect([...new Set(asked)].sort()).toEqual(
      ['list', 'watch'].flatMap((verb) => kinds.map((kind) => `${verb} ${kind}`)),
    );
  });
});

describe('the program ends, for its supervisor to start it anew,', () => {
  async function ended({ child }: PorticoProcess): Promise<unknown> {
    if (child.exitCode === null) await once(child, 'exit');
    return child.exitCode;
  }

  test('when an address of its own is taken and that was asked for', async () => {
    proxyLog.clear();
    const taken = ['--healthz-bind-address', '10.244.1.1:8080'];
    const proxy = await startProxy('--hostname-override', 'node-a', ...taken, '--bind-address-hard-fail');
    expect(await ended(proxy)).toBe(1);
    await proxySaid('EADDRINUSE');
  });

  test('when its configuration file is changed, but not when it is written again', async () => {
    proxyLog.clear();
    const path = join(folder, 'config.yaml');
    const config = (mode: string) =>
      `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: ${mode}\nhostnameOverride: node-a\n`;
    writeFileSync(path, config('iptables'));
    const proxy = await startProxy('--config', path);
    expect(proxy.ready).toBe('iptables');
    writeFileSync(path, config('iptables'));
    // Another file in its place, as editors and ConfigMaps do it.
    writeFileSync(`${path}.new`, config('nftables'));
    renameSync(`${path}.new`, path);
    expect(await ended(proxy)).toBe(1);
    await proxySaid('configuration file was updated');
  });
});

test('a list after a gap (410) does not touch a rule that still holds', async () => {
  space.run('nft flush ruleset');
  const api = new FakeApi({ clock: realClock, random: realRandom });
  const stop = new AbortController();
  const informers = createInformers(api, { clock: realClock, random: realRandom });
  const { exec, follow } = space;
  const proxy = new KubeProxy({ settings, nodeName: 'node-a', informers, exec, follow, clock: realClock });
  await api.resource(nodes).create(nodeObject);
  await api.resource(services).create(service({ name: 'web' }));
  await api.resource(endpointSlices).create(withEndpoints('10.244.1.1'));
  const done = Promise.all([proxy.run(stop.signal), informers.run(stop.signal)]);
  onTestFinished(async () => {
    stop.abort();
    await done;
  });
  const ready = new Probe();
  await ready.answers('10.244.1.1');
  await ready.stop();

  const events = new Heard<string>();
  const monitor = space.start(['nft', 'monitor']);
  createInterface({ input: monitor.stdout! }).on('line', (line) => events.push(line));
  const probe = new Probe();
  await probe.more(20);
  // The monitor is known to listen once it tells of something.
  space.run('nft add table ip marker');
  const isTold = (words: string) => events.until((all) => all.some((line) => line.includes(words)));
  await isTold('marker');
  events.clear();
  api.hub.compact();
  api.hub.breakWatches();
  await api.resource(services).create(service({ name: 'new', clusterIP: '10.96.0.11' }));
  await isTold('10.96.0.11');
  await probe.more(50);
  await probe.stop();
  stop.abort();
  await done;
  expect(probe.failures).toEqual([]);
  const touched = events.all.filter((line) => !line.startsWith('#') && !line.includes('10.96.0.11'));
  expect(touched).toEqual([]);
});
