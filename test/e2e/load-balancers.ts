// Load balancers of a three-node cluster of this machine, as the host meets them. For the test and the bench.
import { execFileSync } from 'node:child_process';
import { get } from 'node:http';
import type { Service } from '../../src/api/core/v1/types.generated.ts';
import { announcedByAnnotation } from '../../src/api/portico/v1/load-balancer-pool.ts';
import type { GroupVersionResource, KubeObject } from '../../src/apimachinery/object.ts';
import { ignoreNotFound } from '../../src/apimachinery/status.ts';
import { httpActor } from '../../src/cli/demo/actor.ts';
import { services } from '../../src/client/resources.ts';
import type { Client } from '../../src/client/types.ts';
import { adminClient } from '../../src/cluster/admin-client.ts';
import { type ClusterRecord, cgroupName, type NetworkLayout, networkLayout } from '../../src/cluster/layout.ts';
import { clusterProcesses, findPart } from '../../src/cluster/processes.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realFiles } from '../../src/system/real/files.ts';
import { waitFor } from '../../src/testing/wait-for.ts';
import { repository } from '../fixtures/portico-process.ts';
import { type TestCluster, testCluster } from './portico.ts';

const namespace = 'default';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One request from the host on a connection of its own; undefined when none comes in so many milliseconds. */
export function ask(
  host: string,
  options: { readonly port?: number; readonly timeout?: number } = {},
): Promise<Answer | undefined> {
  const { port = 80, timeout = 5000 } = options;
  return new Promise((resolve) => {
    const request = get({ host, port, path: '/', agent: false, timeout }, async (response) => {
      let body = '';
      for await (const chunk of response.setEncoding('utf8')) body += chunk;
      resolve({ status: response.statusCode ?? 0, body });
    });
    request.once('timeout', () => request.destroy(new Error('no answer')));
    request.once('error', () => resolve(undefined));
  });
}

const answers = async (ip: string) => (await ask(ip, { timeout: 250 }))?.status === 200;

/** Asks again with each answer, or when none came, until `over`; the longest time between two answers, in milliseconds. */
async function longestSilence(ip: string, over: AbortSignal): Promise<number> {
  let last = performance.now();
  let longest = 0;
  while (!over.aborted) {
    const isAnswered = await answers(ip);
    const now = performance.now();
    longest = Math.max(longest, now - last);
    if (isAnswered) last = now;
  }
  return longest;
}

export class LoadBalancerCluster {
  readonly cluster: TestCluster;
  readonly client: Client;
  readonly network: NetworkLayout;

  private constructor(cluster: TestCluster, client: Client, network: NetworkLayout) {
    this.cluster = cluster;
    this.client = client;
    this.network = network;
  }

  /** With the pods of examples/nginx.yaml on their way. */
  static async start(purpose: string): Promise<LoadBalancerCluster> {
    const cluster = testCluster(purpose);
    try {
      const network = networkLayout(await up(cluster));
      const client = await adminClient(cluster.kubeconfig, { clock: realClock, files: realFiles });
      await httpActor(client).apply(`${repository}/examples/nginx.yaml`);
      return new LoadBalancerCluster(cluster, client, network);
    } catch (error) {
      await cluster.remove();
      throw error;
    }
  }

  /** Starts what was killed. */
  async repair(): Promise<void> {
    await up(this.cluster);
  }

  service(name: string): Promise<Service> {
    return this.client.resource<Service>(services).get(name, namespace);
  }

  async addresses(name: string): Promise<string[]> {
    return addressesOf(await this.service(name));
  }

  /** Makes a Service before the pods of the example, in place of one that is there; resolves with its addresses. */
  async create(name: string, spec: Partial<Service['spec']>): Promise<string[]> {
    await this.remove(name);
    await this.client.resource<Service>(services).create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace },
      spec: { type: 'LoadBalancer', selector: { app: 'nginx' }, ports: [{ port: 80 }], ...spec },
    });
    await this.until<Service>(services, name, (service) => addressesOf(service).length > 0);
    return this.addresses(name);
  }

  /** Deletes a Service, where there is one, and waits until it is gone. */
  async remove(name: string): Promise<void> {
    await this.client.resource<Service>(services).delete(name, namespace).catch(ignoreNotFound);
    await this.until<Service>(services, name, (service) => service === undefined);
  }

  /** Follows an object of the namespace, or one that is in none, until it is as told. */
  async until<T extends KubeObject>(
    resource: GroupVersionResource,
    name: string,
    condition: (object: T | undefined) => boolean,
  ): Promise<void> {
    const { client } = this;
    await waitFor<T>({ client, resource, name, condition, timeout: 300_000, clock: realClock });
  }

  /** Until the node that says that it answers is one for which the condition holds; gives its name. */
  async untilAnnounced(name: string, condition: (node: string) => boolean): Promise<string> {
    await this.until<Service>(services, name, (service) => condition(announcerOf(service)));
    return this.announcer(name);
  }

  /** The node that says that it answers. */
  async announcer(name: string): Promise<string> {
    return announcerOf(await this.service(name));
  }

  /** The nodes that have the address. */
  holders(ip: string): string[] {
    return this.network.nodes.filter((node) => hasAddress(node.namespace, ip)).map(({ name }) => name);
  }

  setCable(node: string, state: 'up' | 'down'): void {
    const link = this.network.nodes.find(({ name }) => name === node)?.hostLink ?? '';
    execFileSync('ip', ['link', 'set', link, state]);
  }

  killAgent(node: string): void {
    const { name } = this.cluster;
    const agent = findPart(clusterProcesses(name, cgroupName(name)), 'agent', node);
    if (!agent) throw new Error(`${node} has no agent`);
    process.kill(agent.pid, 'SIGKILL');
  }

  /** Lets the announcing node die and asks until another answers; gives the longest silence in milliseconds. */
  async takeover(
    name: string,
    die: (node: string) => void,
  ): Promise<{ readonly silence: number; readonly old: string }> {
    const [ip = ''] = await this.addresses(name);
    const old = await this.announcer(name);
    const over = new AbortController();
    const silence = longestSilence(ip, over.signal);
    die(old);
    await this.untilAnnounced(name, (node) => node !== old);
    while (!(await answers(ip)));
    over.abort();
    return { silence: await silence, old };
  }
}

const addressesOf = (service: Service | undefined): string[] =>
  (service?.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip ?? '');

const announcerOf = (service: Service | undefined): string =>
  service?.metadata.annotations?.[announcedByAnnotation] ?? '';

async function up(cluster: TestCluster): Promise<ClusterRecord> {
  const { code, stdout, stderr } = await cluster.portico('up', '--nodes', '3', '--egress', 'off', '--output', 'json');
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as ClusterRecord;
}

function hasAddress(networkNamespace: string, ip: string): boolean {
  const command = [`--net=/run/netns/${networkNamespace}`, 'ip', '-json', 'address', 'show', 'dev', 'eth0'];
  return execFileSync('nsenter', command, { encoding: 'utf8' }).includes(`"${ip}"`);
}
