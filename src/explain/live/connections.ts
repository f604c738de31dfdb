// Connections that nodes track now, and which of them a change would leave without their endpoint.
import type { KubeObject } from '../../apimachinery/object.ts';
import type { Client } from '../../client/types.ts';
import { readText } from '../../client/watch-stream.ts';
import { joinHostPort } from '../../net/ip.ts';
import type { ShareChange } from '../plan/plan.ts';
import { readFlow } from './kernel-trace.ts';

/** Where an agent tells of its node's connections, below the kubelet's paths. */
export const connectionsPath = '/portico-connections';

/** Connections of a node that were sent on from one address to another. */
export interface Connections {
  readonly node: string;
  /** Whom clients asked, `address:port`: the door of a Service. */
  readonly destination: string;
  /** Who answers, `address:port`. */
  readonly endpoint: string;
  readonly count: number;
}

/** From the lines of `conntrack -L --dst-nat`. */
export function countConnections(node: string, lines: readonly string[]): Connections[] {
  const counts = new Map<string, Connections>();
  for (const line of lines) {
    const flow = readFlow(line);
    if (!flow) continue;
    const destination = joinHostPort(flow.destination.address, flow.destination.port);
    const endpoint = joinHostPort(flow.answerer.address, flow.answerer.port);
    const key = `${destination} ${endpoint}`;
    counts.set(key, { node, destination, endpoint, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}

export interface Asked {
  readonly connections: readonly Connections[];
  /** Nodes that did not tell. */
  readonly silent: readonly string[];
}

/** Asks the agents of all nodes among the objects; never rejects for one that does not answer. */
export async function askConnections(client: Client, objects: readonly KubeObject[]): Promise<Asked> {
  const nodes = objects.flatMap(({ kind, metadata }) => (kind === 'Node' ? [metadata.name] : []));
  const told = await Promise.all(
    nodes.map(async (node) => {
      try {
        const path = `/api/v1/nodes/${node}/proxy${connectionsPath}/`;
        const response = await client.raw({ method: 'GET', path });
        const text = await readText(response.body);
        return response.status === 200 ? (JSON.parse(text) as Connections[]) : undefined;
      } catch {
        return undefined; // an agent that is away, or no agent of ours, is silent
      }
    }),
  );
  return {
    connections: told.flatMap((one) => one ?? []),
    silent: nodes.filter((_, i) => told[i] === undefined),
  };
}

/** Connections to endpoints that their Service port would send nobody to any more. */
export function lostConnections(shares: readonly ShareChange[], connections: readonly Connections[]): Connections[] {
  const gone = new Set(shares.flatMap(({ endpoint, before, after }) => (before > 0 && after === 0 ? [endpoint] : [])));
  return connections.filter(({ endpoint }) => gone.has(endpoint));
}
