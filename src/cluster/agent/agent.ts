// One node in one process: who it is (identity), the pods (kubelet), their network (pod network), Services (proxy) and names
// (DNS), over one connection to the API server and one set of informers.
import { join } from 'node:path';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { HttpTransport } from '../../client/http-transport.ts';
import { createInformers } from '../../client/informers.ts';
import { reportOnce } from '../../client/report-once.ts';
import { createClient } from '../../client/rest-client.ts';
import type { Client, Informers } from '../../client/types.ts';
import type { HousekeepingSettings } from '../../kubelet/housekeeping.ts';
import type { PodNetworkMode } from '../../podnetwork/routes.ts';
import type { ProxyMode } from '../../proxy/settings.ts';
import type { Clock } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import type { Files } from '../../system/files.ts';
import type { Random } from '../../system/random.ts';
import type { ClusterSettings } from '../cluster-settings.ts';
import { endOf, type Identity, type IdentityOptions, obtainIdentity, renewalTime, renewIdentity } from './identity.ts';
import { learnSettings } from './learn-settings.ts';
import type { Machine } from './machine.ts';
import { RenewableTransport } from './renewable-transport.ts';

export interface AgentOptions {
  /** `https://172.30.0.1:6443`. */
  readonly server: string;
  /** Asked only when the node has no usable certificate. */
  readonly token: () => Promise<string>;
  /** From the token where that is known already: a certificate that another CA signed is of no use. */
  readonly caHash?: string | undefined;
  /** Milliseconds for which a server that does not answer is tried by a node that is new. */
  readonly joinTimeout: number;
  /** Seconds; default 40. */
  readonly nodeLeaseDuration?: number | undefined;
  readonly nodeName: string;
  /** The primary one first; empty means those of the default route's interface. */
  readonly nodeIPs: readonly string[];
  readonly containerdSocket: string;
  /** A machine of its own, to which the agent sees; absent where somebody else does. */
  readonly machine?: Machine | undefined;
  readonly rootDir: string;
  readonly cniBinDir: string;
  readonly cniConfDir: string;
  /** Where host-local keeps taken addresses; undefined: where it does by itself. */
  readonly ipamDir?: string | undefined;
  /** As `/portico-NAME/node-1`, from the root of every hierarchy. */
  readonly cgroupRoot: string;
  /** What flags say of the cluster; the rest is asked of the server. */
  readonly given: Partial<ClusterSettings>;
  readonly proxyMode: ProxyMode;
  /** How pods of other nodes are reached. */
  readonly podNetwork: PodNetworkMode;
  /** Servers for other names than the cluster's, and for those below a domain, as `portico dns` takes them. */
  readonly dnsUpstreams: readonly string[];
  readonly dnsStubs: readonly string[];
  readonly tools: { readonly clock: Clock; readonly exec: Exec; readonly files: Files; readonly random: Random };
  /** What was said of eviction, image removal and logs; the rest is as by default. */
  readonly housekeeping: Partial<HousekeepingSettings>;
  /** Kernel settings that pods may make beside the safe ones. */
  readonly allowedUnsafeSysctls: readonly string[];
  /** Folder of the manifests of static pods. */
  readonly staticPodPath: string;
  /** One line of what happens. */
  readonly log: (message: string) => void;
}

/** What the parts of a node share. */
export interface NodeContext {
  readonly options: AgentOptions;
  readonly cluster: ClusterSettings;
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
    nodeIPs: options.nodeIPs,
    folder: join(options.rootDir, 'pki'),
    token: options.token,
    caHash: options.caHash,
    joinTimeout: options.joinTimeout,
    clock: tools.clock,
    files: tools.files,
    log,
  };
  const parts = import('./parts.ts'); // read from disk while the certificate is on its way
  let identity = await obtainIdentity(identityOptions, signal);
  log(`${options.nodeName} has its certificate`);
  const keepMachine = options.machine && (await startMachine(options.machine, signal));
  const connect = (): HttpTransport =>
    new HttpTransport({ server: options.server, clock: tools.clock, ...identity, userAgent: 'kubelet' });
  const transport = new RenewableTransport(connect());
  const client = createClient(transport);
  const informers = createInformers(client, {
    clock: tools.clock,
    random: tools.random,
    maxRetryDelay: 1000, // stale names and endpoints go within a second of the API server's return
    onError: reportOnce(log, tools.clock),
  });
  const renew = async (): Promise<void> => {
    while (!signal.aborted) {
      await sleepUntil(tools.clock, renewalTime(identity), signal);
      try {
        const hasEnded = endOf(identity) <= tools.clock.now();
        identity = await (hasEnded
          ? obtainIdentity(identityOptions, signal)
          : renewIdentity(client, identity.ca, identityOptions, signal));
        transport.replace(connect());
        log(`the certificate was renewed until ${new Date(endOf(identity)).toISOString()}`);
      } catch (error) {
        if (signal.aborted) return;
        log(`renewing the certificate: ${errorMessage(error)}`);
        await tools.clock.sleep(retryDelay(endOf(identity) - tools.clock.now()), signal);
      }
    }
  };
  const { given } = options;
  try {
    const cluster = await learnSettings({ ...tools, given, client, folder: identityOptions.folder, log }, signal);
    const context: NodeContext = { options, cluster, client, informers, identity: () => identity };
    const running = (await parts).runParts(context, signal);
    await Promise.all([running, informers.run(signal), renew(), keepMachine?.()]);
  } finally {
    transport.close();
  }
}

/** Resolves when the machine is ready, with what keeps it so. */
async function startMachine(machine: Machine, signal: AbortSignal): Promise<() => Promise<void>> {
  const { keepContainerd, prepareMachine } = await import('./machine.ts');
  await prepareMachine(machine, signal);
  return () => keepContainerd(machine, signal);
}

/** A renewal that failed is tried several times before the certificate ends, which is in `left` milliseconds. */
function retryDelay(left: number): number {
  return Math.min(Math.max(left / 4, 1000), 60_000);
}

/** Timers hold 2^31 - 1 ms at most: a longer wait is made of several. */
async function sleepUntil(clock: Clock, time: number, signal: AbortSignal): Promise<void> {
  for (let left = time - clock.now(); left > 0; left = time - clock.now()) {
    await clock.sleep(Math.min(left, 24 * 3600 * 1000), signal);
  }
}
