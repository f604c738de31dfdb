// What a proxier is told, beside the objects of the API.
import type { IPFamily } from '../net/ip.ts';
import type { KernelFacts } from './iptables/kernel-facts.ts';
import type { ProxyNode, ServicePortPlan } from './plan.ts';

/** How to tell a pod's traffic from other traffic (kube-proxy's --detect-local-mode). */
export type LocalDetector =
  | { readonly kind: 'cidr'; readonly cidr: string }
  | { readonly kind: 'interface'; readonly name: string }
  | { readonly kind: 'interface-prefix'; readonly prefix: string };

/** The settings of a proxier of one family. */
export interface ProxyConfig {
  readonly family: IPFamily;
  readonly node: ProxyNode;
  readonly localDetector: LocalDetector | undefined;
  readonly masqueradeAll: boolean;
  /** Bit of the packet mark that asks for masquerading, 0 to 31. */
  readonly masqueradeBit: number;
  /** Ranges of cluster IPs of the family; addresses in them that no Service has are dropped. */
  readonly serviceCIDRs: readonly string[];
  /** Addresses that accept node ports; `all` for every address of the node. */
  readonly nodePortAddresses: readonly string[] | 'all';
  /** Whether node ports answer on 127.0.0.1; the kernel can do that for IPv4 only, and IPVS not at all. */
  readonly localhostNodePorts: boolean;
  /** What the iptables mode found of the kernel; a plain one when absent. */
  readonly kernel?: KernelFacts | undefined;
  /** Addresses of the node's interfaces, where somebody knows them beside those of its object. */
  readonly interfaceAddresses?: readonly string[] | undefined;
  /** How IPVS picks a real server; the other modes have no use for it. */
  readonly ipvsScheduler: string;
}

/** What one family of a node is to carry out, and by which settings. */
export interface FamilyPlans {
  /** In the order of their Services' names. */
  readonly plans: readonly ServicePortPlan[];
  readonly config: ProxyConfig;
}

export const defaultMasqueradeBit = 14;

/** The packet mark that asks for masquerading, as an unsigned number. */
export function masqueradeMark({ masqueradeBit }: Pick<ProxyConfig, 'masqueradeBit'>): number {
  return 2 ** masqueradeBit;
}
