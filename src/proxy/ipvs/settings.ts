/** What only the ipvs mode is told; kube-proxy's flags --ipvs-…. */
export interface IpvsSettings {
  /** How the kernel picks a real server: `rr` (default), `lc`, `sh`, `mh`, …. */
  readonly scheduler?: string;
  /** Answer ARP for an address on the interface that has it only, and ask in its name only (arp_ignore, arp_announce). */
  readonly strictARP?: boolean;
  /** Virtual servers in these prefixes are somebody else's. */
  readonly excludeCIDRs?: readonly string[];
  /** How long connections without packets are kept, in milliseconds; 0 (default) leaves the kernel's. */
  readonly tcpTimeout?: number;
  readonly tcpFinTimeout?: number;
  readonly udpTimeout?: number;
}

export const defaultScheduler = 'rr';
