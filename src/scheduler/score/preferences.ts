// TaintToleration, NodeAffinity and InterPodAffinity: what pods would rather have.

import { matchesTerm, tolerates } from '../../api/core/v1/node/placement.ts';
import type { WeightedPodAffinityTerm } from '../../api/core/v1/types.generated.ts';
import { ownValue } from '../../apimachinery/table.ts';
import { prepareTerm } from '../filter/pod-affinity.ts';
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

export const preferredPods: ScorePlugin = ({ pod, nodes, namespaceLabels }, feasible) => {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  const signed = (terms: readonly WeightedPodAffinityTerm[] | undefined, sign: 1 | -1) =>
    (terms ?? []).map(({ weight, podAffinityTerm }) => ({
      weight: sign * weight,
      term: prepareTerm(pod, podAffinityTerm, namespaceLabels),
    }));
  const terms = [
    ...signed(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, 1),
    ...signed(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, -1),
  ];
  if (terms.length === 0) return undefined;
  const weightOf = new Map<string, number>();
  for (const { node, pods } of nodes) {
    for (const { weight, term } of terms) {
      const value = ownValue(node.metadata.labels, term.topologyKey);
      if (value === undefined) continue;
      const key = `${term.topologyKey}=${value}`;
      for (const other of pods.values()) {
        if (term.matches(other)) weightOf.set(key, (weightOf.get(key) ?? 0) + weight);
      }
    }
  }
  const keys = [...new Set(terms.map(({ term }) => term.topologyKey))];
  const raw = feasible.map(({ node }) =>
    keys.reduce((sum, key) => sum + (weightOf.get(`${key}=${node.metadata.labels?.[key]}`) ?? 0), 0),
  );
  const [min, max] = [Math.min(...raw), Math.max(...raw)];
  return raw.map((value) => (max === min ? 0 : Math.floor(((value - min) * maxScore) / (max - min))));
};
