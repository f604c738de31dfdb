// A Deployment of 1,000 replicas behind a Service, on 100 hollow nodes of `portico server`, watched over HTTPS.
import type { Deployment } from '../../src/api/apps/v1/types.generated.ts';
import { isNodeReady } from '../../src/api/core/v1/node/facts.ts';
import type { NodeList } from '../../src/api/core/v1/types.generated.ts';
import type { EndpointSliceList } from '../../src/api/discovery/v1/types.generated.ts';
import { ask } from '../../test/fixtures/api-client.ts';
import { startServer } from '../../test/fixtures/portico-process.ts';

const replicas = 1000;
const server = await startServer(['--hollow-nodes', '100']);

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await ask(server, method, path, body);
  if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
  return answer.body as T;
}

async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 25));
}

async function readyNodes(): Promise<number> {
  const { items } = await call<NodeList>('GET', '/api/v1/nodes');
  return items.filter((node) => isNodeReady(node) && !node.spec.taints).length;
}

await until(async () => (await readyNodes()) === 100);
const labels = { app: 'web' };
const spec = { selector: labels, ports: [{ port: 80 }] };
await call('POST', '/api/v1/namespaces/default/services', { metadata: { name: 'web' }, spec });
const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web' }] } };
const deployment = { metadata: { name: 'web' }, spec: { replicas, selector: { matchLabels: labels }, template } };
const begin = performance.now();
await call('POST', '/apis/apps/v1/namespaces/default/deployments', deployment);
await until(async () => {
  const { status } = await call<Deployment>('GET', '/apis/apps/v1/namespaces/default/deployments/web');
  return status?.readyReplicas === replicas;
});
const running = performance.now();
await until(async () => {
  const path = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  const { items } = await call<EndpointSliceList>('GET', `${path}?labelSelector=kubernetes.io/service-name=web`);
  return items.flatMap(({ endpoints }) => endpoints ?? []).filter((e) => e.conditions?.ready).length === replicas;
});
const inSlices = performance.now();
await server.stop();
console.log(JSON.stringify({ running: (running - begin) / 1000, inSlices: (inSlices - begin) / 1000 }));
