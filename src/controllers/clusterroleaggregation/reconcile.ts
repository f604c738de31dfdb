import type { ClusterRole, PolicyRule } from '../../api/rbac/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import { labelSelectorOf, matchesLabels } from '../../apimachinery/selectors/label-selector.ts';

/**
 * The rules that a role gathers from the roles it selects, by name; undefined where it has just those, in whatever order: roles that
 * gather each other's rules would write theirs anew for ever.
 */
export function reconcile(
  role: Readonly<ClusterRole>,
  all: readonly Readonly<ClusterRole>[],
): readonly PolicyRule[] | undefined {
  if (!role.aggregationRule) return undefined;
  const rules: PolicyRule[] = [];
  const has = (list: readonly PolicyRule[], rule: PolicyRule) => list.some((one) => jsonEqual(one, rule));
  for (const selector of role.aggregationRule.clusterRoleSelectors ?? []) {
    const wanted = labelSelectorOf(selector);
    if (!wanted) continue;
    const selected = all.filter((one) => one.metadata.name !== role.metadata.name);
    const byName = selected.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    for (const { metadata, rules: theirs } of byName) {
      if (!matchesLabels(wanted, metadata.labels)) continue;
      for (const rule of theirs ?? []) if (!has(rules, rule)) rules.push(rule);
    }
  }
  const present = role.rules ?? [];
  return present.length === rules.length && rules.every((rule) => has(present, rule)) ? undefined : rules;
}
