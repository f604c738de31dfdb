// Which pods and claims a scoped quota is about.
import { qosClass } from '../pod/qos.ts';
import type {
  PersistentVolumeClaim,
  Pod,
  PodAffinityTerm,
  ResourceQuota,
  ScopedResourceSelectorRequirement,
} from '../types.generated.ts';

/** `spec.scopes` and `spec.scopeSelector` as one list. */
export function scopeSelectorsOf({ spec }: Pick<ResourceQuota, 'spec'>): ScopedResourceSelectorRequirement[] {
  const plain = (spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' }));
  return [...plain, ...(spec?.scopeSelector?.matchExpressions ?? [])];
}

/** Whether a pod has a deadline. */
export function isTerminating({ spec }: Readonly<Pod>): boolean {
  return (spec?.activeDeadlineSeconds ?? -1) >= 0;
}

export function podMatchesScope(selector: ScopedResourceSelectorRequirement, pod: Readonly<Pod>): boolean {
  const { spec } = pod;
  switch (selector.scopeName) {
    case 'Terminating':
      return isTerminating(pod);
    case 'NotTerminating':
      return !isTerminating(pod);
    case 'BestEffort':
      return qosClass(pod) === 'BestEffort';
    case 'NotBestEffort':
      return qosClass(pod) !== 'BestEffort';
    case 'PriorityClass':
      return matchesValues(selector, spec?.priorityClassName ? [spec.priorityClassName] : []);
    case 'CrossNamespacePodAffinity':
      return usesOtherNamespaces(pod);
    default:
      return false;
  }
}

/** The VolumeAttributesClasses that a claim has, had or is to have. */
export function attributesClassesOf({ spec, status }: Readonly<PersistentVolumeClaim>): string[] {
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return names.flatMap((name) => name || []);
}

export function claimMatchesScope(
  selector: ScopedResourceSelectorRequirement,
  claim: Readonly<PersistentVolumeClaim>,
): boolean {
  return selector.scopeName === 'VolumeAttributesClass' && matchesValues(selector, attributesClassesOf(claim));
}

/** As a label selector over one label that has one of the values, or is not there. */
function matchesValues({ operator, values = [] }: ScopedResourceSelectorRequirement, present: string[]): boolean {
  switch (operator) {
    case 'Exists':
      return present.length > 0;
    case 'DoesNotExist':
      return present.length === 0;
    case 'In':
      return present.some((value) => values.includes(value));
    case 'NotIn':
      return present.length === 0 || present.some((value) => !values.includes(value));
    default:
      return false;
  }
}

function usesOtherNamespaces({ spec }: Readonly<Pod>): boolean {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  const terms: PodAffinityTerm[] = [podAffinity, podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => term.podAffinityTerm),
  ]);
  return terms.some(({ namespaces, namespaceSelector }) => (namespaces?.length ?? 0) > 0 || namespaceSelector);
}
