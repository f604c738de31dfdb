// A Deployment of 1,000 replicas behind a Service, on 100 hollow nodes of `portico server`, watched over HTTPS.
import { request } from 'node:https';
import { startServer } from '../../test/fixtures/portico-process.ts';

const replicas = 1000;
const server = await startServer(['--hollow-nodes', '100']);

function call(method: string, path: string, body?: unknown): Promise<string> {
  const headers = { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request(`${server.url}${path}`, { method, headers, rejectUnauthorized: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => (response.statusCode! < 300 ? resolve(text) : reject(new Error(text))));
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 25));
}

const readyNodes = async () => {
  const { items } = JSON.parse(await call('GET', '/api/v1/nodes')) as {
    items: { status: { conditions: { type: string; status: string }[] }; spec: { taints?: unknown[] } }[];
  };
  return items.filter(({ spec, status }) => !spec.taints && status.conditions.some((c) => c.type === 'Ready')).length;
};
await until(async () => (await readyNodes()) === 100);
const labels = { app: 'web' };
const spec = { selector: labels, ports: [{ port: 80 }] };
await call('POST', '/api/v1/namespaces/default/services', { metadata: { name: 'web' }, spec });
const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web' }] } };
const deployment = { metadata: { name: 'web' }, spec: { replicas, selector: { matchLabels: labels }, template } };
const begin = performance.now();
await call('POST', '/apis/apps/v1/namespaces/default/deployments', deployment);
await until(async () => {
  const { status } = JSON.parse(await call('GET', '/apis/apps/v1/namespaces/default/deployments/web'));
  return status.readyReplicas === replicas;
});
const running = performance.now();
await until(async () => {
  const { items } = JSON.parse(
    await call(
      'GET',
      '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name=web',
    ),
  ) as { items: { endpoints: { conditions: { ready: boolean } }[] }[] };
  return items.flatMap(({ endpoints }) => endpoints.filter((e) => e.conditions.ready)).length === replicas;
});
const inSlices = performance.now();
await server.stop();
console.log(JSON.stringify({ running: (running - begin) / 1000, inSlices: (inSlices - begin) / 1000 }));
