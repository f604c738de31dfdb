// Where everything of a cluster is on the machine: names, addresses and paths, computed from its name and its index.
// Everything carries the cluster's name, so that `down` finds what a dead run left.
import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** What does not change while a cluster lives; kept in its data folder and its run folder as `cluster.json`. */
export interface ClusterRecord {
  /** The version of this format and of the data folder. */
  readonly version: number;
  readonly name: string;
  /** N of 172.30.N.0/24; 0–255, unique on the machine. */
  readonly index: number;
  readonly nodes: number;
  /** TCP port of the API server on 127.0.0.1 and the bridge's address. */
  readonly apiPort: number;
  readonly proxyMode: string;
  /** Ranges of pods and of Services, one or one per family, with commas; absent in records of before there was a choice. */
  readonly podCIDRs?: string;
  readonly serviceCIDRs?: string;
  /** Of DNS names; absent means `cluster.local`. */
  readonly clusterDomain?: string;
  /** How pods of other nodes are reached; absent means `auto`. */
  readonly podNetwork?: string;
  /** Absent in records of before there were any. */
  readonly hollowNodes?: number;
  readonly egress: boolean;
  /** Name servers for other names, and by domain; absent means the machine's own, where pods reach beyond it. */
  readonly dnsUpstreams?: readonly string[];
  readonly dnsStubs?: readonly string[];
  readonly dataDir: string;
}

/** The data folder's format that this program reads and writes. */
export const dataVersion = 1;

/** Ranges of pods and Services of a cluster for which none were asked. */
const podCIDRs = '10.244.0.0/16,fd00:10:244::/56';
const serviceCIDRs = '10.96.0.0/16,fd00:96::/112';

/** What the cluster's pods and Services live in, as flags take it. */
export function rangesOf(chosen: {
  readonly podCIDRs?: string | undefined;
  readonly serviceCIDRs?: string | undefined;
}) {
  return { podCIDRs: chosen.podCIDRs ?? podCIDRs, serviceCIDRs: chosen.serviceCIDRs ?? serviceCIDRs };
}

export const runRoot = '/run/portico';
/** Held by the command that changes the cluster. */
export const clusterLock = (cluster: string): string => `${runRoot}/${cluster}.lock`;
export const dataRoot = '/var/lib/portico';
export const firstAPIPort = 6443;

/** Lower-case letters, digits and dashes, as in a DNS label, so that it can be part of names of links and folders. */
export const clusterNamePattern = /^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/;

export function nodeNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `node-${i + 1}`);
}

/** `portico0` for the cluster `portico`; else the cluster's name after `pt-`, shortened by a hash beyond 15 characters. */
export function bridgeName(cluster: string): string {
  if (cluster === 'portico') return 'portico0';
  if (cluster.length <= 12) return `pt-${cluster}`;
  return `pt-${cluster.slice(0, 7)}${createHash('sha256').update(cluster).digest('hex').slice(0, 5)}`;
}

export const namespacePrefix = (cluster: string): string => `portico-${cluster}-node-`;
export const cgroupName = (cluster: string): string => `portico-${cluster}`;
export const nftTable = (cluster: string): string => `portico-${cluster}`;

export interface NodeLayout {
  readonly name: string;
  readonly namespace: string;
  readonly addresses: readonly [v4: string, v6: string];
  /** The host's end of the node's `eth0`. */
  readonly hostLink: string;
}

export interface NetworkLayout {
  readonly bridge: string;
  readonly v4: { readonly subnet: string; readonly host: string; readonly prefix: 24 };
  readonly v6: { readonly subnet: string; readonly host: string; readonly prefix: 64 };
  /** For load balancers: the upper half of the IPv4 block, and a block of the IPv6 one that no node is in. */
  readonly loadBalancers: readonly [v4: string, v6: string];
  readonly nodes: readonly NodeLayout[];
}

export function networkLayout({ name, index, nodes }: Pick<ClusterRecord, 'name' | 'index' | 'nodes'>): NetworkLayout {
  // RFC 5952: the zero of the first cluster is part of the `::`.
  const v6 = index === 0 ? 'fd00:172:30::' : `fd00:172:30:${index.toString(16)}::`;
  return {
    bridge: bridgeName(name),
    v4: { subnet: `172.30.${index}.0/24`, host: `172.30.${index}.1`, prefix: 24 },
    v6: { subnet: `${v6}/64`, host: `${v6}1`, prefix: 64 },
    loadBalancers: [`172.30.${index}.128/25`, `${v6}1:0/112`],
    nodes: nodeNames(nodes).map((node, i) => ({
      name: node,
      namespace: `${namespacePrefix(name)}${i + 1}`,
      addresses: [`172.30.${index}.${11 + i}`, `${v6}${(11 + i).toString(16)}`],
      hostLink: `pt${index}-${node}`.slice(0, 15),
    })),
  };
}

export interface NodePaths {
  readonly data: string;
  readonly run: string;
  readonly containerdConfig: string;
  readonly containerdRoot: string;
  readonly containerdState: string;
  readonly containerdSocket: string;
  readonly agentRoot: string;
  /** Folders named after registries, each with a hosts.toml (containerd's certs.d). */
  readonly registries: string;
  readonly log: (part: string) => string;
}

export interface ClusterPaths {
  readonly data: string;
  readonly run: string;
  readonly record: string;
  readonly runRecord: string;
  readonly kubeconfig: string;
  readonly server: string;
  readonly images: string;
  readonly log: (part: string) => string;
  readonly node: (name: string) => NodePaths;
}

export function clusterPaths(name: string, dataDir: string): ClusterPaths {
  const run = join(runRoot, name);
  return {
    data: dataDir,
    run,
    record: join(dataDir, 'cluster.json'),
    runRecord: join(run, 'cluster.json'),
    kubeconfig: join(dataDir, 'kubeconfig'),
    server: join(dataDir, 'server'),
    images: join(dataDir, 'images'),
    log: (part) => join(dataDir, 'logs', `${part}.log`),
    node: (node) => {
      const nodeData = join(dataDir, 'nodes', node);
      const nodeRun = join(run, node);
      return {
        data: nodeData,
        run: nodeRun,
        containerdConfig: join(nodeRun, 'containerd.toml'),
        containerdRoot: join(nodeData, 'containerd'),
        containerdState: join(nodeRun, 'containerd'),
        containerdSocket: join(nodeRun, 'containerd.sock'),
        agentRoot: join(nodeData, 'agent'),
        registries: join(dataDir, 'registries'),
        log: (part) => join(dataDir, 'logs', `${node}-${part}.log`),
      };
    },
  };
}
