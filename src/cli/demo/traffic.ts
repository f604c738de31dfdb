// Chapters 3 and 4: who answers, by name, by ClusterIP and through node ports.
import { Failure } from '../../cluster/failure.ts';
import { joinHostPort } from '../../net/ip.ts';
import { type Tally, tally } from './answers.ts';
import type { Demo } from './demo.ts';
import type { DemoCluster } from './demo-cluster.ts';
import { replicas } from './outcome.ts';

export const asks = 60;

/** A shell script that asks `count` times, each on a connection of its own. */
export function askScript(url: string, count: number): string {
  return `i=0; while [ $i -lt ${count} ]; do wget -q -O - ${url} || echo failed; i=$((i+1)); done 2>/dev/null`;
}

/** As a client writes it: without the port of HTTP. */
export const urlOf = (host: string, port: number) => `http://${joinHostPort(host, port).replace(/:80$/, '')}`;

export function requireAll(what: string, { asked, answered, pods }: Tally, expected: number): void {
  if (answered !== asked) throw new Failure(`${what}: only ${answered} of ${asked} requests were answered`);
  if (pods.length !== expected) {
    throw new Failure(
      `${what}: ${pods.length} pods answered instead of ${expected} (${pods.map((p) => p.pod).join(', ')})`,
    );
  }
}

/** Asks until each pod has answered: objects are there before the rules of every node are. */
export async function untilAllAnswer(cluster: DemoCluster, what: string, ask: (count: number) => Promise<string[]>) {
  await cluster.until(`answers from ${replicas} pods of ${what}`, async () => {
    const { pods } = tally(20, await ask(20));
    return pods.length === replicas || undefined;
  });
}

export async function askFromHost(
  cluster: DemoCluster,
  hosts: readonly string[],
  options: { port: number; count: number },
) {
  const lines: string[] = [];
  for (const host of hosts)
    for (let i = 0; i < options.count; i++) lines.push((await cluster.ask(host, options.port)) ?? '');
  return lines;
}

export async function showTraffic({ cluster, page }: Demo): Promise<void> {
  page.chapter(`Ask from a pod, ${asks} times each`);
  const clusterIP = (await cluster.service('nginx-service')).spec?.clusterIP ?? '';
  for (const url of ['http://nginx-service', urlOf(clusterIP, 80)]) {
    const ask = async (count: number) => (await cluster.inClient(askScript(url, count))).split('\n');
    await untilAllAnswer(cluster, url, ask);
    const result = tally(asks, await ask(asks));
    page.tally(url, result);
    requireAll(url, result, replicas);
  }
}

export async function showNodePorts({ cluster, page }: Demo): Promise<void> {
  page.chapter('Ask from outside, through a port of the nodes');
  await showClusterPolicy(cluster, page);
  await showLocalPolicy(cluster, page);
}

async function nodePort(cluster: DemoCluster, service: string): Promise<number> {
  return (await cluster.service(service)).spec?.ports?.[0]?.nodePort ?? 0;
}

async function showClusterPolicy(cluster: DemoCluster, page: Demo['page']): Promise<void> {
  const port = await nodePort(cluster, 'nginx-nodeport');
  const [host = ''] = cluster.nodes.map((node) => cluster.addressOf(node));
  const ask = (count: number) => askFromHost(cluster, [host], { port, count });
  await untilAllAnswer(cluster, 'nginx-nodeport', ask);
  const result = tally(asks, await ask(asks));
  page.tally(`externalTrafficPolicy: Cluster, ${urlOf(host, port)}`, result, { showSources: true });
  requireAll('the NodePort with policy Cluster', result, replicas);
  if (result.sources.includes(cluster.hostAddress)) {
    throw new Failure(`with policy Cluster a pod saw the client's own address ${cluster.hostAddress}`);
  }
  page.lines('  The node hides the client behind its own address, so that the answer comes back through it.');
}

async function showLocalPolicy(cluster: DemoCluster, page: Demo['page']): Promise<void> {
  const port = await nodePort(cluster, 'nginx-local');
  const endpoints = await cluster.readyEndpoints('nginx-local');
  const withPods = cluster.nodes.filter((node) => endpoints.some((e) => e.node === node.name));
  const without = cluster.nodes.filter((node) => !withPods.includes(node));
  const hosts = withPods.map((node) => cluster.addressOf(node));
  const ask = (count: number) => askFromHost(cluster, hosts, { port, count });
  await untilAllAnswer(cluster, 'nginx-local', ask);
  const lines = await ask(Math.ceil(asks / hosts.length));
  const result = tally(lines.length, lines);
  page.tally(`externalTrafficPolicy: Local, ${hosts.map((host) => urlOf(host, port)).join(' ')}`, result, {
    showSources: true,
  });
  requireAll('the NodePort with policy Local', result, replicas);
  const host = cluster.hostAddress;
  if (result.sources.join() !== host)
    throw new Failure(`with policy Local the pods saw ${result.sources.join(', ')} instead of ${host}`);
  page.lines(`  Each node sends only to its own pods, and they see the client itself (${host}).`);
  for (const node of without) {
    if ((await cluster.ask(cluster.addressOf(node), port, 1000)) !== undefined)
      throw new Failure(`${node.name} has no pod of nginx-local and yet it answered`);
    page.lines(`  ${node.name} has no such pod, and gives no answer.`);
  }
}
