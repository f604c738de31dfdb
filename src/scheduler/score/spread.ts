// PodTopologySpread: preferred constraints; for a pod without any, the system's default ones, by which the replicas of one
// owner, or the pods of the same Services, go to different nodes and zones.

import type { Pod } from '../../api/core/v1/types.generated.ts';
import { ownValue } from '../../apimachinery/table.ts';
import { nodeAffinity } from '../filter/node-affinity.ts';
import { countDomains } from '../filter/topology-spread.ts';
import type { NodeInfo, SpreadGroup } from '../node-info.ts';
import { maxScore, type PodContext, type ScorePlugin } from '../plugin.ts';
import { has } from '../service-selectors.ts';

const hostname = 'kubernetes.io/hostname';
const zone = 'topology.kubernetes.io/zone';

/** Upstream's system defaults, both whenUnsatisfiable: ScheduleAnyway. */
const defaultConstraints = [
  { topologyKey: hostname, maxSkew: 3 },
  { topologyKey: zone, maxSkew: 5 },
];

interface Spread {
  readonly topologyKey: string;
  readonly maxSkew: number;
  /** Pods of the like in the node's domain; undefined when the node is in none. */
  readonly countAt: (info: NodeInfo) => number | undefined;
}

export const spread: ScorePlugin = (context, feasible) => {
  const own = context.pod.spec.topologySpreadConstraints ?? [];
  if (own.length === 0) return defaultScores(context, feasible);
  const constraints = own.filter((c) => c.whenUnsatisfiable === 'ScheduleAnyway');
  if (constraints.length === 0) return undefined;
  const keys = constraints.map((c) => c.topologyKey);
  const spreads = constraints.map((constraint): Spread => {
    const { topologyKey, maxSkew } = constraint;
    const counts = countDomains(context, constraint, keys);
    return { topologyKey, maxSkew, countAt: (info) => inDomain(info, topologyKey, counts) };
  });
  const isOutside = ({ node }: NodeInfo) => keys.some((key) => ownValue(node.metadata.labels, key) === undefined);
  return scores(spreads, feasible, isOutside);
};

function defaultScores(context: PodContext, feasible: readonly NodeInfo[]): readonly number[] | undefined {
  const group = groupOf(context);
  if (!group) return undefined;
  const perZone = new Map<string, number>();
  const rejected = nodeAffinity(context);
  for (const info of context.nodes) {
    const name = info.node.metadata.labels?.[zone];
    if (name !== undefined && !rejected?.(info)) perZone.set(name, (perZone.get(name) ?? 0) + info.countOf(group));
  }
  const spreads = defaultConstraints.map(({ topologyKey, maxSkew }): Spread => {
    const countAt = (info: NodeInfo) => {
      if (topologyKey === zone) return inDomain(info, zone, perZone);
      return info.node.metadata.labels?.[hostname] === undefined ? undefined : info.countOf(group);
    };
    return { topologyKey, maxSkew, countAt };
  });
  // Nodes need not have all labels of the defaults.
  return scores(spreads, feasible, () => false);
}

/** Whom the pod is spread from: replicas of its owner, else what its Services select. */
function groupOf({ pod, serviceSelector }: PodContext): SpreadGroup | undefined {
  const owner = replicaOwner(pod);
  if (owner !== undefined) return { owner };
  const wanted = serviceSelector(pod);
  if (!wanted) return undefined;
  const { namespace } = pod.metadata;
  const key = `${namespace} ${JSON.stringify(Object.entries(wanted).sort())}`;
  return {
    key,
    matches: ({ metadata }) => metadata.namespace === namespace && has(metadata.labels ?? {}, wanted),
  };
}

/** The owner whose selector tells its replicas; those of other kinds have none. */
function replicaOwner({ metadata }: Readonly<Pod>): string | undefined {
  const owner = metadata.ownerReferences?.find((r) => r.controller);
  return owner && /^(ReplicaSet|ReplicationController|StatefulSet)$/.test(owner.kind) ? owner.uid : undefined;
}

function inDomain({ node }: NodeInfo, key: string, counts: ReadonlyMap<string, number>): number | undefined {
  const value = ownValue(node.metadata.labels, key);
  return value === undefined ? undefined : (counts.get(value) ?? 0);
}

/** The fewest get the most; a constraint over more domains weighs more (upstream topologyNormalizingWeight). */
function scores(
  spreads: readonly Spread[],
  feasible: readonly NodeInfo[],
  isOutside: (info: NodeInfo) => boolean,
): number[] {
  const inside = feasible.filter((info) => !isOutside(info));
  const weighted = spreads.map((one) => ({ ...one, weight: Math.log(domains(one.topologyKey, inside) + 2) }));
  const raw = feasible.map((info) => {
    if (isOutside(info)) return undefined;
    let sum = 0;
    for (const { countAt, weight, maxSkew } of weighted) {
      const count = countAt(info);
      if (count !== undefined) sum += count * weight + maxSkew - 1;
    }
    return Math.round(sum);
  });
  const known = raw.filter((value) => value !== undefined);
  const [min, max] = [Math.min(...known), Math.max(...known)];
  return raw.map((value) => {
    if (value === undefined) return 0;
    return max === 0 ? maxScore : Math.floor((maxScore * (max + min - value)) / max);
  });
}

function domains(key: string, nodes: readonly NodeInfo[]): number {
  if (key === hostname) return nodes.length;
  // Those without the label are one domain, too.
  return new Set(nodes.map(({ node }) => ownValue(node.metadata.labels, key) ?? '')).size;
}
