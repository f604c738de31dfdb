// TaintToleration, NodeAffinity and InterPodAffinity: what pods would rather have.

import { matchesTerm, tolerates } from '../../api/core/v1/node/placement.ts';
import { ownValue } from '../../apimachinery/table.ts';
import { affinityTerms, type PreparedTerm } from '../affinity-terms.ts';
import type { NodeInfo } from '../node-info.ts';
import { maxScore, normalize, type ScorePlugin } from '../plugin.ts';

/** Few PreferNoSchedule taints that the pod does not tolerate. */
export const preferredTaints: ScorePlugin = ({ pod }, feasible) => {
  const tolerations = pod.spec.tolerations ?? [];
  const counts = feasible.map(
    ({ node }) =>
      (node.spec?.taints ?? []).filter(
        (taint) => taint.effect === 'PreferNoSchedule' && !tolerations.some((t) => tolerates(t, taint)),
      ).length,
  );
  return normalize(counts, true);
};

export const preferredNodes: ScorePlugin = ({ pod }, feasible) => {
  const terms = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  if (terms.length === 0) return undefined;
  const weights = feasible.map(({ node }) =>
    terms.reduce((sum, { weight, preference }) => (matchesTerm(node, preference) ? sum + weight : sum), 0),
  );
  return normalize(weights);
};

/** What the pod would rather have near or far, and what the pods that are there think of it. */
export const preferredPods: ScorePlugin = ({ pod, nodes, namespaceLabels }, feasible) => {
  const own = affinityTerms(pod).preferred;
  /** By topology key, then by its value. */
  const weights = new Map<string, Map<string, number>>();
  const note = ({ node }: NodeInfo, { topologyKey, weight }: PreparedTerm) => {
    const value = ownValue(node.metadata.labels, topologyKey);
    if (value === undefined) return;
    const ofKey = weights.get(topologyKey) ?? new Map<string, number>();
    weights.set(topologyKey, ofKey.set(value, (ofKey.get(value) ?? 0) + weight));
  };
  for (const info of nodes) {
    for (const other of own.length > 0 ? info.pods.values() : []) {
      for (const term of own) if (term.matches(other, namespaceLabels)) note(info, term);
    }
    for (const key of info.withAffinity) {
      const other = info.pods.get(key);
      const { required, preferred } = other ? affinityTerms(other) : { required: [], preferred: [] };
      for (const term of [...required, ...preferred]) if (term.matches(pod, namespaceLabels)) note(info, term);
    }
  }
  if (weights.size === 0) return undefined;
  const raw = feasible.map(({ node }) => {
    let sum = 0;
    for (const [key, ofKey] of weights) sum += ofKey.get(ownValue(node.metadata.labels, key) ?? '') ?? 0;
    return sum;
  });
  const [min, max] = [Math.min(...raw), Math.max(...raw)];
  return raw.map((value) => (max === min ? 0 : Math.floor(maxScore * ((value - min) / (max - min)))));
};
