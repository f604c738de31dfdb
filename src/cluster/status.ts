// What is there of a cluster: its parts with their memory, its nodes with addresses and health.
import type { Node } from '../api/core/v1/types.generated.ts';
import { nodes as nodesResource } from '../client/resources.ts';
import type { Clock } from '../system/clock.ts';
import type { Files } from '../system/files.ts';
import { adminClient } from './admin-client.ts';
import { type ClusterPaths, type ClusterRecord, cgroupName, networkLayout } from './layout.ts';
import { type ClusterProcess, clusterProcesses, findPart } from './processes.ts';
import { readRecord } from './record.ts';

export interface PartStatus {
  readonly part: string;
  readonly node?: string;
  readonly pid?: number;
  /** Bytes. */
  readonly residentMemory: number;
  readonly health: 'running' | 'not running';
  /** Where what it said is. */
  readonly log: string;
}

export interface NodeStatus {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly podCIDRs: readonly string[];
  readonly health: string;
}

export interface ClusterStatus {
  readonly name: string;
  readonly state: 'running' | 'degraded' | 'down' | 'absent';
  readonly server?: string;
  readonly kubeconfig?: string;
  readonly proxyMode?: string;
  readonly egress?: boolean;
  readonly parts: readonly PartStatus[];
  readonly nodes: readonly NodeStatus[];
}

export async function status(
  paths: ClusterPaths,
  name: string,
  tools: { files: Files; clock: Clock },
): Promise<ClusterStatus> {
  const record = await readRecord(tools.files, paths);
  const processes = clusterProcesses(name, cgroupName(name));
  if (!record) {
    if (processes.length === 0) return { name, state: 'absent', parts: [], nodes: [] };
    return { name, state: 'degraded', parts: partsOf(processes, [], paths), nodes: [] };
  }
  const network = networkLayout(record);
  const parts = partsOf(
    processes,
    network.nodes.map((n) => n.name),
    paths,
  );
  const nodes = await nodesOf(record, paths, tools);
  const isDown = processes.length === 0;
  const isWhole = parts.every((p) => p.health === 'running') && nodes.every((n) => n.health === 'Ready');
  return {
    name,
    state: isDown ? 'down' : isWhole ? 'running' : 'degraded',
    server: `https://127.0.0.1:${record.apiPort}`,
    kubeconfig: paths.kubeconfig,
    proxyMode: record.proxyMode,
    egress: record.egress,
    parts: isDown ? [] : parts,
    nodes: isDown ? [] : nodes,
  };
}

function partsOf(processes: readonly ClusterProcess[], nodes: readonly string[], paths: ClusterPaths): PartStatus[] {
  const part = (what: string, found: ClusterProcess | undefined, log: string, node?: string): PartStatus => ({
    part: what,
    ...(node && { node }),
    ...(found && { pid: found.pid }),
    residentMemory: found?.rss ?? 0,
    health: found ? 'running' : 'not running',
    log,
  });
  return [
    part('control plane', findPart(processes, 'server'), paths.log('server')),
    ...nodes.flatMap((node) =>
      ['agent', 'containerd'].map((what) =>
        part(what, findPart(processes, what, node), paths.node(node).log(what), node),
      ),
    ),
  ];
}

async function nodesOf(
  record: ClusterRecord,
  paths: ClusterPaths,
  tools: { files: Files; clock: Clock },
): Promise<NodeStatus[]> {
  const { nodes: expected } = networkLayout(record);
  let known: readonly Node[] = [];
  try {
    const client = await adminClient(paths.kubeconfig, tools);
    known = (await client.resource<Node>(nodesResource).list()).items;
  } catch {
    // The control plane is down; the line of its process says so.
  }
  return expected.map(({ name, addresses }) => {
    const node = known.find((n) => n.metadata?.name === name);
    const ready = node?.status?.conditions?.find((c) => c.type === 'Ready');
    return {
      name,
      addresses,
      podCIDRs: node?.spec?.podCIDRs ?? [],
      health:
        ready === undefined
          ? 'unknown'
          : ready.status === 'True'
            ? 'Ready'
            : `NotReady: ${ready.message ?? ready.reason}`,
    };
  });
}
