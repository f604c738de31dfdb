// From the write of a pod's status to its endpoint in the EndpointSlice, as a watching client of the same process sees it.
import { type EndpointSlice, endpointSlices, pods, services, startCluster } from '../../src/testing/index.ts';
import { median, percentile } from '../percentile.ts';

const rounds = 200;
const cluster = await startCluster({ nodes: 1 });
const { client } = cluster;
const labels = { app: 'web' };
await client.resource(services).create({
  metadata: { name: 'web', namespace: 'default' },
  spec: { selector: labels, ports: [{ port: 80 }] },
});
for (let i = 0; i < 20; i += 1) {
  await client.resource(pods).create({
    metadata: { name: `web-${i}`, namespace: 'default', labels },
    spec: { containers: [{ name: 'web', image: 'web' }], readinessGates: [{ conditionType: 'example.com/gate' }] },
  });
}
await cluster.waitFor(pods, 'web-19', (pod) => pod?.status?.phase === 'Running');
await cluster.settled();

/** Told of each state of the slice. */
let seen: (slice: EndpointSlice) => void = () => {};
const stop = new AbortController();
const watching = (async () => {
  const scope = { labelSelector: 'kubernetes.io/service-name=web', signal: stop.signal };
  for await (const event of client.resource(endpointSlices).watch(scope)) {
    if (event.type === 'MODIFIED') seen(event.object);
  }
})().catch(() => {});

const times: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  const name = `web-${round % 20}`;
  const ready = Math.floor(round / 20) % 2 === 0;
  const { status } = await client.resource(pods).get(name, 'default');
  const conditions = (status?.conditions ?? []).filter(({ type }) => type !== 'Ready' && type !== 'example.com/gate');
  const value = ready ? 'True' : 'False';
  const own = ['Ready', 'example.com/gate'].map((type) => ({ type, status: value }));
  const body = { status: { conditions: [...conditions, ...own] } };
  const inSlice = new Promise<void>((resolve) => {
    seen = ({ endpoints }) => {
      if (endpoints?.find(({ targetRef }) => targetRef?.name === name)?.conditions?.ready === ready) resolve();
    };
  });
  const begin = performance.now();
  await client.resource(pods).patch({ name, namespace: 'default', type: 'merge', body }, { subresource: 'status' });
  await inSlice;
  times.push(performance.now() - begin);
  await cluster.settled();
}
stop.abort();
await watching;
await cluster.stop();
const measured = times.slice(20);
console.log(JSON.stringify({ median: median(measured), p99: percentile(measured, 0.99) }));
