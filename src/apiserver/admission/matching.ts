// Which requests a webhook or a policy is about: rules of groups, versions, resources and operations, and selectors.
import type { NamedRuleWithOperations } from '../../api/admissionregistration/v1/types.generated.ts';
import type { LabelSelector } from '../../apimachinery/meta/v1.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { labelSelectorOf, matchesLabels } from '../../apimachinery/selectors/label-selector.ts';
import { notFound } from '../../apimachinery/status.ts';
import type { AdmissionRequest, AdmissionView } from './admission.ts';

function includes(list: readonly string[] | undefined, value: string): boolean {
  return list?.some((one) => one === '*' || one === value) ?? false;
}

// Upstream's rules.Matcher: `*` is all resources, `*/*` all with their subresources.
/** Whether a rule is about a request. */
export function ruleMatches(rule: NamedRuleWithOperations, request: AdmissionRequest): boolean {
  const { definition, operation, subresource, name } = request;
  const isScoped = rule.scope === 'Namespaced' || rule.scope === 'Cluster';
  if (isScoped && (rule.scope === 'Namespaced') !== definition.namespaced) return false;
  if (rule.resourceNames?.length && !rule.resourceNames.includes(name)) return false;
  if (!includes(rule.operations, operation)) return false;
  if (!includes(rule.apiGroups, definition.group) || !includes(rule.apiVersions, definition.version)) return false;
  return (rule.resources ?? []).some((one) => {
    const [resource = '', sub = ''] = one.split('/', 2);
    const isResource = resource === '*' || resource === definition.resource;
    return isResource && (sub === '*' || sub === subresource);
  });
}

/** What configures admission is never held up by admission: nobody could repair it. */
export function isExempt({ definition: { group } }: AdmissionRequest): boolean {
  return group === 'admissionregistration.k8s.io';
}

function isEmpty(selector: LabelSelector | undefined): boolean {
  return !selector || (!Object.keys(selector.matchLabels ?? {}).length && !selector.matchExpressions?.length);
}

function selects(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>>): boolean {
  const parsed = labelSelectorOf(selector);
  return parsed !== undefined && matchesLabels(parsed, labels);
}

/** Objects match where the new or the old one does; what has no metadata has no labels. */
export function matchesObject(selector: LabelSelector | undefined, { object, old }: AdmissionRequest): boolean {
  if (isEmpty(selector)) return true;
  return [object, old].some((one) => one?.metadata !== undefined && selects(selector, one.metadata.labels ?? {}));
}

/** By the labels of the object's namespace, or of the namespace that it is; other cluster-scoped objects always match. */
export function matchesNamespace(
  selector: LabelSelector | undefined,
  request: AdmissionRequest,
  view: AdmissionView,
): boolean {
  if (isEmpty(selector)) return true;
  const { definition, namespace, name, object, old, operation, subresource } = request;
  const isNamespace = definition.group === '' && definition.resource === 'namespaces';
  if (isNamespace) {
    const isWrite = subresource === '' && (operation === 'CREATE' || operation === 'UPDATE');
    const subject = isWrite ? object : (view.find('namespaces', { name }) ?? old);
    return selects(selector, subject?.metadata.labels ?? {});
  }
  if (!definition.namespaced) return true;
  const found = view.find<KubeObject>('namespaces', { name: namespace });
  if (!found) throw notFound({ group: '', resource: 'namespaces' }, namespace);
  return selects(selector, found.metadata.labels ?? {});
}
