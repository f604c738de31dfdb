// What IPVS, ipset and the addresses of a device hold, as data.

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
  /** What the scheduler is told, as ipvsadm spells it (`mh-port`); none when absent. */
  readonly schedulerFlags?: string;
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

/** All of it on one node. */
export interface IpvsRuleset {
  /** On the device that carries the addresses of virtual servers. */
  readonly addresses: readonly string[];
  readonly sets: readonly IpSet[];
  readonly servers: readonly VirtualServer[];
}

/** What changes one ruleset into another, in the order of its lists. */
export interface IpvsUpdate {
  readonly sets: readonly SetCommand[];
  readonly servers: readonly ServerCommand[];
  readonly addresses: readonly AddressCommand[];
}

export type SetCommand =
  | { readonly verb: 'create'; readonly set: IpSet }
  | { readonly verb: 'add' | 'del'; readonly set: string; readonly member: string };

/** A virtual server without its real servers. */
export type ServerFacts = Omit<VirtualServer, 'realServers'>;
/** What names a virtual server among all. */
export type ServerName = Pick<VirtualServer, 'protocol' | 'address' | 'port'>;

export type ServerCommand =
  | { readonly verb: 'add-server' | 'edit-server'; readonly server: ServerFacts }
  | { readonly verb: 'delete-server'; readonly server: ServerName }
  | { readonly verb: 'add-real' | 'edit-real'; readonly server: ServerName; readonly real: RealServer }
  | { readonly verb: 'delete-real'; readonly server: ServerName; readonly real: Pick<RealServer, 'address' | 'port'> };

export interface AddressCommand {
  readonly verb: 'add' | 'del';
  readonly address: string;
}
