// Puts the parts of a node together. Each runs until the signal aborts; the first that fails for good ends the node.
import { runTunnel } from '../../client/tunnel.ts';
import { DnsServer } from '../../dns/dns-server.ts';
import { parseHostPort } from '../../dns/resolv-conf.ts';
import { criClient } from '../../kubelet/cri/client.ts';
import { Kubelet } from '../../kubelet/kubelet.ts';
import { PodNetwork } from '../../podnetwork/pod-network.ts';
import { KubeProxy } from '../../proxy/kube-proxy.ts';
import { realFollow } from '../../system/real/follow.ts';
import type { NodeContext } from './agent.ts';

export async function runParts(context: NodeContext, signal: AbortSignal): Promise<void> {
  const network = podNetwork(context);
  const kubelet = kubeletOf(context, network.ready);
  await Promise.all([
    kubelet.run(signal),
    openTunnel(context, kubelet, signal),
    network.run(signal),
    runProxy(context, signal),
    runDns(context, signal),
  ]);
}

function openTunnel({ options, identity }: NodeContext, { handler }: Kubelet, signal: AbortSignal): Promise<void> {
  const { server, nodeName, tools, log } = options;
  return runTunnel(
    {
      ...tools,
      server,
      nodeName,
      handler,
      ca: identity().ca,
      credentials: () => ({ certPem: identity().cert, keyPem: identity().key }),
      onState: (lost) => log(lost ? `tunnel: ${lost.message}` : 'the tunnel to the API server stands'),
    },
    signal,
  );
}

function kubeletOf({ options, client, informers }: NodeContext, networkReady: Promise<void>): Kubelet {
  const { nodeName, nodeIPs, cgroupRoot, clusterDNS, rootDir, log } = options;
  return new Kubelet({
    ...options.tools,
    client,
    informers,
    nodeName,
    nodeIPs,
    cgroupRoot,
    clusterDNS,
    rootDir,
    cri: criClient(options.containerdSocket),
    runtimeSocket: options.containerdSocket,
    networkReady,
    log: (message) => log(`kubelet: ${message}`),
  });
}

function podNetwork({ options, informers }: NodeContext): PodNetwork {
  return new PodNetwork({
    ...options.tools,
    informers,
    nodeName: options.nodeName,
    clusterCIDRs: options.clusterCIDRs,
    cniConfDir: options.cniConfDir,
    log: options.log,
  });
}

function runProxy({ options, informers }: NodeContext, signal: AbortSignal): Promise<void> {
  const { exec, clock } = options.tools;
  const proxy = new KubeProxy({
    settings: {
      mode: options.proxyMode,
      clusterCIDRs: options.clusterCIDRs,
      serviceCIDRs: options.serviceCIDRs,
      nodePortAddresses: [],
    },
    nodeName: options.nodeName,
    informers,
    exec,
    clock,
    follow: realFollow,
    watches: 'shared', // DNS needs all of them too
    healthzAddress: '0.0.0.0:10256',
    metricsAddress: '127.0.0.1:10249',
    log: (message) => options.log(`proxy: ${message}`),
  });
  return proxy.run(signal);
}

function runDns({ options, informers }: NodeContext, signal: AbortSignal): Promise<void> {
  const { clock, random } = options.tools;
  const server = new DnsServer({
    informers,
    listen: options.nodeIPs.map((address) => ({ address, port: 53 })),
    upstreams: options.dnsUpstreams.map((text) => parseHostPort(text)).filter((upstream) => upstream !== undefined),
    clusterCIDRs: [...options.clusterCIDRs, ...options.serviceCIDRs],
    clock,
    random,
    onListening: (addresses) => options.log(`DNS answers on ${addresses.map((a) => a.address).join(', ')}`),
  });
  return server.run(signal);
}
