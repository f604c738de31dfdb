// Whether a pod may be on a node, by the rules of core/v1: node selectors, node affinity, taints and tolerations.
import { ownValue } from '../../../../apimachinery/table.ts';
import type {
  Node,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodSpec,
  Taint,
  Toleration,
} from '../types.generated.ts';

/** `spec.nodeSelector` and the required terms of `spec.affinity.nodeAffinity`. */
export function matchesNodeAffinity({ nodeSelector = {}, affinity }: Readonly<PodSpec>, node: Readonly<Node>): boolean {
  const labels = node.metadata.labels;
  const selected = Object.entries(nodeSelector).every(([key, value]) => labels?.[key] === value);
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  // Terms are alternatives; no term at all is met by no node.
  return selected && (!required || required.nodeSelectorTerms.some((term) => matchesTerm(node, term)));
}

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
  const value = ownValue(labels, key);
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

/** The first taint of these effects that nobody tolerates. */
export function untoleratedTaint(
  tolerations: readonly Readonly<Toleration>[] | undefined,
  taints: readonly Readonly<Taint>[] | undefined,
  effects: readonly string[],
): Readonly<Taint> | undefined {
  return taints?.find((taint) => effects.includes(taint.effect) && !tolerations?.some((t) => tolerates(t, taint)));
}

/** core/v1 Toleration.ToleratesTaint. */
export function tolerates(toleration: Readonly<Toleration>, taint: Readonly<Taint>): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  if (!toleration.key && toleration.operator !== 'Exists') return false;
  const [own, theirs] = [toleration.value ?? '', taint.value ?? ''];
  switch (toleration.operator ?? 'Equal') {
    case 'Exists':
      return true;
    case 'Lt':
      return Number(theirs) < Number(own);
    case 'Gt':
      return Number(theirs) > Number(own);
    default:
      return own === theirs;
  }
}
