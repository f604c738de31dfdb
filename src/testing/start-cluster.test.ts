import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { realExec } from '../system/real/exec.ts';
import {
  type Deployment,
  deployments,
  endpointSlices,
  isNotFound,
  type Job,
  jobs,
  type KubeObject,
  namespaces,
  nodes,
  pods,
  replicaSets,
  services,
  startCluster,
  type TestCluster,
} from './index.ts';

vi.setConfig({ testTimeout: 120_000 });

const containers = [{ name: 'web', image: 'web', ports: [{ containerPort: 80 }] }];

function deployment(name: string, replicas: number): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers } },
    },
  };
}

/** Ends after `seconds` with an exit code, by the annotations of hollow nodes. */
function job(name: string, annotations: Record<string, string>, spec: Partial<Job['spec']> = {}): Job {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: 'default' },
    spec: { ...spec, template: { metadata: { annotations }, spec: { restartPolicy: 'Never', containers } } },
  };
}

describe('a running cluster', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startCluster({ nodes: 3 });
  });
  afterAll(() => cluster.stop());

  test('has nodes that are ready', async () => {
    const { items } = await cluster.client.resource(nodes).list();
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['hollow-1', 'hollow-2', 'hollow-3']);
  });

  test('a Deployment becomes pods, a Service gets endpoints, owners are collected', async () => {
    const { client } = cluster;
    await client.resource(services).create({
      metadata: { name: 'web', namespace: 'default' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    });
    await client.resource(deployments).create(deployment('web', 4));
    await cluster.waitFor(deployments, 'web', (web) => web?.status?.readyReplicas === 4);
    await cluster.settled();
    const slices = await client.resource(endpointSlices).list({ labelSelector: 'kubernetes.io/service-name=web' });
    const ready = slices.items.flatMap(({ endpoints }) => endpoints?.filter(({ conditions }) => conditions?.ready));
    expect(ready).toHaveLength(4);

    await client.resource(deployments).delete('web', 'default');
    await cluster.settled();
    await cluster.clock.advance(1000);
    expect((await client.resource(replicaSets).list()).items).toEqual([]);
    expect((await client.resource(pods).list({ labelSelector: 'app=web' })).items).toEqual([]);
  });

  test('a namespace ends with all that is in it', async () => {
    const { client } = cluster;
    await client.resource(namespaces).create({ metadata: { name: 'short' }, spec: {} });
    await client.resource(services).create({
      metadata: { name: 'web', namespace: 'short' },
      spec: { ports: [{ port: 80 }] },
    });
    await client.resource(namespaces).delete('short');
    await cluster.waitFor(namespaces, 'short', (namespace) => namespace === undefined);
    await expect(client.resource(services).get('web', 'short')).rejects.toSatisfy(isNotFound);
  });

  test('applies one object, several, and text; what is no manifest is shown', async () => {
    const [one] = await cluster.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'one' },
      data: { a: 'b' },
    });
    expect(one).toMatchObject({ metadata: { namespace: 'default' }, data: { a: 'b' } });
    const list = { apiVersion: 'v1', kind: 'List', items: [deployment('two', 0), deployment('three', 0)] };
    const names = (objects: readonly KubeObject[]) => objects.map(({ metadata }) => metadata.name);
    expect(names(await cluster.apply(`${JSON.stringify(list)}\n---\n`))).toEqual(['two', 'three']);
    expect(names(await cluster.apply([deployment('four', 0)]))).toEqual(['four']);
    const path = cluster.apply('./web.yaml');
    await expect(path).rejects.toThrow('a manifest needs apiVersion, kind and metadata.name: "./web.yaml"');
  });

  test('a wait in vain says what was seen', async () => {
    const waiting = cluster.waitFor(services, 'kubernetes', (service) => service === undefined, { timeout: 10 });
    await expect(waiting).rejects.toThrow(/^waited 0.01 s in vain for services kubernetes; last seen: .*10\.96\.0\.1/);
  });
});

describe('time', () => {
  test('five minutes of back-off pass at once', async () => {
    await using cluster = await startCluster();
    const api = cluster.client.resource(jobs);
    await api.create(job('fails', { 'hollow.portico.dev/exit-code': '1' }, { backoffLimit: 5 }));
    await cluster.settled();
    // 10, 20, 40, 80 and 160 seconds after one another.
    expect((await api.get('fails', 'default')).status?.failed).toBe(1);
    await cluster.clock.advance(300_000);
    expect((await api.get('fails', 'default')).status?.failed).toBe(5);
    await cluster.clock.advance(60_000);
    const { status } = await api.get('fails', 'default');
    expect(status?.conditions?.find(({ type }) => type === 'Failed')?.reason).toBe('BackoffLimitExceeded');
  });

  test('stands still where it is moved by hand only', async () => {
    await using cluster = await startCluster({ time: 'manual' });
    const now = cluster.clock.now();
    await cluster.client.resource(jobs).create(job('sleeps', { 'hollow.portico.dev/run-for': '600' }));
    await cluster.settled();
    expect(cluster.clock.now()).toBe(now);
    await cluster.clock.advance(599_000);
    expect((await cluster.client.resource(jobs).get('sleeps', 'default')).status?.active).toBe(1);
    await cluster.clock.advance(2000);
    expect((await cluster.client.resource(jobs).get('sleeps', 'default')).status?.succeeded).toBe(1);
    expect(cluster.clock.now()).toBe(now + 601_000);
  });
});

test.each([Number.NaN, 1.5, -1, Number.POSITIVE_INFINITY, '2'])('%s is no count of nodes', async (nodes) => {
  await expect(startCluster({ nodes: nodes as number })).rejects.toThrow(
    new RangeError(`startCluster: nodes: ${nodes} is no count: use a whole number, 0 or more`),
  );
});

test('its end is the end of waits, of watches, and of whatever is asked later', async () => {
  const cluster = await startCluster({ nodes: 0 });
  const api = cluster.client.resource(pods);
  const waiting = cluster.waitFor(pods, 'never', (pod) => pod !== undefined);
  const events = api.watch({ signal: new AbortController().signal })[Symbol.asyncIterator]();
  const next = events.next();
  await cluster.settled();
  const outcomes = Promise.allSettled([waiting, next]);
  await cluster.stop();
  for (const outcome of [...(await outcomes), ...(await Promise.allSettled([api.list()]))]) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'the cluster was stopped' } });
  }
});

test('time moves by a number of milliseconds', async () => {
  await using cluster = await startCluster({ nodes: 0 });
  for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY])
    expect(() => cluster.clock.advance(ms)).toThrow(RangeError);
});

test('it is ready when its nodes take pods', async () => {
  await using cluster = await startCluster({ nodes: 2, time: 'manual' });
  const { items } = await cluster.client.resource(nodes).list();
  expect(items.map(({ spec }) => spec?.taints ?? [])).toEqual([[], []]);
  await cluster.client.resource(pods).create({ metadata: { name: 'web', namespace: 'default' }, spec: { containers } });
  await cluster.settled();
  expect((await cluster.client.resource(pods).get('web', 'default')).status?.phase).toBe('Running');
});

test('many at once do not know of each other, and nothing of them stays', async () => {
  const clusters = await Promise.all(Array.from({ length: 5 }, () => startCluster()));
  expect(new Set(clusters.map(({ url }) => url)).size).toBe(5);
  await Promise.all(clusters.map(({ client }, i) => client.resource(deployments).create(deployment(`web-${i}`, 1))));
  await Promise.all(
    clusters.map(async (cluster, i) => {
      await cluster.waitFor(deployments, `web-${i}`, (web) => web?.status?.readyReplicas === 1);
      expect((await cluster.client.resource(deployments).list()).items).toHaveLength(1);
      expect(existsSync(cluster.kubeconfigPath)).toBe(true);
    }),
  );
  await Promise.all(clusters.map((cluster) => cluster.stop()));
  expect(clusters.some(({ kubeconfigPath }) => existsSync(kubeconfigPath))).toBe(false);
});

test('a process that has used a cluster holds nothing of it and ends by itself', async () => {
  const program = join(import.meta.dirname, 'testdata/use-and-stop.ts');
  const { code, stdout, stderr } = await realExec.run([process.execPath, program]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  // Resources of Node.js while the cluster runs, and after its end; files of the cluster likewise.
  const { during, after, files } = JSON.parse(stdout);
  expect(during.resources).toContain('TCPSocketWrap');
  expect(during.files).toHaveLength(1);
  expect(after).toEqual([]);
  expect(files).toEqual([]);
});

test('a process that ends without stopping its cluster leaves no file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-exit-'));
  try {
    const program = join(import.meta.dirname, 'testdata/exit-without-stop.ts');
    const { code, stdout } = await realExec.run(['env', `TMPDIR=${folder}`, process.execPath, program]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: `1 in ${folder}` });
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
