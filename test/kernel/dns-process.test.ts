// `portico dns` as a process beside a control plane: what it knows, what it says while the API server is away, and that
// nothing is lost while its settings change.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { answersOf, askServer } from '../../src/dns/fake/ask.ts';
import { type Say, startUpstream, type UpstreamServer } from '../../src/dns/fake/upstream-server.ts';
import { RCODE } from '../../src/dns/wire/message.ts';
import { eventually } from '../e2e/portico.ts';
import { type ApiTarget, ask } from '../fixtures/api-client.ts';
import { freePort } from '../fixtures/free-port.ts';
import { type PorticoProcess, startPortico } from '../fixtures/portico-process.ts';

const token = 'a-token-of-the-dns-tests';
const folder = mkdtempSync(join(tmpdir(), 'portico-dns-'));
const tokens = join(folder, 'tokens.csv');
const kubeconfig = join(folder, 'kubeconfig');
const config = join(folder, 'dns.yaml');
const services = '/api/v1/namespaces/default/services';

let server: PorticoProcess;
let target: ApiTarget;
let dns: PorticoProcess;
let port: number;
/** The address of Service `kept`. */
let kept: string;
const upstreams: UpstreamServer[] = [];

function startControlPlane(listen: string): Promise<PorticoProcess> {
  const flags = ['--data-dir', join(folder, 'data'), '--listen', listen, '--token-auth-file', tokens];
  return startPortico(['server', ...flags, '--controllers', 'namespace-controller'], /ready on (https:\/\/[^ ,]+)/);
}

const dnsFlags = ['dns', '--kubeconfig', kubeconfig, '--listen', '127.0.0.1:0', '--config', config];
const answering = /listening on \S+:(\d+)\n[\s\S]*answering for/;
const upstreamNamed =
  (address: string): Say =>
  ({ question: { name } }) => ({ answers: [{ name, ttl: 0, data: { type: 'A', address } }] });

beforeAll(async () => {
  writeFileSync(tokens, `${token},tester,1,"system:masters"\n`);
  server = await startControlPlane(`127.0.0.1:${await freePort()}`);
  target = { url: server.ready, token };
  const cluster = { server: server.ready, 'insecure-skip-tls-verify': true };
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'tester', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'tester' } }],
      'current-context': 'test',
    }),
  );
  for (const address of ['192.0.2.1', '192.0.2.2'])
    upstreams.push(await startUpstream({ say: upstreamNamed(address) }));
  writeFileSync(config, `upstream: ['127.0.0.1:${upstreams[0]?.port}']\n`);
  kept = await make('kept');
  const http = ['--metrics-bind-address', '', '--health-bind-address', '', '--ready-bind-address', ''];
  dns = await startPortico([...dnsFlags, ...http], answering);
  port = Number(dns.ready);
});

afterAll(async () => {
  dns?.child.kill('SIGCONT');
  await dns?.stop();
  await server?.stop();
  for (const upstream of upstreams) await upstream.close();
  rmSync(folder, { recursive: true });
});

/** A test that failed half-way leaves what the next one, or its second try, needs. */
afterEach(async () => {
  dns.child.kill('SIGCONT');
  const { exitCode, signalCode } = server.child;
  if (exitCode !== null || signalCode !== null) server = await startControlPlane(new URL(target.url).host);
});

let names = 0;
/** The name of a Service that was never there, not in a first try either. */
function fresh(prefix: string): string {
  names += 1;
  return `${prefix}-${names}`;
}

const nameOf = (service: string): string => `${service}.default.svc.cluster.local.`;

async function make(service: string): Promise<string> {
  const body = { metadata: { name: service }, spec: { ports: [{ port: 80 }] } };
  const created = await ask(target, 'POST', services, body);
  expect(created.status).toBe(201);
  return created.body.spec.clusterIP;
}

/** Waits until the name has, or has not, an address. */
async function untilKnown(service: string, known: boolean): Promise<void> {
  await eventually(`${service} to be ${known ? 'there' : 'gone'}`, async () => {
    const { rcode } = await askServer(nameOf(service), { port });
    return (rcode === RCODE.NOERROR) === known || undefined;
  });
}

test('a new Service resolves, though it was asked for before', async () => {
  for (let i = 0; i < 40; i++) {
    const name = fresh('new');
    // Asked for before, so that the answer that it is not there has been prepared.
    expect((await askServer(nameOf(name), { port })).rcode).toBe(RCODE.NXDOMAIN);
    const address = await make(name);
    await untilKnown(name, true);
    expect(answersOf(await askServer(nameOf(name), { port }))).toEqual([address]);
  }
});

test('while the API server is away the last answers stay; once it is back the stale ones go', async () => {
  const [stale, missed, after] = [fresh('stale'), fresh('missed'), fresh('after')];
  await make(stale);
  await make(missed);
  await untilKnown(missed, true);

  // What happens while the process sleeps it hears late, or only through the server that comes after a kill -9.
  dns.child.kill('SIGSTOP');
  expect((await ask(target, 'DELETE', `${services}/${missed}`)).status).toBe(200);
  const killed = once(server.child, 'exit');
  server.child.kill('SIGKILL');
  await killed;
  dns.child.kill('SIGCONT');
  expect(answersOf(await askServer(nameOf('kept'), { port }))).toEqual([kept]);
  expect(answersOf(await askServer('www.example.com.', { port }))).toEqual(['192.0.2.1']);

  server = await startControlPlane(new URL(target.url).host);
  expect((await ask(target, 'DELETE', `${services}/${stale}`)).status).toBe(200);
  await Promise.all([untilKnown(missed, false), untilKnown(stale, false)]);
  expect(answersOf(await askServer(nameOf('kept'), { port }))).toEqual([kept]);
  await make(after);
  await untilKnown(after, true);
});

test('no query is lost while the settings change, and wrong ones change nothing', async () => {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  let asked = 0;
  const lost: unknown[] = [];
  const client = async (name: string, tcp: boolean) => {
    while (!stop.signal.aborted) {
      asked += 1;
      await askServer(name, { port, tcp }).catch((error) => lost.push(error));
    }
  };
  const names = [nameOf('kept'), nameOf('absent'), 'www.example.com.'];
  const clients = names.flatMap((name) => [client(name, false), client(name, true)]);
  // Where an upstream is late on a busy machine there is none, which says nothing of the settings.
  const addressOf = (name: string) =>
    eventually(`an address of ${name}`, async () => answersOf(await askServer(name, { port }))[0]);
  const [first, second] = upstreams.map((upstream) => `127.0.0.1:${upstream.port}`);
  for (let round = 0; round < 6; round++) {
    const [here, there] = round % 2 === 0 ? [second, first] : [first, second];
    writeFileSync(config, `upstream: ['${here}']\nstub: ['example.internal=${there}']\n`);
    const expected = round % 2 === 0 ? '192.0.2.2' : '192.0.2.1';
    await eventually(
      'the new upstream to be asked',
      async () => (await addressOf('a.example.')) === expected || undefined,
    );
    expect(await addressOf('a.example.internal.')).not.toBe(expected);
    dns.child.kill('SIGHUP');
    writeFileSync(config, 'upstream: [nonsense]\n');
    dns.child.kill('SIGHUP');
    expect(await addressOf('a.example.')).toBe(expected);
  }
  stop.abort();
  await Promise.all(clients);
  expect(asked).toBeGreaterThan(100);
  expect(lost).toEqual([]);
});

const childrenOf = (pid: number | undefined): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

test('metrics, health and readiness under CoreDNS’s names, of several processes on one address', async () => {
  writeFileSync(config, `upstream: ['127.0.0.1:${upstreams[0]?.port}']\n`);
  const address = `127.0.0.1:${await freePort()}`;
  const http = ['--metrics-bind-address', address, '--health-bind-address', address, '--ready-bind-address', address];
  const several = await startPortico([...dnsFlags, ...http, '--processes', '2'], answering);
  try {
    const shared = Number(several.ready);
    const get = async (path: string) => (await fetch(`http://${address}${path}`)).text();
    for (let i = 0; i < 100; i++) await askServer(nameOf('kept'), { port: shared });
    await askServer(nameOf('kept'), { port: shared, tcp: true });
    await askServer(nameOf('absent'), { port: shared });
    await askServer('www.example.com.', { port: shared });
    expect(await get('/health')).toBe('OK');
    expect(await get('/ready')).toBe('OK');
    const text = await get('/metrics');
    const value = (sample: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${sample} `))
          ?.split(' ')[1],
      );
    const labels = 'server="dns://",zone=".",view=""';
    expect(value(`coredns_dns_requests_total{${labels},proto="udp",family="1",type="A"}`)).toBe(102);
    expect(value(`coredns_dns_requests_total{${labels},proto="tcp",family="1",type="A"}`)).toBe(1);
    expect(value(`coredns_dns_responses_total{${labels},rcode="NOERROR",plugin="kubernetes"}`)).toBe(101);
    expect(value(`coredns_dns_responses_total{${labels},rcode="NXDOMAIN",plugin="kubernetes"}`)).toBe(1);
    expect(value(`coredns_dns_responses_total{${labels},rcode="NOERROR",plugin="forward"}`)).toBe(1);
    expect(value(`coredns_dns_request_duration_seconds_count{${labels}}`)).toBe(103);
    expect(value(`coredns_forward_requests_total{to="127.0.0.1:${upstreams[0]?.port}"}`)).toBeGreaterThan(0);
    expect(value('coredns_cache_misses_total{server="dns://",zones=".",view=""}')).toBe(1);
    expect(value('coredns_panics_total')).toBe(0);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(0);

    // One that dies takes no name with it, and another takes its place.
    const victim = childrenOf(several.child.pid)[0] ?? expect.unreachable('there is no process');
    process.kill(victim, 'SIGKILL');
    await eventually('it to be gone', async () => !childrenOf(several.child.pid).includes(victim) || undefined);
    for (let i = 0; i < 20; i++) {
      expect((await askServer(nameOf('kept'), { port: shared })).rcode).toBe(RCODE.NOERROR);
    }
    await eventually('two to be there', async () => childrenOf(several.child.pid).length === 2 || undefined);
  } finally {
    await several.stop();
  }
});
