// Several API servers over one etcd: one cluster to its users, whichever server they ask and whatever dies.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createCertificateAuthority, issueKeyPair } from '../../src/apiserver/pki/certificates.ts';
import { HttpTransport } from '../../src/client/http-transport.ts';
import { createInformers } from '../../src/client/informers.ts';
import { readKubeconfig } from '../../src/client/kubeconfig.ts';
import { createClient } from '../../src/client/rest-client.ts';
import { runTunnels } from '../../src/cluster/agent/tunnels.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realFiles } from '../../src/system/real/files.ts';
import { realRandom } from '../../src/system/real/random.ts';
import { ask, type WatchedEvent, watch } from '../fixtures/api-client.ts';
import { type EtcdCluster, type EtcdMember, type EtcdTls, startEtcd } from '../fixtures/etcd-process.ts';
import { startServer, type TestServer } from '../fixtures/portico-process.ts';
import { eventually, run } from './portico.ts';

const toEnd: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of toEnd.splice(0).reverse()) await end();
});

async function etcdOf(size: number, tls?: EtcdTls): Promise<EtcdCluster> {
  const etcd = await startEtcd({ size, ...(tls && { tls }) });
  toEnd.push(() => etcd.stop());
  return etcd;
}

async function serverOver(etcd: EtcdCluster, listen: string, flags: readonly string[] = []): Promise<TestServer> {
  const server = await startServer(['--datastore-endpoint', etcd.endpoints.join(','), ...flags], { listen });
  toEnd.push(() => server.stop());
  return server;
}

/** Where the second of two servers listens: on the port of the first, at another address, as on another machine. */
const besides = (first: TestServer) => `127.0.0.2:${new URL(first.url).port}`;

async function twoServers(etcd: EtcdCluster, flags: readonly string[] = []): Promise<[TestServer, TestServer]> {
  const first = await serverOver(etcd, '127.0.0.1:0', flags);
  return [first, await serverOver(etcd, besides(first))];
}

const configMaps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { name } });
const pad = (i: number) => String(i).padStart(4, '0');

/** What the controllers make when they come to it. */
const rootCA = 'kube-root-ca.crt';

/** Follows the tests' ConfigMaps on a server from a revision on. */
function follow(server: TestServer, resourceVersion: string) {
  const stop = new AbortController();
  const events: WatchedEvent[] = [];
  const done = watch(server, `${configMaps}?watch=1&resourceVersion=${resourceVersion}`, {
    signal: stop.signal,
    onEvent: (event) => void (event.object.metadata.name !== rootCA && events.push(event)),
  });
  // What ends it is told by `end`; where a test fails before, the servers end it.
  done.catch(() => {});
  const names = () => events.map(({ object }) => object.metadata.name as string);
  const end = async () => {
    stop.abort();
    await done;
  };
  return { events, names, end };
}

/** Makes a ConfigMap. The first try may meet a broken connection, and nobody knows then whether it was made. */
async function written(server: TestServer, name: string): Promise<void> {
  await eventually(`a write of ${name}`, async () => {
    const { status } = await ask(server, 'POST', configMaps, configMap(name));
    return status === 201 || status === 409 ? true : undefined;
  });
}

/** The tunnels of a node whose agent joined by one server, and whose kubelet answers every path with its own. */
async function joinNode(nodeName: string, kubeconfig: string): Promise<void> {
  const { server, ca, cert = '', key = '' } = await readKubeconfig(kubeconfig, { files: realFiles });
  const tools = { clock: realClock, random: realRandom };
  const transport = new HttpTransport({ server, ca, cert, key, clock: realClock });
  const informers = createInformers(createClient(transport), tools);
  const stop = new AbortController();
  const tunnels = runTunnels(
    {
      ...tools,
      informers,
      server,
      nodeName,
      ca: ca ?? '',
      credentials: () => ({ certPem: cert, keyPem: key }),
      handler: (request, response) => void response.end(`kubelet ${request.url}`),
      log: () => {},
    },
    stop.signal,
  );
  const running = Promise.all([tunnels, informers.run(stop.signal)]);
  toEnd.push(async () => {
    stop.abort();
    await running;
    transport.close();
  });
}

test('what one server writes the other reads and watches; addresses are given once; keys are the same', async () => {
  const etcd = await etcdOf(1);
  const folder = mkdtempSync(join(tmpdir(), 'portico-etcd-'));
  toEnd.push(() => rmSync(folder, { recursive: true }));
  const kubeconfig = join(folder, 'kubeconfig');
  const [a, b] = await twoServers(etcd, ['--kubeconfig-out', kubeconfig]);
  const from = (await ask(b, 'GET', configMaps)).body.metadata.resourceVersion as string;
  const watched = follow(b, from);
  for (let i = 0; i < 50; i++) {
    const [writer, reader] = i % 2 === 0 ? [a, b] : [b, a];
    const { status, body } = await ask(writer, 'POST', configMaps, configMap(`c-${pad(i)}`));
    expect(status).toBe(201);
    const read = await ask(reader, 'GET', `${configMaps}/c-${pad(i)}`);
    expect(read.body.metadata?.resourceVersion, JSON.stringify(read.body)).toBe(body.metadata.resourceVersion);
  }
  await eventually('all events', async () => (watched.events.length >= 50 ? true : undefined));
  expect(watched.names()).toEqual(Array.from({ length: 50 }, (_, i) => `c-${pad(i)}`));
  const versions = watched.events.map(({ object }) => Number(object.metadata.resourceVersion));
  expect(versions).toEqual([...versions].sort((x, y) => x - y));
  await watched.end();

  const services = '/api/v1/namespaces/default/services';
  const spec = { type: 'NodePort', ipFamilyPolicy: 'PreferDualStack', ports: [{ port: 80 }] };
  const created = await Promise.all(
    Array.from({ length: 120 }, (_, i) => {
      const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: `s-${i}` }, spec };
      return ask(i % 2 === 0 ? a : b, 'POST', services, service);
    }),
  );
  expect(created.map(({ status }) => status)).toEqual(Array(120).fill(201));
  expect(new Set(created.flatMap(({ body }) => body.spec.clusterIPs)).size).toBe(240);
  expect(new Set(created.map(({ body }) => body.spec.ports[0].nodePort)).size).toBe(120);

  const token = await ask(a, 'POST', '/api/v1/namespaces/default/serviceaccounts/default/token', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {},
  });
  const review = await ask(b, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token: token.body.status.token },
  });
  expect(review.body.status).toMatchObject({ authenticated: true });
  expect((await ask(a, 'GET', '/cacerts')).body).toEqual((await ask(b, 'GET', '/cacerts')).body);

  await ask(a, 'POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
  await joinNode('n1', kubeconfig);
  for (const server of [a, b]) {
    const through = async () => (await ask(server, 'GET', '/api/v1/nodes/n1/proxy/healthz')).body;
    await eventually(`the node through ${server.url}`, async () =>
      (await through()) === 'kubelet /healthz' ? true : undefined,
    );
  }
});

test('when the server whose controllers run is killed, the other takes over and stands alone in the endpoints', async () => {
  const etcd = await etcdOf(1);
  const lease = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager';
  const holderBy = async (server: TestServer) =>
    (await ask(server, 'GET', lease)).body.spec?.holderIdentity as string | undefined;
  const a = await serverOver(etcd, '127.0.0.1:0');
  // The first server is alone when it asks to be elected.
  const before = await eventually('a leader', () => holderBy(a));
  const b = await serverOver(etcd, besides(a));
  const slice = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes';
  const addresses = async (server: TestServer) =>
    ((await ask(server, 'GET', slice)).body.endpoints as { addresses: string[] }[]).flatMap((e) => e.addresses);
  expect(await addresses(b)).toEqual(['127.0.0.1', '127.0.0.2']);
  a.child.kill('SIGKILL');
  expect((await ask(b, 'POST', configMaps, configMap('after'))).status).toBe(201);
  await ask(b, 'POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'new' } });
  await eventually('another leader', async () => ((await holderBy(b)) === before ? undefined : true));
  await eventually('a service account, by the controllers that moved', async () =>
    (await ask(b, 'GET', '/api/v1/namespaces/new/serviceaccounts/default')).status === 200 ? true : undefined,
  );
  await eventually('one endpoint', async () => ((await addresses(b)).join() === '127.0.0.2' ? true : undefined));
});

test('both servers outlive a restart of etcd; watches go on and miss nothing', async () => {
  const etcd = await etcdOf(1);
  const [a, b] = await twoServers(etcd);
  const from = (await ask(a, 'GET', configMaps)).body.metadata.resourceVersion as string;
  const watches = [follow(a, from), follow(b, from)];
  expect((await ask(a, 'POST', configMaps, configMap('before'))).status).toBe(201);
  await etcd.members[0]!.kill();
  await etcd.members[0]!.start();
  await written(a, 'after-a');
  await written(b, 'after-b');
  for (const followed of watches) {
    await eventually('the last event', async () => (followed.names().includes('after-b') ? true : undefined));
    expect(followed.names()).toEqual(['before', 'after-a', 'after-b']);
    await followed.end();
  }
  expect((await ask(a, 'GET', '/readyz')).status).toBe(200);
});

test('a server ends, and says why, when an older state of etcd was put back', async () => {
  const etcd = await etcdOf(1);
  const server = await serverOver(etcd, '127.0.0.1:0');
  let said = '';
  server.child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(server.child, 'close');
  const putBack = await etcd.members[0]!.save();
  await eventually('a write', async () =>
    (await ask(server, 'POST', configMaps, configMap('later'))).status === 201 ? true : undefined,
  );
  await putBack();
  expect((await ended)[0]).toBe(1);
  expect(said).toMatch(/^portico: etcd's revision went back from \d+ to \d+: .*start it again$/m);
});

async function certificates(): Promise<EtcdTls> {
  const folder = mkdtempSync(join(tmpdir(), 'portico-etcd-tls-'));
  toEnd.push(() => rmSync(folder, { recursive: true }));
  const validity = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 3_600_000 };
  const ca = await createCertificateAuthority('etcd-ca', validity, realRandom);
  const profile = { subject: { commonName: 'etcd', organizations: [] }, sans: ['127.0.0.1', 'localhost'], ...validity };
  const pair = await issueKeyPair(ca, { ...profile, usages: ['server auth', 'client auth'] }, realRandom);
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  return {
    ca: write('ca.crt', ca.certPem),
    cert: write('etcd.crt', pair.certPem),
    key: write('etcd.key', pair.keyPem),
  };
}

/** The member that leads; undefined while they elect one. */
async function leaderOf(etcd: EtcdCluster, { ca, cert, key }: EtcdTls): Promise<EtcdMember | undefined> {
  const tls = ['--cacert', ca, '--cert', cert, '--key', key];
  const patience = ['--dial-timeout', '60s', '--command-timeout', '60s'];
  const command = ['etcdctl', '--endpoints', etcd.endpoints.join(), ...tls, ...patience, 'endpoint', 'status'];
  const { code, stdout, stderr } = await run([...command, '-w', 'json'], { ETCDCTL_API: '3' });
  if (code !== 0) throw new Error(stderr);
  const states = JSON.parse(stdout) as { Status: { leader: number; header: { member_id: number } } }[];
  return etcd.members[states.findIndex(({ Status }) => Status.leader === Status.header.member_id)];
}

test('three members with client certificates, the leader killed under load: nothing acknowledged is lost', async () => {
  const tls = await certificates();
  const etcd = await etcdOf(3, tls);
  const flags = ['--datastore-cafile', tls.ca, '--datastore-certfile', tls.cert, '--datastore-keyfile', tls.key];
  const a = await serverOver(etcd, '127.0.0.1:0', flags);
  const b = await serverOver(etcd, besides(a), flags);
  const from = (await ask(b, 'GET', configMaps)).body.metadata.resourceVersion as string;
  const watches = [follow(a, from), follow(b, from)];

  const acknowledged = new Set<string>();
  const stop = new AbortController();
  const writing = Promise.all(
    Array.from({ length: 16 }, async (_, writer) => {
      for (let i = 0; !stop.signal.aborted; i++) {
        const name = `w${writer}-${pad(i)}`;
        // A Service is several keys in one transaction: itself and its address.
        const service = { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80 }] } };
        const isService = writer % 4 === 0;
        const path = isService ? '/api/v1/namespaces/default/services' : configMaps;
        const answer = await ask(writer % 2 === 0 ? a : b, 'POST', path, isService ? service : configMap(name));
        if (answer.status === 201) acknowledged.add(name);
      }
    }),
  );
  // Where the test fails, they end before the servers.
  const ended = writing.catch(() => {});
  toEnd.push(async () => {
    stop.abort();
    await ended;
  });
  await eventually('some writes', async () => (acknowledged.size > 200 ? true : undefined));
  const leader = await eventually('a leader of etcd', () => leaderOf(etcd, tls));
  await leader.kill();
  const then = acknowledged.size;
  await eventually('writes under another leader', async () => (acknowledged.size > then + 200 ? true : undefined));
  await leader.start();
  stop.abort();
  await writing;
  await written(a, 'last');

  const { items } = (await ask(b, 'GET', configMaps)).body as { items: { metadata: { name: string } }[] };
  const services = (await ask(b, 'GET', '/api/v1/namespaces/default/services')).body.items as {
    metadata: { name: string };
    spec: { clusterIP: string };
  }[];
  const stored = new Set([...items, ...services].map(({ metadata }) => metadata.name));
  expect([...acknowledged].filter((name) => !stored.has(name))).toEqual([]);

  const addresses = (await ask(a, 'GET', '/apis/networking.k8s.io/v1/ipaddresses')).body.items as {
    metadata: { name: string };
    spec: { parentRef: { namespace: string; name: string } };
  }[];
  const taken = new Map(addresses.map(({ metadata, spec }) => [metadata.name, spec.parentRef.name]));
  const inDefault = addresses.filter(({ spec }) => spec.parentRef.namespace === 'default');
  expect(services.filter(({ metadata, spec }) => taken.get(spec.clusterIP) !== metadata.name)).toEqual([]);
  expect(inDefault).toHaveLength(services.length);

  const expected = items.map(({ metadata }) => metadata.name).filter((name) => name !== rootCA);
  for (const followed of watches) {
    await eventually('the last event', async () => (followed.names().includes('last') ? true : undefined));
    expect(followed.names().sort()).toEqual(expected.sort());
    await followed.end();
  }
});
