// Puts the parts of a node together. Each runs until the signal aborts; the first that fails for good ends the node.
import { DnsServer } from '../../dns/dns-server.ts';
import { parseHostPort } from '../../dns/resolv-conf.ts';
import { IptablesBackend } from '../../proxy/iptables/backend.ts';
import { NftablesBackend } from '../../proxy/nftables/backend.ts';
import { Proxier } from '../../proxy/proxier.ts';
import { realFollow } from '../../system/real/follow.ts';
import type { NodeContext } from './agent.ts';

export async function runParts(context: NodeContext, signal: AbortSignal): Promise<void> {
  await Promise.all([runProxy(context, signal), runDns(context, signal)]);
}

function runProxy({ options, informers }: NodeContext, signal: AbortSignal): Promise<void> {
  const { exec, clock } = options.tools;
  const backend =
    options.proxyMode === 'iptables' ? new IptablesBackend({ exec }) : new NftablesBackend({ exec, clock, follow: realFollow });
  const proxier = new Proxier({
    settings: {
      mode: options.proxyMode,
      clusterCIDRs: options.clusterCIDRs,
      serviceCIDRs: options.serviceCIDRs,
      nodePortAddresses: [],
    },
    nodeName: options.nodeName,
    backend,
    informers,
    clock,
    watches: 'shared', // DNS needs all of them too
    log: (message) => options.log(`proxy: ${message}`),
  });
  return proxier.run(signal);
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
