// One node in one process: who it is (identity), the pods (kubelet), their network (pod network), Services (proxy) and names
// (DNS), over one connection to the API server and one set of informers.
import { join } from 'node:path';
import { HttpTransport } from '../../client/http-transport.ts';
import { createInformers } from '../../client/informers.ts';
import { createClient } from '../../client/rest-client.ts';
import type { Client, Informers } from '../../client/types.ts';
import type { PodNetworkMode } from '../../podnetwork/routes.ts';
import type { ProxyMode } from '../../proxy/settings.ts';
import type { Clock } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import type { Files } from '../../system/files.ts';
import type { Random } from '../../system/random.ts';
import { type Identity, type IdentityOptions, obtainIdentity, renewalTime, renewIdentity } from './identity.ts';
import { RenewableTransport } from './renewable-transport.ts';

export interface AgentOptions {
  /** `https://172.30.0.1:6443`. */
  readonly server: string;
  /** Asked only when the node has no usable certificate. */
  readonly token: () => Promise<string>;
  readonly nodeName: string;
  /** The primary one first; empty means those of the default route's interface. */
  readonly nodeIPs: readonly string[];
  readonly containerdSocket: string;
  readonly rootDir: string;
  readonly cniBinDir: string;
  readonly cniConfDir: string;
  /** As `/portico-NAME/node-1`, from the root of every hierarchy. */
  readonly cgroupRoot: string;
  readonly clusterCIDRs: readonly string[];
  readonly serviceCIDRs: readonly string[];
  readonly clusterDNS: readonly string[];
  readonly proxyMode: ProxyMode;
  /** How pods of other nodes are reached. */
  readonly podNetwork: PodNetworkMode;
  /** Servers for other names than the cluster's, and for those below a domain, as `portico dns` takes them. */
  readonly dnsUpstreams: readonly string[];
  readonly dnsStubs: readonly string[];
  readonly tools: { readonly clock: Clock; readonly exec: Exec; readonly files: Files; readonly random: Random };
  /** Folder of the manifests of static pods. */
  readonly staticPodPath: string;
  /** One line of what happens. */
  readonly log: (message: string) => void;
}

/** What the parts of a node share. */
export interface NodeContext {
  readonly options: AgentOptions;
  readonly client: Client;
  readonly informers: Informers;
  readonly identity: () => Identity;
}

/**
 * Runs the node until the signal aborts. Rejects when it cannot join, or when a part of it fails for good (an address that
 * cannot be listened on, a containerd that refuses); what can be retried is retried by the parts.
 */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { tools, log } = options;
  const identityOptions: IdentityOptions = {
    server: options.server,
    nodeName: options.nodeName,
    folder: join(options.rootDir, 'pki'),
    token: options.token,
    clock: tools.clock,
    files: tools.files,
  };
  const parts = import('./parts.ts'); // read from disk while the certificate is on its way
  let identity = await obtainIdentity(identityOptions, signal);
  log(`${options.nodeName} has its certificate`);
  const connect = (): HttpTransport =>
    new HttpTransport({ server: options.server, clock: tools.clock, ...identity, userAgent: 'portico-agent' });
  const transport = new RenewableTransport(connect());
  const client = createClient(transport);
  const informers = createInformers(client, {
    clock: tools.clock,
    random: tools.random,
    maxRetryDelay: 1000, // stale names and endpoints go within a second of the API server's return
    onError: (error, what) => log(`${what}: ${error instanceof Error ? error.message : error}`),
  });
  const renew = async (): Promise<void> => {
    while (!signal.aborted) {
      await sleepUntil(tools.clock, renewalTime(identity), signal);
      try {
        identity = await renewIdentity(client, identity.ca, identityOptions, signal);
        transport.replace(connect());
        log('the certificate was renewed');
      } catch (error) {
        if (signal.aborted) return;
        log(`renewing the certificate: ${error instanceof Error ? error.message : error}`);
        await tools.clock.sleep(60_000, signal);
      }
    }
  };
  const context: NodeContext = { options, client, informers, identity: () => identity };
  try {
    const running = (await parts).runParts(context, signal);
    await Promise.all([running, informers.run(signal), renew()]);
  } finally {
    transport.close();
  }
}

/** Timers hold 2^31 - 1 ms at most: a longer wait is made of several. */
async function sleepUntil(clock: Clock, time: number, signal: AbortSignal): Promise<void> {
  for (let left = time - clock.now(); left > 0; left = time - clock.now()) {
    await clock.sleep(Math.min(left, 24 * 3600 * 1000), signal);
  }
}
