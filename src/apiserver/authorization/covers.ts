// Which of the rules that someone wants to grant they do not hold themselves (upstream's rule covering, on which the
// prevention of privilege escalation rests). Pure.
import type { PolicyRule } from '../../api/rbac/v1/types.generated.ts';

/** One verb on one resource (or path) of one group, with at most one name: the least that a rule can say. */
function* breakDown(rule: PolicyRule): Iterable<PolicyRule> {
  for (const group of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs ?? []) {
        const one = { verbs: [verb], apiGroups: [group], resources: [resource] };
        const names = rule.resourceNames ?? [];
        if (names.length === 0) yield one;
        for (const name of names) yield { ...one, resourceNames: [name] };
      }
    }
  }
  for (const path of rule.nonResourceURLs ?? []) {
    for (const verb of rule.verbs ?? []) yield { verbs: [verb], nonResourceURLs: [path] };
  }
}

function holds(list: readonly string[] | undefined, wanted: string): boolean {
  return list !== undefined && (list.includes('*') || list.includes(wanted));
}

function resourceCovered(owned: readonly string[] = [], wanted: string): boolean {
  const slash = wanted.indexOf('/');
  return holds(owned, wanted) || (slash >= 0 && owned.includes(`*${wanted.slice(slash)}`));
}

function pathCovered(owned: readonly string[] = [], wanted: string): boolean {
  const covers = (path: string) => path === wanted || (path.endsWith('*') && wanted.startsWith(path.slice(0, -1)));
  return owned.some(covers);
}

function isCovered(one: PolicyRule, owned: PolicyRule): boolean {
  if (!holds(owned.verbs, one.verbs[0]!)) return false;
  const names = owned.resourceNames ?? [];
  const path = one.nonResourceURLs?.[0];
  if (path !== undefined) return names.length === 0 && pathCovered(owned.nonResourceURLs, path);
  const name = one.resourceNames?.[0];
  return (
    holds(owned.apiGroups, one.apiGroups![0]!) &&
    resourceCovered(owned.resources, one.resources![0]!) &&
    (names.length === 0 || (name !== undefined && names.includes(name)))
  );
}

/** The least rules within `wanted` that none of `owned` covers; empty: all may be granted. */
export function uncovered(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap((rule) => [...breakDown(rule)].filter((one) => !owned.some((own) => isCovered(one, own))));
}

/** Of one resource by its name, or all of them, one rule with all verbs: what {@link uncovered} parted. */
export function compacted(rules: readonly PolicyRule[]): PolicyRule[] {
  const keyOf = ({ apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule) =>
    JSON.stringify([apiGroups, resources, resourceNames, nonResourceURLs]);
  const isOfResource = ({ nonResourceURLs }: PolicyRule) => nonResourceURLs === undefined;
  const groups = Map.groupBy(rules.filter(isOfResource), keyOf).values();
  const merged = [...groups].map((alike) => ({ ...alike[0], verbs: alike.flatMap(({ verbs }) => verbs) }));
  return [...rules.filter((rule) => !isOfResource(rule)), ...merged];
}

/** As upstream prints it: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
export function printRule(rule: PolicyRule): string {
  const fields: readonly (readonly [string, readonly string[] | undefined])[] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['ResourceNames', rule.resourceNames],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['Verbs', rule.verbs],
  ];
  const present = fields.filter(([, list]) => list !== undefined && list.length > 0);
  return `{${present.map(([name, list]) => `${name}:[${list!.map((s) => JSON.stringify(s)).join(' ')}]`).join(', ')}}`;
}
