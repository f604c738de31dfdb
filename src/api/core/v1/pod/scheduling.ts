// What a Pod asks of the scheduler: near which Pods and nodes it wants to be, how it spreads, which taints it bears.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Label, labelValueRule, qualifiedName } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import {
  validateLabelSelector,
  validateNodeSelector,
  validateNodeSelectorTerm,
} from '../../../validation/selectors.ts';
import { optionalOneOf, positiveMessage, repetitions } from '../../../validation/values.ts';
import type {
  Affinity,
  NodeAffinity,
  PodAffinity,
  PodAffinityTerm,
  PodSchedulingGate,
  Toleration,
  TopologySpreadConstraint,
} from '../types.generated.ts';

const { required, forbidden, invalid, duplicate, notSupported } = fieldError;
const inTurn = 'requiredDuringSchedulingIgnoredDuringExecution';
const wished = 'preferredDuringSchedulingIgnoredDuringExecution';

export function validateAffinity(affinity: Affinity | undefined, path: string): FieldError[] {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity ?? {};
  return [
    ...(nodeAffinity ? validateNodeAffinity(nodeAffinity, `${path}.nodeAffinity`) : []),
    ...(podAffinity ? validatePodAffinity(podAffinity, `${path}.podAffinity`) : []),
    ...(podAntiAffinity ? validatePodAffinity(podAntiAffinity, `${path}.podAntiAffinity`) : []),
  ];
}

function validateWeight(path: string, weight = 0): FieldError[] {
  return weight >= 1 && weight <= 100 ? [] : [invalid(`${path}.weight`, weight, 'must be in the range 1-100')];
}

function validateNodeAffinity(affinity: NodeAffinity, path: string): FieldError[] {
  const needed = affinity[inTurn];
  return [
    ...(needed ? validateNodeSelector(needed, `${path}.${inTurn}`) : []),
    ...(affinity[wished] ?? []).flatMap(({ weight, preference }, i) => {
      const at = `${path}.${wished}[${i}]`;
      const term = validateNodeSelectorTerm(preference, `${at}.preference`, { strictValues: false });
      return [...validateWeight(at, weight), ...term];
    }),
  ];
}

function validatePodAffinity(affinity: PodAffinity, path: string): FieldError[] {
  return [
    ...(affinity[inTurn] ?? []).flatMap((term, i) => validateAffinityTerm(term, `${path}.${inTurn}[${i}]`)),
    ...(affinity[wished] ?? []).flatMap(({ weight, podAffinityTerm }, i) => {
      const at = `${path}.${wished}[${i}]`;
      return [...validateWeight(at, weight), ...validateAffinityTerm(podAffinityTerm, `${at}.podAffinityTerm`)];
    }),
  ];
}

function validateAffinityTerm(term: PodAffinityTerm, path: string): FieldError[] {
  const { topologyKey = '', labelSelector, namespaceSelector, namespaces = [] } = term;
  return [
    ...validateLabelSelector(labelSelector, `${path}.labelSelector`),
    ...validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`),
    ...namespaces.flatMap((name) => nameErrors(dns1123Label, `${path}.namespace`, name)),
    ...validateLabelKeys(term, path),
    ...(topologyKey === '' ? [required(`${path}.topologyKey`, 'can not be empty')] : []),
    ...nameErrors(qualifiedName, `${path}.topologyKey`, topologyKey),
  ];
}

type LabelKeys = Pick<PodAffinityTerm, 'matchLabelKeys' | 'mismatchLabelKeys' | 'labelSelector'>;

/** Keys whose values are taken from the Pod itself; the server adds those of `matchLabelKeys` to the selector. */
function validateLabelKeys(term: LabelKeys, path: string): FieldError[] {
  const { matchLabelKeys = [], mismatchLabelKeys = [], labelSelector } = term;
  const lists = [
    ['matchLabelKeys', matchLabelKeys],
    ['mismatchLabelKeys', mismatchLabelKeys],
  ] as const;
  const errors = lists.flatMap(([list, keys]) => {
    if (keys.length === 0) return [];
    const at = `${path}.${list}`;
    if (!labelSelector) return [forbidden(at, 'must not be specified when labelSelector is not set')];
    return keys.flatMap((key, i) => nameErrors(qualifiedName, `${at}[${i}]`, key));
  });
  const selected = new Set(Object.keys(labelSelector?.matchLabels ?? {}));
  for (const { key } of labelSelector?.matchExpressions ?? []) {
    const index = matchLabelKeys.lastIndexOf(key);
    if (index >= 0 && selected.has(key)) {
      errors.push(invalid(`${path}[${index}]`, key, 'exists in both matchLabelKeys and labelSelector'));
    }
    selected.add(key);
  }
  for (const [i, key] of matchLabelKeys.entries()) {
    if (!mismatchLabelKeys.includes(key)) continue;
    const why = 'exists in both matchLabelKeys and mismatchLabelKeys';
    errors.push(invalid(`${path}.matchLabelKeys[${i}]`, key, why));
  }
  return errors;
}

export function validateTopologySpread(constraints: readonly TopologySpreadConstraint[], path: string): FieldError[] {
  const pairOf = ({ topologyKey = '', whenUnsatisfiable = '' }: TopologySpreadConstraint) =>
    `{${topologyKey}, ${whenUnsatisfiable}}`;
  const last = new Map(constraints.map((constraint, i) => [pairOf(constraint), i]));
  return constraints.flatMap((constraint, i) => {
    const at = `${path}[${i}]`;
    const { maxSkew = 0, topologyKey, whenUnsatisfiable = '', labelSelector } = constraint;
    const errors: FieldError[] = [];
    if (maxSkew <= 0) errors.push(invalid(`${at}.maxSkew`, maxSkew, positiveMessage));
    if (!topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'));
    errors.push(...optionalOneOf(`${at}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']));
    const pair = pairOf(constraint);
    if (last.get(pair) !== i) errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair));
    const policies = ['Honor', 'Ignore'];
    return [
      ...errors,
      ...validateMinDomains(constraint, `${at}.minDomains`),
      ...optionalOneOf(`${at}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, policies),
      ...optionalOneOf(`${at}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, policies),
      ...validateLabelKeys(constraint, at),
      ...validateLabelSelector(labelSelector, `${at}.labelSelector`),
    ];
  });
}

function validateMinDomains(
  { minDomains, whenUnsatisfiable = '' }: TopologySpreadConstraint,
  path: string,
): FieldError[] {
  if (minDomains === undefined) return [];
  const errors = minDomains <= 0 ? [invalid(path, minDomains, positiveMessage)] : [];
  if (whenUnsatisfiable === 'DoNotSchedule') return errors;
  const why = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
  return [...errors, invalid(path, minDomains, why)];
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateTaintEffect(field: string, effect: string): FieldError[] {
  return effects.includes(effect) ? [] : [notSupported(field, effect, effects)];
}

export function validateTolerations(tolerations: readonly Toleration[], path: string): FieldError[] {
  return tolerations.flatMap(({ key = '', operator = '', value = '', effect = '', tolerationSeconds }, i) => {
    const at = `${path}[${i}]`;
    const errors = key ? nameErrors(qualifiedName, `${at}.key`, key) : [];
    if (!key && operator !== 'Exists') {
      const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalid(`${at}.operator`, operator, why));
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      const why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
      errors.push(invalid(`${at}.effect`, effect, why));
    }
    errors.push(...validateTolerationValue(operator, value, `${at}.operator`));
    return effect ? [...errors, ...validateTaintEffect(`${at}.effect`, effect)] : errors;
  });
}

function validateTolerationValue(operator: string, value: string, field: string): FieldError[] {
  if (operator === '' || operator === 'Equal') {
    const wrong = labelValueRule(value);
    return wrong.length > 0 ? [invalid(field, value, wrong.join(';'))] : [];
  }
  if (operator === 'Lt' || operator === 'Gt') {
    // Known, but behind a feature gate that is off (KEP-5471).
    return [notSupported(field, operator, ['Equal', 'Exists', 'Lt', 'Gt'])];
  }
  if (operator !== 'Exists') return [notSupported(field, operator, ['Equal', 'Exists'])];
  return value ? [invalid(field, value, "value must be empty when `operator` is 'Exists'")] : [];
}

export function validateSchedulingGates(gates: readonly PodSchedulingGate[], path: string): FieldError[] {
  const again = repetitions(gates.map(({ name }) => name));
  return gates.flatMap(({ name }, i) => {
    const at = `${path}[${i}]`;
    return [...nameErrors(qualifiedName, at, name), ...(again.has(i) ? [duplicate(at, name)] : [])];
  });
}
