// Does a rule of a Role allow a request? (rbac.authorization.k8s.io PolicyRule; upstream's RuleAllows.)
import type { PolicyRule } from '../../api/rbac/v1/types.generated.ts';
import type { RequestInfo } from '../request-info.ts';

const all = '*';

function names(list: readonly string[] | undefined, wanted: string): boolean {
  return list !== undefined && (list.includes(all) || list.includes(wanted));
}

function allowsResource(rule: PolicyRule, { resource, subresource, name }: RequestInfo): boolean {
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  const matches = (rule.resources ?? []).some(
    (listed) => listed === all || listed === whole || (subresource !== '' && listed === `*/${subresource}`),
  );
  const restricted = rule.resourceNames ?? [];
  return matches && (restricted.length === 0 || restricted.includes(name));
}

function allowsPath(rule: PolicyRule, path: string): boolean {
  return (rule.nonResourceURLs ?? []).some(
    (listed) => listed === all || listed === path || (listed.endsWith(all) && path.startsWith(listed.slice(0, -1))),
  );
}

/** `info.name` is the one asked for, also where it comes from a field selector on metadata.name. */
export function ruleAllows(rule: PolicyRule, verb: string, info: RequestInfo): boolean {
  if (!names(rule.verbs, verb)) return false;
  if (!info.isResource) return allowsPath(rule, info.path);
  return names(rule.apiGroups, info.group) && allowsResource(rule, info);
}
