// Controllers and scheduler of a control plane, over the in-process way into the API server.

import { createPrivateKey } from 'node:crypto';
import { hostname } from 'node:os';
import { signLegacyToken } from '../apiserver/authentication/legacy-token.ts';
import type { KeyPair } from '../apiserver/pki/certificates.ts';
import { kubernetesVersion } from '../apiserver/version.ts';
import { createInformers } from '../client/informers.ts';
import { namedTransport } from '../client/named-transport.ts';
import { createClient } from '../client/rest-client.ts';
import type { Transport } from '../client/types.ts';
import type { ControllersConfig, NodeEvictionConfig } from '../controllers/config.ts';
import type { ControllerMetrics } from '../controllers/controller.ts';
import { runControllers, selectControllers, UnknownControllerError } from '../controllers/run.ts';
import type { HollowNodesOptions } from '../kubelet/hollow/hollow-nodes.ts';
import { runScheduler } from '../scheduler/scheduler.ts';
import type { Clock } from '../system/clock.ts';
import { realClock } from '../system/real/clock.ts';
import { realRandom } from '../system/real/random.ts';
import { clusterDNS } from './cluster-dns.ts';
import { Failure } from './failure.ts';

export interface ControlLoopsOptions {
  readonly transport: Transport;
  /** As kube-controller-manager's `--controllers`. */
  readonly controllers: readonly string[];
  /** Whether the scheduler runs; false leaves pods to another program. Default true. */
  readonly scheduler?: boolean;
  readonly clusterCIDRs: readonly string[];
  readonly serviceClusterIPRanges: readonly string[];
  readonly ca: KeyPair;
  /** PEM of the private key that signs service account tokens. */
  readonly serviceAccountKeyPem: string;
  /** Waits to be elected among the servers of one store. Default false. */
  readonly leaderElect?: boolean;
  /** Milliseconds; defaults: a year, 50 s. */
  readonly clusterSigningDuration?: number;
  readonly nodeMonitorGracePeriod?: number;
  readonly nodeEviction?: NodeEvictionConfig;
  /** Nodes whose kubelet is played. Default 0. */
  readonly hollowNodes?: number;
  readonly clock: Clock;
  readonly metrics?: ControllerMetrics;
  readonly onError: (error: unknown, what: string) => void;
}

function controllersConfig({
  ca,
  serviceAccountKeyPem,
  clusterCIDRs,
  serviceClusterIPRanges,
  clusterSigningDuration,
  nodeMonitorGracePeriod,
  nodeEviction,
}: ControlLoopsOptions): ControllersConfig {
  const tokenKey = createPrivateKey(serviceAccountKeyPem);
  return {
    clusterCIDRs,
    clusterDNS: clusterDNS(serviceClusterIPRanges),
    rootCA: ca.certPem,
    ...(nodeMonitorGracePeriod !== undefined && { nodeMonitorGracePeriod }),
    ...(nodeEviction && { nodeEviction }),
    signLegacyToken: (subject) => signLegacyToken(subject, tokenKey),
    // The library that signs takes 0.1 s to load, so it loads when the first request comes.
    async sign(request) {
      const { signClientCertificate } = await import('../apiserver/pki/signer.ts');
      const duration = clusterSigningDuration === undefined ? {} : { duration: clusterSigningDuration / 1000 };
      return signClientCertificate(request, { ca, clock: realClock, random: realRandom, ...duration });
    },
    async parseRequest(pem) {
      const { parseRequest } = await import('../apiserver/pki/certificate-request.ts');
      return parseRequest(pem);
    },
  };
}

async function hollow(options: Omit<HollowNodesOptions, 'version'>) {
  const { runHollowNodes } = await import('../kubelet/hollow/hollow-nodes.ts');
  await runHollowNodes({ ...options, version: `v${kubernetesVersion}-hollow` });
}

/** Throws a Failure for a name that is no controller's; nothing runs before the function returned is called. */
export async function prepareControlLoops(
  options: ControlLoopsOptions,
): Promise<(signal: AbortSignal) => Promise<void>> {
  let names: string[];
  try {
    names = selectControllers(options.controllers);
  } catch (error) {
    if (!(error instanceof UnknownControllerError)) throw error;
    throw new Failure(`--controllers: ${error.message}`, { cause: error, exitCode: 2 });
  }
  const { transport, clock, metrics, onError, scheduler = true, hollowNodes = 0 } = options;
  // The names that fields are managed under in any cluster: tools look for them.
  const named = (name: string) => createClient(namedTransport(transport, name));
  const client = named('kube-controller-manager');
  const system = { clock, random: realRandom, onError };
  const config = controllersConfig(options);
  const work = async (signal: AbortSignal) => {
    // Made anew for every term: those of an earlier one are stale.
    const informers = createInformers(client, system);
    await Promise.all([
      runControllers({ client, informers, ...system, config, names, signal, ...(metrics && { metrics }) }),
      ...(scheduler ? [runScheduler({ client: named('kube-scheduler'), informers, ...system, signal })] : []),
      ...(hollowNodes > 0
        ? [hollow({ client: named('kubelet'), informers, clock, signal, count: hollowNodes, onError })]
        : []),
      informers.run(signal),
    ]);
  };
  if (!options.leaderElect) return work;
  const { runElected } = await import('../client/leader-election.ts');
  const lease = { namespace: 'kube-system', name: 'kube-controller-manager' };
  const identity = `${hostname()}_${realRandom.uuid()}`;
  return (signal) =>
    runElected(
      {
        client,
        ...lease,
        identity,
        clock,
        random: realRandom,
        signal,
        onError: (error) => onError(error, 'leader election'),
      },
      work,
    );
}
