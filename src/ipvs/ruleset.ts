// What IPVS and ipset hold, as data.

export interface RealServer {
  readonly address: string;
  readonly port: number;
  /** 0 takes no new connections. */
  readonly weight: number;
}

export interface VirtualServer {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly address: string;
  readonly port: number;
  /** `rr`, `lc`, `mh`, …: the modules ip_vs_NAME of the kernel. */
  readonly scheduler: string;
  /** Seconds that a client stays with its real server; undefined without. */
  readonly persistentSeconds: number | undefined;
  readonly realServers: readonly RealServer[];
}

export interface IpSet {
  /** At most 31 characters. */
  readonly name: string;
  readonly type: 'hash:ip' | 'hash:ip,port' | 'hash:ip,port,ip' | 'hash:ip,port,net' | 'bitmap:port';
  /** Hash sets hold addresses of one family. */
  readonly family: 'inet' | 'inet6';
  readonly members: readonly string[];
}
