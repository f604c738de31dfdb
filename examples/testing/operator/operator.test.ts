import { readFileSync } from 'node:fs';
import { KubeConfig } from '@kubernetes/client-node';
import { deployments, endpointSlices, resourceOf, services, startCluster, type TestCluster } from 'portico/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Operator, runOperator } from './operator.ts';

interface Website {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string };
  spec: { image: string; replicas?: number };
  status?: { readyReplicas: number };
}

const websites = resourceOf<Website>('example.com', 'v1', 'websites');

let cluster: TestCluster;
let operator: Operator;
beforeAll(async () => {
  cluster = await startCluster({ nodes: 3 });
  await cluster.apply(readFileSync(new URL('./website.crd.yaml', import.meta.url), 'utf8'));
  const config = new KubeConfig();
  config.loadFromString(cluster.kubeconfig);
  operator = await runOperator(config);
});
afterAll(async () => {
  await operator.stop();
  await cluster.stop();
});

test('a Website runs, grows and goes with all that belongs to it', async () => {
  const api = cluster.client.resource(websites);
  await api.create({
    apiVersion: 'example.com/v1',
    kind: 'Website',
    metadata: { name: 'blog', namespace: 'default' },
    spec: { image: 'blog:1' },
  });
  // Its Deployment became pods on nodes, which are ready, and stand behind its Service.
  await cluster.waitFor(websites, 'blog', (blog) => blog?.status?.readyReplicas === 2);
  await cluster.settled();
  const slices = await cluster.client.resource(endpointSlices).list({
    namespace: 'default',
    labelSelector: 'kubernetes.io/service-name=blog',
  });
  expect(slices.items.flatMap(({ endpoints }) => endpoints)).toHaveLength(2);

  const body = { spec: { replicas: 3 } };
  await api.patch({ name: 'blog', namespace: 'default', type: 'merge', body });
  await cluster.waitFor(websites, 'blog', (blog) => blog?.status?.readyReplicas === 3);

  // The garbage collector takes what a Website owns.
  await api.delete('blog', 'default');
  await cluster.waitFor(deployments, 'blog', (deployment) => deployment === undefined);
  await cluster.waitFor(services, 'blog', (service) => service === undefined);
});

test('a rollout whose pods never become ready is told of after ten minutes, which pass at once', async () => {
  const annotations = { 'hollow.portico.dev/ready': 'false' };
  await cluster.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: slow }
spec:
  selector: { matchLabels: { app: slow } }
  template:
    metadata: { labels: { app: slow }, annotations: ${JSON.stringify(annotations)} }
    spec: { containers: [{ name: slow, image: slow }] }
`);
  await cluster.settled();
  await cluster.clock.advance(601_000);
  const { status } = await cluster.client.resource(deployments).get('slow', 'default');
  expect(status?.conditions?.find(({ type }) => type === 'Progressing')?.reason).toBe('ProgressDeadlineExceeded');
});
