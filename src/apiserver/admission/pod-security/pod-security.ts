// Pod Security Standards by namespace labels: pods are kept out, told of in the audit log, or warned of; who makes a
// workload is warned of what its pods will meet.
import type { Namespace, PodTemplateSpec } from '../../../api/core/v1/types.generated.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { forbidden, invalid } from '../../../apimachinery/status.ts';
import { fieldError } from '../../../apimachinery/validation/field-error.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from '../admission.ts';
import type { CheckedPod } from './check.ts';
import { evaluate, labelErrors, policyOf, printLevel, printViolations } from './policy.ts';

const workloads = new Set([
  'podtemplates',
  'replicationcontrollers',
  'replicasets.apps',
  'deployments.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'jobs.batch',
  'cronjobs.batch',
]);
/** Pods of a namespace that a new level is tried on. */
const mostPodsChecked = 3000;

export const podSecurity: AdmissionPlugin = {
  name: 'PodSecurity',
  validate(request, view) {
    const { definition, operation, subresource, object } = request;
    if (!object || (operation !== 'CREATE' && operation !== 'UPDATE')) return;
    const { group, resource } = definition;
    const name = group === '' ? resource : `${resource}.${group}`;
    if (name === 'namespaces' && subresource === '') checkNamespace(request, view);
    else if (name === 'pods') checkPod(request, view);
    else if (workloads.has(name) && subresource === '') {
      const template = templateOf(object);
      if (template) check(template, { request, view, enforces: false });
    }
  },
};

function templateOf(object: KubeObject): CheckedPod | undefined {
  const { spec = {}, template = spec.template } = object as unknown as {
    spec?: { template?: PodTemplateSpec; jobTemplate?: { spec?: { template?: PodTemplateSpec } } };
    template?: PodTemplateSpec;
  };
  const found = template ?? spec.jobTemplate?.spec?.template;
  return found?.spec ? (found as unknown as CheckedPod) : undefined;
}

function checkPod(request: AdmissionRequest, view: AdmissionView): void {
  const { subresource, object, old } = request;
  if (subresource !== '' && subresource !== 'ephemeralcontainers') return;
  const pod = object as unknown as CheckedPod;
  if (!pod.spec || (old && !isSignificant(pod, old as unknown as CheckedPod))) return;
  check(pod, { request, view, enforces: true });
}

/** What an update of a pod can change that a standard speaks of: images and ephemeral containers. */
function isSignificant(pod: CheckedPod, old: CheckedPod): boolean {
  const content = ({ metadata, spec }: CheckedPod): string => {
    const images = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ image }) => image);
    const annotations = Object.entries(metadata?.annotations ?? {}).filter(([key]) => /apparmor|seccomp/.test(key));
    return JSON.stringify([images, spec.ephemeralContainers ?? [], annotations.sort()]);
  };
  return content(pod) !== content(old);
}

interface CheckOptions {
  readonly request: AdmissionRequest;
  readonly view: AdmissionView;
  readonly enforces: boolean;
}

function check(pod: CheckedPod, { request, view, enforces }: CheckOptions): void {
  const { namespace, definition, object, warnings, auditAnnotations } = request;
  const labels = view.find<Namespace>('namespaces', { name: namespace })?.metadata.labels;
  if (!labels) return;
  const { enforce, audit, warn } = policyOf(labels);
  const audited = evaluate(audit, pod);
  if (audited.length > 0) {
    const text = `would violate PodSecurity "${printLevel(audit)}": ${printViolations(audited)}`;
    auditAnnotations.set('pod-security.kubernetes.io/audit-violations', text);
  }
  if (enforces) {
    auditAnnotations.set('pod-security.kubernetes.io/enforce-policy', printLevel(enforce));
    const found = evaluate(enforce, pod);
    if (found.length > 0) {
      const why = `violates PodSecurity "${printLevel(enforce)}": ${printViolations(found)}`;
      throw forbidden(definition, object?.metadata.name ?? '', why);
    }
  }
  const warned = evaluate(warn, pod);
  if (warned.length > 0) {
    warnings.add(`would violate PodSecurity "${printLevel(warn)}": ${printViolations(warned)}`);
  }
}

/** Labels must be readable; who asks for more hears of the pods that are there and do not meet it. */
function checkNamespace({ object, old, warnings }: AdmissionRequest, view: AdmissionView): void {
  const { name, labels } = object!.metadata;
  const known = new Set(labelErrors(old?.metadata.labels).map(({ label, value }) => `${label}=${value}`));
  const errors = labelErrors(labels).filter(({ label, value }) => !known.has(`${label}=${value}`));
  if (errors.length > 0) {
    const fields = errors.map(({ label, value, why }) => fieldError.invalid(`metadata.labels[${label}]`, value, why));
    throw invalid({ group: '', kind: 'Namespace' }, name, fields);
  }
  if (!old) return;
  const { enforce } = policyOf(labels);
  if (enforce.level === 'privileged' || printLevel(enforce) === printLevel(policyOf(old.metadata.labels).enforce))
    return;
  const pods = view.all<KubeObject>('pods', '', name).slice(0, mostPodsChecked);
  const byReasons = new Map<string, string[]>();
  for (const pod of pods) {
    const found = evaluate(enforce, pod as unknown as CheckedPod);
    if (found.length === 0) continue;
    const reasons = found.map(({ reason }) => reason).join(', ');
    byReasons.set(reasons, [...(byReasons.get(reasons) ?? []), pod.metadata.name]);
  }
  if (byReasons.size === 0) return;
  const level = printLevel(enforce);
  warnings.add(`existing pods in namespace "${name}" violate the new PodSecurity enforce level "${level}"`);
  for (const [reasons, [first, ...more]] of byReasons) {
    const others = more.length === 0 ? '' : ` (and ${more.length} other ${more.length === 1 ? 'pod' : 'pods'})`;
    warnings.add(`${first}${others}: ${reasons}`);
  }
}
