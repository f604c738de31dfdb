// PodTopologySpread: preferred constraints, and without any of its own the default one, by which the replicas of one
// owner (or, for a bare pod, pods with the same labels) go to different nodes and zones.
import { countDomains } from '../filter/topology-spread.ts';
import { type NodeInfo, ownerOf } from '../node-info.ts';
import { maxScore, type PodContext, type ScorePlugin } from '../plugin.ts';

const hostname = 'kubernetes.io/hostname';
const zone = 'topology.kubernetes.io/zone';

export const spread: ScorePlugin = (context, feasible) => {
  const constraints = (context.pod.spec.topologySpreadConstraints ?? []).filter(
    (c) => c.whenUnsatisfiable === 'ScheduleAnyway',
  );
  const keys = constraints.map((c) => c.topologyKey);
  if ((context.pod.spec.topologySpreadConstraints ?? []).length === 0) return scores(defaultCounts(context, feasible));
  if (constraints.length === 0) return undefined;
  const totals = feasible.map(() => 0);
  for (const constraint of constraints) {
    const counts = countDomains(context, constraint, keys);
    feasible.forEach(({ node }, i) => {
      totals[i] = (totals[i] ?? 0) + (counts.get(node.metadata.labels?.[constraint.topologyKey] ?? '') ?? 0);
    });
  }
  return scores(totals);
};

/** Pods of the same owner on the node, and, weighing less, in its zone. */
function defaultCounts({ pod, nodes }: PodContext, feasible: readonly NodeInfo[]): number[] {
  const owner = ownerOf(pod);
  const countOn = owner === undefined ? () => 0 : ({ byOwner }: NodeInfo) => byOwner.get(owner) ?? 0;
  const perZone = new Map<string, number>();
  for (const info of nodes) {
    const name = info.node.metadata.labels?.[zone];
    if (name !== undefined) perZone.set(name, (perZone.get(name) ?? 0) + countOn(info));
  }
  return feasible.map((info) => {
    const inZone = perZone.get(info.node.metadata.labels?.[zone] ?? '') ?? 0;
    return info.node.metadata.labels?.[hostname] === undefined ? inZone : countOn(info) * 2 + inZone;
  });
}

/** The fewest get 100. */
function scores(counts: readonly number[]): number[] {
  const [min, max] = [Math.min(...counts), Math.max(...counts)];
  if (max === min) return counts.map(() => maxScore);
  return counts.map((count) => Math.floor(((max - count) * maxScore) / (max - min)));
}
