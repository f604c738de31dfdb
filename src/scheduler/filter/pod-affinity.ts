// InterPodAffinity: required affinity and anti-affinity, both of the pod and of those that are there.

import type { Pod, PodAffinityTerm } from '../../api/core/v1/types.generated.ts';
import { type LabelSelector, labelSelectorOf, matchesLabels } from '../../apimachinery/selectors/label-selector.ts';
import { ownValue } from '../../apimachinery/table.ts';
import type { NodeInfo } from '../node-info.ts';
import { type FilterPlugin, type PodContext, resolvable, unresolvable } from '../plugin.ts';

export interface PreparedTerm {
  readonly topologyKey: string;
  matches(pod: Readonly<Pod>): boolean;
}

/** A term of `owner`'s affinity, ready to be asked about pods. */
export function prepareTerm(
  owner: Readonly<Pod>,
  term: Readonly<PodAffinityTerm>,
  namespaceLabels: PodContext['namespaceLabels'],
): PreparedTerm {
  const selector = labelSelectorOf(term.labelSelector);
  const named = term.namespaces ?? [];
  const chosen = labelSelectorOf(term.namespaceSelector);
  const own = named.length === 0 && chosen === undefined ? owner.metadata.namespace : undefined;
  return {
    topologyKey: term.topologyKey,
    matches(pod) {
      const { namespace = '', labels } = pod.metadata;
      const inNamespace =
        namespace === own || named.includes(namespace) || (chosen !== undefined && chosenBy(chosen, namespace));
      return inNamespace && selector !== undefined && matchesLabels(selector, labels);
    },
  };

  function chosenBy(namespaces: LabelSelector, namespace: string): boolean {
    return matchesLabels(namespaces, namespaceLabels(namespace));
  }
}

export const interPodAffinity: FilterPlugin = (context) => {
  const { pod, nodes, namespaceLabels } = context;
  const prepare = (term: Readonly<PodAffinityTerm>) => prepareTerm(pod, term, namespaceLabels);
  const affinity = (pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(prepare);
  const anti = (pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(prepare);
  const keptAway = domainsKeptAway(context);
  if (affinity.length === 0 && anti.length === 0 && keptAway.size === 0) return undefined;
  const near = affinity.map((term) => domainsOf(term, nodes));
  const far = anti.map((term) => domainsOf(term, nodes));
  // The first of a group that wants to be together may go anywhere.
  const isFirst = near.every((domains) => domains.size === 0) && affinity.every((term) => term.matches(pod));
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

/** The values of the topology key on nodes with a pod that matches. */
function domainsOf(term: PreparedTerm, nodes: readonly NodeInfo[]): Set<string> {
  const domains = new Set<string>();
  for (const { node, pods } of nodes) {
    const value = ownValue(node.metadata.labels, term.topologyKey);
    if (value === undefined || domains.has(value)) continue;
    for (const pod of pods.values()) {
      if (!term.matches(pod)) continue;
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
      const terms = other?.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
      for (const term of terms) {
        const value = ownValue(node.metadata.labels, term.topologyKey);
        if (!other || value === undefined || !prepareTerm(other, term, namespaceLabels).matches(pod)) continue;
        domains.add(`${term.topologyKey}=${value}`);
      }
    }
  }
  return domains;
}
