// NodeAffinity: spec.nodeSelector and the required terms of spec.affinity.nodeAffinity.
import type { Node, NodeSelectorRequirement, NodeSelectorTerm } from '../../api/core/v1/types.generated.ts';
import { type FilterPlugin, unresolvable } from '../plugin.ts';

export const nodeAffinity: FilterPlugin = ({ pod }) => {
  const { nodeSelector = {}, affinity } = pod.spec;
  const pairs = Object.entries(nodeSelector);
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (pairs.length === 0 && !required) return undefined;
  return ({ node }) => {
    const selected = pairs.every(([key, value]) => node.metadata.labels?.[key] === value);
    // Terms are alternatives; no term at all is met by no node.
    const met = !required || required.nodeSelectorTerms.some((term) => matchesTerm(node, term));
    return selected && met ? undefined : unresolvable("node(s) didn't match Pod's node affinity/selector");
  };
};

/** All expressions and fields; a term without any matches nothing. */
export function matchesTerm(node: Readonly<Node>, term: Readonly<NodeSelectorTerm>): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length + matchFields.length === 0) return false;
  const fields: Record<string, string> = { 'metadata.name': node.metadata.name };
  return (
    matchExpressions.every((requirement) => meets(requirement, node.metadata.labels ?? {})) &&
    matchFields.every((requirement) => meets(requirement, fields))
  );
}

function meets(
  { key, operator, values = [] }: Readonly<NodeSelectorRequirement>,
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}
