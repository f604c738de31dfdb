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

/** All expressions and fields; a term without any matches nothing, nor does one with a requirement that makes no sense. */
export function matchesTerm(node: Readonly<Node>, term: Readonly<NodeSelectorTerm>): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length + matchFields.length === 0) return false;
  const fields: Record<string, string> = { 'metadata.name': node.metadata.name };
  return (
    matchExpressions.every((requirement) => meets(requirement, node.metadata.labels ?? {})) &&
    matchFields.every(({ values = [], ...requirement }) => {
      const isExact = ['In', 'NotIn'].includes(requirement.operator) && values.length === 1;
      return isExact && meets({ ...requirement, values }, fields);
    })
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
      return values.length > 0 && (value === undefined || !values.includes(value));
    case 'Exists':
      return values.length === 0 && value !== undefined;
    case 'DoesNotExist':
      return values.length === 0 && value === undefined;
    case 'Gt':
    case 'Lt': {
      const [wanted] = values;
      if (values.length !== 1 || wanted === undefined || value === undefined) return false;
      return compares(value, operator, wanted, anyInteger);
    }
    default:
      return false;
  }
}

/** As strconv.ParseInt reads it. */
const anyInteger = /^[-+]?[0-9]+$/;
/** Without a plus sign and leading zeros. */
const decimalInteger = /^(?:0|-?[1-9][0-9]*)$/;

/** Whether both are whole numbers of 64 bits, and the left one is the greater or lesser. */
function compares(left: string, operator: 'Gt' | 'Lt', right: string, pattern: RegExp): boolean {
  if (!pattern.test(left) || !pattern.test(right)) return false;
  const [a, b] = [BigInt(left.replace('+', '')), BigInt(right.replace('+', ''))];
  if (BigInt.asIntN(64, a) !== a || BigInt.asIntN(64, b) !== b) return false;
  return operator === 'Gt' ? a > b : a < b;
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
  const { effect, key, operator, value = '' } = toleration;
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  switch (operator || 'Equal') {
    case 'Equal':
      return value === (taint.value ?? '');
    case 'Exists':
      return true;
    case 'Lt':
    case 'Gt':
      return compares(taint.value ?? '', operator as 'Lt' | 'Gt', value, decimalInteger);
    default:
      return false;
  }
}
