// PodTopologySpread: constraints that must be met (whenUnsatisfiable: DoNotSchedule).

import type { Pod, TopologySpreadConstraint } from '../../api/core/v1/types.generated.ts';
import { labelSelectorOf, matchesLabels } from '../../apimachinery/selectors/label-selector.ts';
import { ownValue } from '../../apimachinery/table.ts';
import type { NodeInfo } from '../node-info.ts';
import { type FilterPlugin, type PodContext, resolvable, unresolvable } from '../plugin.ts';
import { nodeAffinity } from './node-affinity.ts';
import { taintToleration } from './taints.ts';

const missingLabel = "node(s) didn't match pod topology spread constraints (missing required label)";
const tooSkewed = "node(s) didn't match pod topology spread constraints";

export const podTopologySpread: FilterPlugin = (context) => {
  const constraints = requiredConstraints(context.pod);
  if (constraints.length === 0) return undefined;
  const keys = constraints.map((c) => c.topologyKey);
  const prepared = constraints.map((constraint) => prepare(context, constraint, keys));
  return ({ node }) => {
    for (const { constraint, counts, least, counted } of prepared) {
      const value = ownValue(node.metadata.labels, constraint.topologyKey);
      if (value === undefined) return unresolvable(missingLabel);
      const skew = (counts.get(value) ?? 0) + (counted ? 1 : 0) - least;
      if (skew > constraint.maxSkew) return resolvable(tooSkewed);
    }
    return undefined;
  };
};

export function requiredConstraints({ spec }: Readonly<Pod>): readonly TopologySpreadConstraint[] {
  return (spec.topologySpreadConstraints ?? []).filter((c) => c.whenUnsatisfiable === 'DoNotSchedule');
}

function prepare(context: PodContext, constraint: TopologySpreadConstraint, keys: readonly string[]) {
  const counts = countDomains(context, constraint, keys);
  const enough = counts.size >= (constraint.minDomains ?? 1);
  const least = enough ? Math.min(...counts.values()) : 0;
  return { constraint, counts, least, counted: podMatcher(context.pod, constraint)(context.pod) };
}

/** Matching pods in each domain that the pod could go to. */
export function countDomains(
  context: PodContext,
  constraint: TopologySpreadConstraint,
  keys: readonly string[],
): Map<string, number> {
  const counts = new Map<string, number>();
  const matches = countsNobody(context.pod, constraint) ? () => false : podMatcher(context.pod, constraint);
  const eligible = eligibility(context, constraint);
  for (const info of context.nodes) {
    const labels = info.node.metadata.labels ?? {};
    const value = ownValue(labels, constraint.topologyKey);
    if (value === undefined || keys.some((key) => !Object.hasOwn(labels, key)) || !eligible(info)) continue;
    let count = counts.get(value) ?? 0;
    for (const pod of info.pods.values()) if (matches(pod)) count += 1;
    counts.set(value, count);
  }
  return counts;
}

function eligibility(context: PodContext, constraint: TopologySpreadConstraint): (info: NodeInfo) => boolean {
  const affinity = constraint.nodeAffinityPolicy === 'Ignore' ? undefined : nodeAffinity(context);
  const taints = constraint.nodeTaintsPolicy === 'Honor' ? taintToleration(context) : undefined;
  return (info) => affinity?.(info) === undefined && taints?.(info) === undefined;
}

/** Upstream asks no pod about a selector without requirements (countPodsMatchSelector). */
function countsNobody(owner: Readonly<Pod>, constraint: TopologySpreadConstraint): boolean {
  return labelSelectorOf(constraint.labelSelector)?.length === 0 && keysToMatch(owner, constraint).length === 0;
}

/** Of `matchLabelKeys`, those that the pod has. */
function keysToMatch({ metadata }: Readonly<Pod>, { matchLabelKeys = [] }: TopologySpreadConstraint): string[] {
  return matchLabelKeys.filter((key) => ownValue(metadata.labels, key) !== undefined);
}

/** Whether a pod counts for the constraint. */
export function podMatcher(owner: Readonly<Pod>, constraint: TopologySpreadConstraint) {
  const selector = labelSelectorOf(constraint.labelSelector);
  const keys = keysToMatch(owner, constraint);
  return (pod: Readonly<Pod>) =>
    selector !== undefined &&
    pod.metadata.namespace === owner.metadata.namespace &&
    pod.metadata.deletionTimestamp === undefined &&
    matchesLabels(selector, pod.metadata.labels) &&
    keys.every((key) => pod.metadata.labels?.[key] === owner.metadata.labels?.[key]);
}
