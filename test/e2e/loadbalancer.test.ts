// Load balancers of a cluster of this machine: addresses that the host reaches, and that outlive the node that answers.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Event, Pod, Service } from '../../src/api/core/v1/types.generated.ts';
import { type LoadBalancerPool, loadBalancerPools } from '../../src/api/portico/v1/load-balancer-pool.ts';
import { deployments, events, pods, services } from '../../src/client/resources.ts';
import { ClientTool } from '../fixtures/client-tools.ts';
import { ask, LoadBalancerCluster } from './load-balancers.ts';
import { eventually } from './portico.ts';

const namespace = 'default';
let lb: LoadBalancerCluster;

beforeAll(async () => {
  lb = await LoadBalancerCluster.start('e2e-lb');
});
afterAll(() => lb?.cluster.remove());

const told = async (name: string) => {
  const { items } = await lb.client.resource<Event>(events).list({ namespace });
  const own = items.filter(({ involvedObject }) => involvedObject.name === name);
  return own.map(({ reason, message }) => `${reason}: ${message}`);
};

async function untilUsed(count: number): Promise<void> {
  await lb.until<LoadBalancerPool>(loadBalancerPools, 'default', (pool) => pool?.status?.used === count);
}

/** Waits until the node that says that it answers for the Service is the only one that has its address; gives its name. */
async function oneHolder(name: string): Promise<string> {
  const [ip = ''] = await lb.addresses(name);
  return eventually('one node to have the address', async () => {
    const holder = lb.holders(ip).join();
    return holder !== '' && holder === (await lb.announcer(name)) ? holder : undefined;
  });
}

async function scale(replicas: number): Promise<void> {
  const change = { name: 'nginx', namespace, type: 'merge', body: { spec: { replicas } } } as const;
  await lb.client.resource(deployments).patch(change, { subresource: 'scale' });
}

/** What the nodes' health check ports say, in their order. */
async function health(port: number): Promise<(number | undefined)[]> {
  return Promise.all(lb.network.nodes.map(async ({ addresses }) => (await ask(addresses[0], { port }))?.status));
}

test('a Service gets an address of each family from the pool of the node network, and the host reaches it', async () => {
  const ips = await lb.create('web', { ipFamilyPolicy: 'PreferDualStack' });
  const { host } = lb.network.v4;
  expect(ips).toEqual([host.replace(/\.1$/, '.129'), lb.network.loadBalancers[1].replace(':0/112', ':1')]);
  for (const ip of ips) {
    const answering = new Set<string>();
    await eventually(`three pods behind ${ip}`, async () => {
      const answer = await ask(ip);
      if (answer?.status === 200) answering.add(answer.body.split(' ')[0] ?? '');
      return answering.size === 3 || undefined;
    });
  }
  const node = await lb.untilAnnounced('web', (said) => said !== '');
  await oneHolder('web');
  const events = [
    'EnsuringLoadBalancer: Ensuring load balancer',
    'EnsuredLoadBalancer: Ensured load balancer',
    `LoadBalancerAnnounced: ${node} answers for ${ips.join(', ')}`,
  ];
  await eventually('the events', async () => {
    const found = await told('web');
    return events.every((event) => found.includes(event)) ? true : undefined;
  });
  await untilUsed(2);
});

test('with policy Local pods see the client itself, and health check ports say where they are', async () => {
  const [ip = ''] = await lb.create('local', { externalTrafficPolicy: 'Local' });
  const answer = await eventually('an answer', async () => {
    const found = await ask(ip);
    return found?.status === 200 ? found : undefined;
  });
  expect(answer.body.trim().split(' ').at(-1)).toBe(lb.network.v4.host);
  const port = (await lb.service('local')).spec?.healthCheckNodePort ?? 0;
  await scale(1);
  const healthy = await eventually('one healthy node', async () => {
    const statuses = await health(port);
    const isOne = [...statuses].sort().join() === '200,503,503';
    return isOne ? lb.network.nodes[statuses.indexOf(200)]?.name : undefined;
  });
  // The address goes where the endpoint is, and goes on answering there.
  await lb.untilAnnounced('local', (node) => node === healthy);
  await eventually('an answer there', async () => ((await ask(ip))?.status === 200 ? true : undefined));
  await scale(3);
  await eventually('an endpoint on every node', async () =>
    (await health(port)).every((status) => status === 200) ? true : undefined,
  );
});

test('with policy Local a pod that asks the node port of another node gets to the endpoint there', async () => {
  const { nodePort } = (await lb.service('local')).spec?.ports?.[0] ?? {};
  const { items } = await lb.client.resource<Pod>(pods).list({ namespace, labelSelector: 'app=nginx' });
  const [client, ...others] = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const kubectl = new ClientTool({ program: 'kubectl', minor: '35', kubeconfig: lb.cluster.kubeconfig, namespace });
  try {
    for (const { metadata, status } of others) {
      const fetch = ['--', 'timeout', '10', 'wget', '-qO-', `http://${status?.hostIP}:${nodePort}`];
      for (let asked = 0; asked < 5; asked++) {
        const answer = await kubectl.ok('exec', client?.metadata.name ?? '', ...fetch);
        expect(answer.trim().split(' ')).toEqual([metadata.name, status?.podIP, 'sees', client?.status?.podIP]);
      }
    }
  } finally {
    kubectl.remove();
  }
});

test('when the node that answers is cut off, another does, and keeps it', async () => {
  const [ip = ''] = await lb.addresses('local');
  // A node that a busy machine forgets for seconds loses the address, too.
  await eventually('a takeover that lasts', async () => {
    const { old } = await lb.takeover('local', (node) => lb.setCable(node, 'down'));
    const fresh = await lb.announcer('local');
    lb.setCable(old, 'up');
    const holder = await oneHolder('local');
    await eventually('an answer', async () => ((await ask(ip))?.status === 200 ? true : undefined));
    return holder === fresh ? true : undefined;
  });
});

test('when its agent is killed another does, and the kernel takes the address from the old node', async () => {
  const { old } = await lb.takeover('local', (node) => lb.killAgent(node));
  expect(await oneHolder('local')).not.toBe(old);
  await lb.repair();
  await oneHolder('local');
});

test('another type, and the end of the Service, give the address back', async () => {
  const [ip = ''] = await lb.addresses('web');
  const all = lb.client.resource<Service>(services);
  await all.patch({ name: 'web', namespace, type: 'merge', body: { spec: { type: 'ClusterIP' } } });
  await lb.until<Service>(services, 'web', (service) => service?.metadata.finalizers === undefined);
  expect((await lb.service('web')).status?.loadBalancer).toEqual({});
  await eventually('nobody to have it', async () => (lb.holders(ip).length === 0 ? true : undefined));
  await lb.remove('local');
  await untilUsed(0);
});
