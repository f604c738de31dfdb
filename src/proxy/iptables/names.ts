// The names of kube-proxy's chains: operators and tools look for them.
import { type Endpoint, endpointText } from '../endpoint.ts';
import { shortHash } from '../hash.ts';
import type { ServicePort } from '../service-port.ts';

export const chains = {
  services: 'KUBE-SERVICES',
  externalServices: 'KUBE-EXTERNAL-SERVICES',
  nodePorts: 'KUBE-NODEPORTS',
  postrouting: 'KUBE-POSTROUTING',
  markMasquerade: 'KUBE-MARK-MASQ',
  forward: 'KUBE-FORWARD',
  proxyFirewall: 'KUBE-PROXY-FIREWALL',
  firewall: 'KUBE-FIREWALL',
  canary: 'KUBE-PROXY-CANARY',
} as const;

/** Whether the chain belongs to one Service, and may go when no Service wants it. */
export function isServiceChain(name: string): boolean {
  return /^KUBE-(SVC|SVL|SEP|FW|EXT)-/.test(name);
}

export interface ServiceChains {
  /** Picks an endpoint of the cluster. */
  readonly cluster: string;
  /** Picks an endpoint of this node. */
  readonly local: string;
  /** Takes traffic from outside. */
  readonly external: string;
  /** Lets through those who may use the load balancer's addresses. */
  readonly firewall: string;
}

export function serviceChains({ name, protocol }: Pick<ServicePort, 'name' | 'protocol'>): ServiceChains {
  const hash = shortHash(name + protocol, 16);
  return {
    cluster: `KUBE-SVC-${hash}`,
    local: `KUBE-SVL-${hash}`,
    external: `KUBE-EXT-${hash}`,
    firewall: `KUBE-FW-${hash}`,
  };
}

export function endpointChain({ name, protocol }: ServicePort, endpoint: Endpoint): string {
  return `KUBE-SEP-${shortHash(name + protocol + endpointText(endpoint), 16)}`;
}
