// NodeAffinity: spec.nodeSelector and the required terms of spec.affinity.nodeAffinity.
import { matchesNodeAffinity } from '../../api/core/v1/node/placement.ts';
import { type FilterPlugin, type PreFilter, unresolvable } from '../plugin.ts';

export const nodeAffinity: FilterPlugin = ({ pod }) => {
  const { nodeSelector = {}, affinity } = pod.spec;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (Object.keys(nodeSelector).length === 0 && !required) return undefined;
  return ({ node }) =>
    matchesNodeAffinity(pod.spec, node) ? undefined : unresolvable("node(s) didn't match Pod's node affinity/selector");
};

/** The nodes that the pod names, as those of DaemonSets do; no other one is looked at. */
export const namedNodes: PreFilter = ({ pod }) => {
  const terms =
    pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return undefined;
  const only = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const named = matchFields
      .filter(({ key, operator }) => key === 'metadata.name' && operator === 'In')
      .map(({ values = [] }) => new Set(values));
    const [first, ...others] = named;
    // Terms are alternatives: one that names none lets all come into question.
    if (!first) return undefined;
    for (const name of first) if (others.every((names) => names.has(name))) only.add(name);
  }
  return only.size === 0 ? { refusal: 'pod affinity terms conflict' } : { only };
};
