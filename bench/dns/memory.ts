// Resident memory of `portico dns` beside an API server with many names, which here only lists them.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import type { Measurement } from '../measurement.ts';

const NAMES = 100_000;
const launcher = join(import.meta.dirname, '../../portico');

interface Cluster {
  readonly services: (index: number) => object;
  readonly serviceCount: number;
  readonly slices: (index: number) => object;
  readonly sliceCount: number;
}

const metadata = (name: string, index: number, labels: object = {}) => ({
  name,
  namespace: 'bench',
  uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
  resourceVersion: String(1000 + index),
  creationTimestamp: '2026-01-01T00:00:00Z',
  labels: { app: name, ...labels },
  managedFields: [
    {
      manager: 'kubectl',
      operation: 'Update',
      apiVersion: 'v1',
      fieldsV1: { 'f:spec': { 'f:ports': {}, 'f:selector': {} } },
    },
  ],
});
const byte = (n: number) => n & 255;

/** A Service each. */
const ofServices: Cluster = {
  serviceCount: NAMES,
  services: (i) => {
    const clusterIP = `10.${96 + (i >> 16)}.${byte(i >> 8)}.${byte(i)}`;
    const ports = [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }];
    const spec = {
      clusterIP,
      clusterIPs: [clusterIP],
      ports,
      selector: { app: 'x' },
      type: 'ClusterIP',
      sessionAffinity: 'None',
    };
    return { metadata: metadata(`service-${i}`, i), spec, status: { loadBalancer: {} } };
  },
  sliceCount: 0,
  slices: () => ({}),
};

/** A hundred headless Services with a thousand endpoints each, a hundred in a slice. */
const ofEndpoints: Cluster = {
  serviceCount: 100,
  services: (i) => ({
    metadata: metadata(`headless-${i}`, i),
    spec: { clusterIP: 'None', clusterIPs: ['None'], selector: { app: 'x' } },
  }),
  sliceCount: 1000,
  slices: (i) => ({
    metadata: metadata(`headless-${i % 100}-${i}`, i, { 'kubernetes.io/service-name': `headless-${i % 100}` }),
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: Array.from({ length: 100 }, (_, j) => ({
      addresses: [`10.${244 + (i >> 9)}.${byte(i >> 1)}.${byte(i * 100 + j)}`],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: 'node-1',
      targetRef: { kind: 'Pod', namespace: 'bench', name: `pod-${i}-${j}`, uid: `${i}-${j}` },
    })),
  }),
};

export async function memoryOfNames(folder: string): Promise<Measurement[]> {
  const services = await megabytes(ofServices, folder, (i) => `service-${i}.bench.svc.cluster.local A`);
  const endpoints = await megabytes(ofEndpoints, folder, (i) => `headless-${i % 100}.bench.svc.cluster.local A`);
  const row = (what: string, ours: number) => ({ what, ours, unit: 'MB', budget: '150 MB' });
  return [
    row('resident memory, 100,000 Services, listed', services.listed),
    row('… and each asked for', services.asked),
    row('resident memory, 100,000 endpoints of headless Services, listed', endpoints.listed),
    row('… and their Services asked for', endpoints.asked),
  ];
}

async function megabytes(cluster: Cluster, folder: string, nameOf: (index: number) => string) {
  const server = serveLists(cluster);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const kubeconfig = join(folder, 'kubeconfig');
  const context = { context: { cluster: 'c', user: 'u' }, name: 'x' };
  const url = `http://127.0.0.1:${port}`;
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server: url } }],
      users: [{ name: 'u', user: {} }],
      contexts: [context],
      'current-context': 'x',
    }),
  );
  const nowhere = ['--metrics-bind-address', '', '--health-bind-address', '', '--ready-bind-address', ''];
  const args = ['dns', '--kubeconfig', kubeconfig, '--listen', '127.0.0.1:0', '--upstream', 'none', ...nowhere];
  const child = spawn(launcher, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    let output = '';
    for await (const chunk of child.stdout) {
      output += chunk;
      if (output.includes('answering for')) break;
    }
    const listed = residentOf(child.pid);
    const questions = join(folder, 'questions');
    writeFileSync(questions, `${Array.from({ length: NAMES }, (_, i) => nameOf(i)).join('\n')}\n`);
    const dnsPort = /listening on \S+:(\d+)/.exec(output)?.[1] ?? '';
    execFileSync('dnsperf', ['-s', '127.0.0.1', '-p', dnsPort, '-d', questions, '-n', '1', '-q', '100']);
    return { listed, asked: residentOf(child.pid) };
  } finally {
    child.kill();
    server.closeAllConnections();
    server.close();
  }
}

function residentOf(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1000;
}

/** Lists by pages, and watches on which nothing happens. */
function serveLists({ services, serviceCount, slices, sliceCount }: Cluster): Server {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://api');
    response.setHeader('content-type', 'application/json');
    if (searchParams.has('watch')) {
      response.writeHead(200).flushHeaders();
      return;
    }
    const from = Number(searchParams.get('continue') ?? 0);
    const limit = Number(searchParams.get('limit') ?? Number.POSITIVE_INFINITY);
    const [make, count] = pathname.endsWith('/services')
      ? [services, serviceCount]
      : pathname.endsWith('/endpointslices')
        ? [slices, sliceCount]
        : [() => ({ metadata: { name: 'bench', uid: 'n', resourceVersion: '1' } }), 1];
    const to = Math.min(count, from + limit);
    const items = Array.from({ length: to - from }, (_, i) => make(from + i));
    const more = to < count && { continue: String(to) };
    response.end(
      JSON.stringify({ kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: '9', ...more }, items }),
    );
  });
  return server.listen(0, '127.0.0.1');
}
