// What the demo asks of the cluster: objects, DNS, rules of nodes, and requests from inside and outside.
import { Resolver } from 'node:dns/promises';
import { isPodReady } from '../../api/core/v1/pod/facts.ts';
import type { Endpoints, Pod, Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import type { ClusterAccess } from '../../client/kubeconfig.ts';
import { endpointSlices, endpoints, pods, services } from '../../client/resources.ts';
import type { Client } from '../../client/types.ts';
import { defaultClusterDomain } from '../../cluster/cluster-settings.ts';
import { Failure } from '../../cluster/failure.ts';
import { type ClusterRecord, type NodeLayout, networkLayout, rangesOf } from '../../cluster/layout.ts';
import type { IPFamily } from '../../net/ip.ts';
import type { Clock } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import type { Files } from '../../system/files.ts';
import { http } from '../../system/http.ts';
import { type NodeRules, nodeRules } from './node-rules.ts';
import { podExec } from './pod-exec.ts';

export interface DemoTools {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly files: Files;
}

export interface DemoClusterOptions {
  readonly client: Client;
  readonly record: ClusterRecord;
  readonly access: ClusterAccess;
  readonly tools: DemoTools;
  readonly signal: AbortSignal;
}

export interface ReadyEndpoint {
  readonly ip: string;
  readonly pod: string;
  readonly node: string;
}

const namespace = 'default';
/** A busy machine takes its time; one with time for it needs a second. */
const timeout = 180_000;

export class DemoCluster {
  readonly #options: DemoClusterOptions;
  readonly nodes: readonly NodeLayout[];
  /** Of Services that say nothing of families: that of the first range. */
  readonly family: IPFamily;
  /** The host's end of the node network: what an unhidden request from here comes from. */
  readonly hostAddress: string;

  constructor(options: DemoClusterOptions) {
    const { record } = options;
    const { nodes, v4, v6 } = networkLayout(record);
    const [first = ''] = rangesOf(record).serviceCIDRs.split(',');
    this.#options = options;
    this.nodes = nodes;
    this.family = first.includes(':') ? 'IPv6' : 'IPv4';
    this.hostAddress = this.family === 'IPv4' ? v4.host : v6.host;
  }

  addressOf({ addresses: [v4, v6] }: NodeLayout): string {
    return this.family === 'IPv4' ? v4 : v6;
  }

  /** Of DNS names. */
  get domain(): string {
    return this.#options.record.clusterDomain ?? defaultClusterDomain;
  }

  get now(): number {
    return this.#options.tools.clock.now();
  }

  /** Calls `look` until it gives something; fails saying that `what` did not come. */
  async until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const { clock } = this.#options.tools;
    const end = clock.monotonic() + timeout;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (clock.monotonic() > end) throw new Failure(`the demo waited ${timeout / 1000} s in vain for ${what}`);
      await clock.sleep(20, this.#options.signal);
    }
  }

  service(name: string): Promise<Service> {
    return this.#options.client.resource<Service>(services).get(name, namespace);
  }

  endpoints(name: string): Promise<Endpoints> {
    return this.#options.client.resource<Endpoints>(endpoints).get(name, namespace);
  }

  async slices(service: string): Promise<readonly EndpointSlice[]> {
    const labelSelector = `kubernetes.io/service-name=${service}`;
    return (await this.#options.client.resource<EndpointSlice>(endpointSlices).list({ namespace, labelSelector }))
      .items;
  }

  /** Ready endpoints of the Service's slices of that family. */
  async readyEndpoints(service: string): Promise<ReadyEndpoint[]> {
    const slices = (await this.slices(service)).filter((s) => s.addressType === this.family);
    return slices.flatMap((slice) =>
      (slice.endpoints ?? [])
        .filter((e) => e.conditions?.ready !== false)
        .map((e) => ({ ip: e.addresses[0] ?? '', pod: e.targetRef?.name ?? '', node: e.nodeName ?? '' })),
    );
  }

  async pods(labelSelector: string): Promise<readonly Pod[]> {
    return (await this.#options.client.resource<Pod>(pods).list({ namespace, labelSelector })).items;
  }

  async isReady(pod: string): Promise<boolean> {
    return isPodReady(await this.#options.client.resource<Pod>(pods).get(pod, namespace));
  }

  /** Standard output of a shell script that runs in the client pod. */
  inClient(script: string): Promise<string> {
    const { access, signal } = this.#options;
    return podExec(access, { pod: 'client', namespace, command: ['sh', '-c', script] }, signal);
  }

  rules(node: string): Promise<NodeRules> {
    return nodeRules(this.#options.tools.exec, this.#options.record, node, this.family);
  }

  /** Asks the DNS server of the first node. */
  resolver(): Resolver {
    const resolver = new Resolver({ timeout: 5000, tries: 3 });
    resolver.setServers([this.nodes[0]?.addresses[0] ?? '']);
    return resolver;
  }

  /** One request from the host, on a connection of its own; undefined when no answer comes within so many milliseconds. */
  ask(host: string, port: number, patience = 10_000): Promise<string | undefined> {
    return new Promise((resolve) => {
      const request = http.get({ host, port, path: '/', agent: false, timeout: patience }, async (response) => {
        let text = '';
        try {
          for await (const chunk of response.setEncoding('utf8')) text += chunk;
          resolve(response.statusCode === 200 ? text : undefined);
        } catch {
          resolve(undefined);
        }
      });
      request.once('timeout', () => request.destroy(new Error('no answer')));
      request.once('error', () => resolve(undefined));
    });
  }
}
