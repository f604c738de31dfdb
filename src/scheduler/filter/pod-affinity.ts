// InterPodAffinity: required affinity and anti-affinity, both of the pod and of those that are there.

import type { Pod } from '../../api/core/v1/types.generated.ts';
import { ownValue } from '../../apimachinery/table.ts';
import { affinityTerms, type PreparedTerm } from '../affinity-terms.ts';
import { type FilterPlugin, type PodContext, resolvable, unresolvable } from '../plugin.ts';

export const interPodAffinity: FilterPlugin = (context) => {
  const { pod, namespaceLabels } = context;
  const { required: affinity, requiredAnti: anti } = affinityTerms(pod);
  const keptAway = domainsKeptAway(context);
  if (affinity.length === 0 && anti.length === 0 && keptAway.size === 0) return undefined;
  const matchesAll = (other: Readonly<Pod>) => affinity.every((term) => term.matches(other, namespaceLabels));
  // One pod must be all that the terms want: of two that are a part of it each, neither counts.
  const near = affinity.map((term) => domainsOf(context, term, matchesAll));
  const far = anti.map((term) => domainsOf(context, term, (other) => term.matches(other, namespaceLabels)));
  // The first of a group that wants to be together may go anywhere.
  const isFirst = near.every((domains) => domains.size === 0) && matchesAll(pod);
  return ({ node }) => {
    const labels = node.metadata.labels ?? {};
    const domain = (term: PreparedTerm) => ownValue(labels, term.topologyKey);
    const hasKeys = affinity.every((term) => domain(term) !== undefined);
    if (!hasKeys || !(isFirst || affinity.every((term, i) => near[i]?.has(domain(term) ?? '')))) {
      return unresolvable("node(s) didn't match pod affinity rules");
    }
    if (anti.some((term, i) => domain(term) !== undefined && far[i]?.has(domain(term) ?? ''))) {
      return resolvable("node(s) didn't match pod anti-affinity rules");
    }
    const refused = Object.entries(labels).some(([key, value]) => keptAway.has(`${key}=${value}`));
    return refused ? resolvable("node(s) didn't satisfy existing pods anti-affinity rules") : undefined;
  };
};

/** The values of the term's topology key on nodes with a pod that matches. */
function domainsOf(
  { nodes }: PodContext,
  { topologyKey }: PreparedTerm,
  matches: (pod: Readonly<Pod>) => boolean,
): Set<string> {
  const domains = new Set<string>();
  for (const { node, pods } of nodes) {
    const value = ownValue(node.metadata.labels, topologyKey);
    if (value === undefined || domains.has(value)) continue;
    for (const pod of pods.values()) {
      if (!matches(pod)) continue;
      domains.add(value);
      break;
    }
  }
  return domains;
}

/** `key=value` of the domains where a pod that is there does not want this one. */
function domainsKeptAway({ pod, nodes, namespaceLabels }: PodContext): Set<string> {
  const domains = new Set<string>();
  for (const { node, pods, withAntiAffinity } of nodes) {
    for (const key of withAntiAffinity) {
      const other = pods.get(key);
      for (const term of other ? affinityTerms(other).requiredAnti : []) {
        const value = ownValue(node.metadata.labels, term.topologyKey);
        if (value === undefined || !term.matches(pod, namespaceLabels)) continue;
        domains.add(`${term.topologyKey}=${value}`);
      }
    }
  }
  return domains;
}
