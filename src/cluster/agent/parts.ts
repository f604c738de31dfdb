// Puts the parts of a node together. Each runs until the signal aborts; the first that fails for good ends the node.
import { kubernetesVersion } from '../../apiserver/version.ts';
import { createEventRecorder } from '../../client/events.ts';
import { DnsServer } from '../../dns/dns-server.ts';
import { parseSettings } from '../../dns/settings.ts';
import { criClient } from '../../kubelet/cri/client.ts';
import { Kubelet } from '../../kubelet/kubelet.ts';
import { parseResolvConf } from '../../kubelet/pod/dns-settings.ts';
import { Announcer } from '../../loadbalancer/announcer.ts';
import { processFamilies } from '../../metrics/process-metrics.ts';
import { PolicyEnforcer } from '../../networkpolicy/policy-enforcer.ts';
import { PodNetwork } from '../../podnetwork/pod-network.ts';
import { KubeProxy } from '../../proxy/kube-proxy.ts';
import { realFollow } from '../../system/real/follow.ts';
import { Failure } from '../failure.ts';
import type { NodeContext } from './agent.ts';
import { PacketWatches } from './packet-watch.ts';
import { proxySettings } from './proxy-settings.ts';
import { SearchPaths } from './search-paths.ts';
import { runTunnels } from './tunnels.ts';
import { writtenRules } from './written-rules.ts';

const proxyMetricsAddress = '127.0.0.1:10249';

export async function runParts(context: NodeContext, signal: AbortSignal): Promise<void> {
  const network = podNetwork(context);
  const kubelet = kubeletOf(context, network);
  await Promise.all([
    kubelet.run(signal),
    openTunnels(context, kubelet, signal),
    network.run(signal),
    policyEnforcer(context).run(signal),
    runProxy(context, signal),
    runDns(context, signal),
    announcer(context).run(signal),
  ]);
}

function openTunnels(
  { options, identity, informers }: NodeContext,
  kubelet: Kubelet,
  signal: AbortSignal,
): Promise<void> {
  const { server, nodeName, tools, log } = options;
  const networkNamespaceOf = (address: string) => kubelet.networkNamespaceOf(address);
  const watches = new PacketWatches(nodeName, { ...tools, follow: realFollow, networkNamespaceOf });
  return runTunnels(
    {
      ...tools,
      server,
      nodeName,
      handler: watches.before(writtenRules(`http://${proxyMetricsAddress}`, kubelet.handler)),
      ca: identity().ca,
      credentials: () => ({ certPem: identity().cert, keyPem: identity().key }),
      informers,
      log,
    },
    signal,
  );
}

function kubeletOf({ options, cluster, client, informers }: NodeContext, network: PodNetwork): Kubelet {
  const { nodeName, nodeIPs, cgroupRoot, rootDir, staticPodPath, housekeeping, nodeLeaseDuration, log } = options;
  return new Kubelet({
    ...options.tools,
    client,
    informers,
    nodeName,
    nodeIPs,
    version: `v${kubernetesVersion}`,
    cgroupRoot,
    clusterDNS: cluster.clusterDNS,
    clusterDomain: cluster.clusterDomain,
    rootDir,
    staticPodPath,
    housekeeping,
    allowedUnsafeSysctls: options.allowedUnsafeSysctls,
    ...(nodeLeaseDuration !== undefined && { nodeLeaseDurationSeconds: nodeLeaseDuration }),
    cri: criClient(options.containerdSocket),
    runtimeSocket: options.containerdSocket,
    networkReady: network.ready,
    podCIDRs: () => network.ranges(),
    log: (message) => log(`kubelet: ${message}`),
  });
}

function podNetwork({ options, cluster, client, informers }: NodeContext): PodNetwork {
  return new PodNetwork({
    ...options.tools,
    client,
    informers,
    mode: options.podNetwork,
    nodeName: options.nodeName,
    clusterCIDRs: cluster.clusterCIDRs,
    cniConfDir: options.cniConfDir,
    ipamDir: options.ipamDir,
    log: options.log,
  });
}

function policyEnforcer({ options, client, informers }: NodeContext): PolicyEnforcer {
  return new PolicyEnforcer({
    ...options.tools,
    client,
    informers,
    follow: realFollow,
    nodeName: options.nodeName,
    log: (message) => options.log(`network policy: ${message}`),
  });
}

function runProxy({ options, cluster, client, informers }: NodeContext, signal: AbortSignal): Promise<void> {
  const { exec, clock, random } = options.tools;
  const proxy = new KubeProxy({
    settings: proxySettings(options.proxyMode, cluster),
    nodeName: options.nodeName,
    informers,
    exec,
    clock,
    follow: realFollow,
    watches: 'shared', // DNS needs all of them too
    healthzAddress: '0.0.0.0:10256',
    metricsAddress: proxyMetricsAddress,
    recorder: createEventRecorder({ client, clock, random, component: 'kube-proxy', host: options.nodeName }),
    log: (message) => options.log(`proxy: ${message}`),
  });
  return proxy.run(signal);
}

/** Answers for addresses of load balancers. */
function announcer({ options, client, informers }: NodeContext): Announcer {
  const { nodeName, log } = options;
  const { exec, clock, random } = options.tools;
  const recorder = createEventRecorder({ client, clock, random, component: 'service-announcer', host: nodeName });
  return new Announcer({ client, informers, exec, clock, recorder, nodeName, log });
}

async function runDns({ options, cluster, informers }: NodeContext, signal: AbortSignal): Promise<void> {
  const { clock, random, files } = options.tools;
  const log = (message: string) => options.log(`DNS: ${message}`);
  const parsed = parseSettings({ upstream: options.dnsUpstreams, stub: options.dnsStubs }, '');
  if (parsed.kind === 'wrong') throw new Failure(`--${parsed.message}`, { exitCode: 2 });
  const node = parseResolvConf((await files.read('/etc/resolv.conf')) ?? '');
  const searchPaths = new SearchPaths({ servers: cluster.clusterDNS, domain: cluster.clusterDomain, node });
  searchPaths.follow(informers, options.nodeName);
  const server = new DnsServer({
    informers,
    listen: options.nodeIPs.map((address) => ({ address, port: 53 })),
    httpAddresses: options.nodeIPs.map((address) => ({ address, port: 9153 })),
    settings: parsed.settings,
    domain: cluster.clusterDomain,
    clusterCIDRs: [...cluster.clusterCIDRs, ...cluster.serviceCIDRs],
    autopath: searchPaths.of,
    moreMetrics: processFamilies(),
    clock,
    random,
    log,
    onListening: (addresses) => options.log(`DNS answers on ${addresses.map((a) => a.address).join(', ')}`),
  });
  await server.run(signal);
}
