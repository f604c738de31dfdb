// The API server over TLS, with everything on: authentication, authorization, validation, managed fields, controllers.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startServer, type TestServer } from '../../test/fixtures/portico-process.ts';
import type { Measurement } from '../measurement.ts';
import { median } from '../percentile.ts';
import { type Http2Job, http2Load } from './http2-load.ts';
import type { Job } from './load.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const services = '/api/v1/namespaces/default/services';
const endpointSlices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';

async function load<T>(job: Job): Promise<T> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(import.meta.dirname, 'load.ts'),
    JSON.stringify(job),
  ]);
  return JSON.parse(stdout) as T;
}

interface BareServer {
  readonly child: ChildProcess;
  readonly port: number;
}

async function startBare(body: string): Promise<BareServer> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'bare-server.ts'), body], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(child.stdout!, 'data')) as [Buffer];
  return { child, port: Number(port.toString()) };
}

function portOf(server: TestServer): number {
  return Number(new URL(server.url).port);
}

function head(method: string, path: string, token: string): string {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  return `${method} ${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${token}\r\ncontent-type: ${type}\r\n`;
}

const configMapWith = (metadata: object) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...metadata, labels: { app: 'bench' } },
    data: { text: 'x'.repeat(500) },
  });
const configMap = (name: string) => configMapWith({ name });

const serviceOf = (spec: object) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'service-$N' },
    spec: { ports: [{ port: 80, targetPort: 8080 }], ...spec },
  });

const endpointSlice = JSON.stringify({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'service-$N-abcde', labels: { 'kubernetes.io/service-name': 'service-$N' } },
  addressType: 'IPv4',
  ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  endpoints: [1, 2, 3, 4].map((i) => ({
    addresses: [`10.244.${i}.7`],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node-${i}`,
    targetRef: { kind: 'Pod', namespace: 'default', name: `a-$N-${i}`, uid: '5b0d7b5e-3c3a-4a5e-9d0e-0a1b2c3d4e5f' },
  })),
});

function residentMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Microseconds of processor time that the process's main thread has had. */
function mainThreadTime(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1000;
}

/** The rate, and the main thread's time for one request. */
async function loadMeasured(pid: number, job: Job): Promise<{ readonly perSecond: number; readonly cost: number }> {
  const before = mainThreadTime(pid);
  const { perSecond, count } = await load<Rate>(job);
  return { perSecond, cost: (mainThreadTime(pid) - before) / count };
}

type Requests = Extract<Job, { readonly type: 'requests' }>;

interface Beside {
  readonly milliseconds: number;
  readonly longest: number;
}

interface Rate {
  readonly perSecond: number;
  /** How many were answered. */
  readonly count: number;
  readonly seconds: readonly number[];
}

/**
 * Both sides in turns, a second or two each, and the median of each side: on a machine that others use, too, a few seconds may be half as
 * fast as the next, and would be one side's alone.
 */
async function inTurns<T extends Record<string, number>>(
  measure: (side: 0 | 1) => Promise<T>,
): Promise<readonly [ours: T, bare: T]> {
  const sides: readonly [T[], T[]] = [[], []];
  for (let turn = 0; turn < turns; turn++) for (const side of [0, 1] as const) sides[side].push(await measure(side));
  const middle = (measured: readonly T[]) =>
    Object.fromEntries(Object.keys(measured[0]!).map((what) => [what, median(measured.map((one) => one[what]!))])) as T;
  return [middle(sides[0]), middle(sides[1])];
}

const turns = 5;

/** Both sides over HTTP/2. Our names are made by the server: h2load sends one body again and again. */
async function measureHttp2(ports: readonly [number, number], token: string): Promise<Measurement[]> {
  const job = { token, seconds: 1, connections: 32, streams: 1 };
  const get = { ...job, path: `${configMaps}/one` };
  const one = { ...get, connections: 1, streams: 32 };
  const post = { ...job, path: configMaps, body: configMapWith({ generateName: 'h2-' }) };
  const rows: readonly (readonly [string, Omit<Http2Job, 'port'>, string])[] = [
    ['GET one object over HTTP/2, 32 connections', get, '0.4 x'],
    ['GET one object over HTTP/2, 32 streams of one connection', one, '0.4 x'],
    ['POST objects over HTTP/2, durable, 32 connections', post, '0.5 x'],
  ];
  const measurements: Measurement[] = [];
  for (const [what, asked, budget] of rows) {
    for (const port of ports) await http2Load({ ...asked, port, seconds: 2 });
    const [ours, bare] = await inTurns((side) => http2Load({ ...asked, port: ports[side] }));
    measurements.push({ what, ours: ours.perSecond, bare: bare.perSecond, unit: '/s', budget });
  }
  return measurements;
}

/** Both sides over HTTP/1.1: the whole server, and its main thread. */
async function measureRequests(server: TestServer, bare: BareServer): Promise<Measurement[]> {
  const { token } = server;
  const sides = [
    { port: portOf(server), pid: server.child.pid! },
    { port: bare.port, pid: bare.child.pid! },
  ] as const;
  const job = { type: 'requests', connections: 32, warmSeconds: 1, seconds: 2 } as const;
  const get = (port: number): Requests => ({ ...job, port, head: head('GET', `${configMaps}/one`, token) });
  let names = 0;
  const post = (port: number): Requests => ({
    ...job,
    port,
    head: head('POST', configMaps, token),
    body: configMap(`many-${names++}-$N`),
  });
  // Both sides have done it for a while: what is measured is not the compiler's work.
  for (const { port } of sides) {
    await load<Rate>({ ...get(port), seconds: 4 });
    await load<Rate>({ ...post(port), seconds: 4 });
  }
  const measured = (jobFor: (port: number) => Requests) =>
    inTurns((side) => loadMeasured(sides[side].pid, jobFor(sides[side].port)));
  const gets = await measured(get);
  const posts = await measured(post);
  return [
    {
      what: 'GET one object, 32 connections',
      ours: gets[0].perSecond,
      bare: gets[1].perSecond,
      unit: '/s',
      budget: '0.4 x',
    },
    {
      what: 'POST objects, durable, 32 connections',
      ours: posts[0].perSecond,
      bare: posts[1].perSecond,
      unit: '/s',
      budget: '0.5 x',
    },
    { what: 'main thread for a GET', ours: gets[0].cost, bare: gets[1].cost, unit: 'µs', budget: '2.5 x' },
    { what: 'main thread for a POST', ours: posts[0].cost, bare: posts[1].cost, unit: 'µs', budget: '2 x' },
  ];
}

async function measureWatch(server: TestServer, bare: BareServer): Promise<Measurement> {
  const { token } = server;
  const job = { type: 'watch', watchers: 1000, rounds: 11 } as const;
  const patch = `{"data":{"text":"$N${'x'.repeat(500)}"}}`;
  const patched: Job = {
    ...job,
    port: portOf(server),
    head: head('GET', `${configMaps}?watch=1&fieldSelector=metadata.name%3Done`, token),
    trigger: `${head('PATCH', `${configMaps}/one`, token)}content-length: ${patch.length + 1}\r\n\r\n${patch}`,
  };
  const sent: Job = {
    ...job,
    port: bare.port,
    head: head('GET', '/watch', token),
    trigger: `${head('GET', '/send', token)}\r\n`,
  };
  const [ours, theirs] = await inTurns((side) => load<{ milliseconds: number }>([patched, sent][side]!));
  return {
    what: 'a watch event to 1,000 watchers',
    ours: ours.milliseconds,
    bare: theirs.milliseconds,
    unit: 'ms',
    budget: '1.5 x',
  };
}

/** Whether many objects make the next one slower. */
async function measureGrowth(server: TestServer): Promise<Measurement> {
  const { seconds } = await load<Rate>({
    type: 'requests',
    port: portOf(server),
    connections: 32,
    head: head('POST', services, server.token),
    body: serviceOf({ selector: { app: 'a-$N' } }),
    count: 10_000,
  });
  const [first = 1, last = 1] = [seconds[0], seconds.at(-1)];
  return {
    what: 'create 10,000 Services: the last thousand against the first',
    ours: 1000 / last,
    bare: 1000 / first,
    unit: '/s',
    budget: '0.9 x',
  };
}

/** Rates with an idle server that grows as it is written to. */
async function measureRates(server: TestServer): Promise<Measurement[]> {
  const { token, kubectl } = server;
  const port = portOf(server);
  const create = head('POST', configMaps, token);
  await load<Rate>({ type: 'requests', port, connections: 1, head: create, body: configMap('one'), count: 1 });
  const bare = await startBare(await kubectl('get', '--raw', `${configMaps}/one`));
  try {
    const requests = await measureRequests(server, bare);
    const watch = await measureWatch(server, bare);
    const growth = await measureGrowth(server);
    return [...requests, ...(await measureHttp2([port, bare.port], token)), watch, growth];
  } finally {
    bare.child.kill();
  }
}

/** What a cluster of 10,000 Services with 40,000 endpoints costs, on a server that holds nothing else. */
async function measureSize(server: TestServer): Promise<Measurement[]> {
  const { token } = server;
  const port = portOf(server);
  const empty = residentMegabytes(server.child.pid!);
  // The endpoints come by hand, so nothing is there beside what is counted.
  await load<Rate>({
    type: 'requests',
    port,
    connections: 32,
    head: head('POST', services, token),
    body: serviceOf({}),
    count: 10_000,
  });
  await load<Rate>({
    type: 'requests',
    port,
    connections: 32,
    head: head('POST', endpointSlices, token),
    body: endpointSlice,
    count: 10_000,
  });
  const full = residentMegabytes(server.child.pid!);
  const probe = head('GET', `${services}/service-1`, token);
  const quiet = await load<Beside>({ type: 'beside', port, probe });
  const listing = await load<Beside>({ type: 'beside', port, probe, head: head('GET', services, token) });
  return [
    { what: 'LIST 10,000 Services', ours: listing.milliseconds, unit: 'ms', budget: '–' },
    {
      what: 'slowest of small GETs beside that LIST (bare: beside nothing)',
      ours: listing.longest,
      bare: quiet.longest,
      unit: 'ms',
      budget: '20 ms',
    },
    { what: 'resident memory, empty', ours: empty, unit: 'MB', budget: '120 MB' },
    { what: 'resident memory, 10,000 Services and 40,000 endpoints', ours: full, unit: 'MB', budget: '300 MB' },
  ];
}

/** Seconds from the start of the process to its line that it is ready, as a user waits for it. */
async function measureStart(): Promise<Measurement> {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const started = performance.now();
    const server = await startServer();
    times.push(performance.now() - started);
    await server.stop();
  }
  return { what: '`portico server` ready, median of five', ours: median(times), unit: 'ms', budget: '500 ms' };
}

async function withServer(measure: (server: TestServer) => Promise<Measurement[]>): Promise<Measurement[]> {
  const server = await startServer();
  try {
    return await measure(server);
  } finally {
    await server.stop();
  }
}

export async function run(): Promise<Measurement[]> {
  return [await measureStart(), ...(await withServer(measureRates)), ...(await withServer(measureSize))];
}
