// Pod Security Standards by namespace labels: pods are kept out, told of in the audit log, or warned of; who makes a
// workload is warned of what its pods will meet.
import type { Namespace, PodTemplateSpec } from '../../../api/core/v1/types.generated.ts';
import { type KubeObject, printResource } from '../../../apimachinery/object.ts';
import { forbidden, invalid } from '../../../apimachinery/status.ts';
import { fieldError } from '../../../apimachinery/validation/field-error.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from '../admission.ts';
import type { CheckedPod } from './check.ts';
import { type Exemptions, type PodSecurityConfiguration, usualConfiguration } from './configuration.ts';
import { evaluate, labelErrors, modes, policyOf, printLevel, printViolations } from './policy.ts';

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

export function podSecurity(configuration: PodSecurityConfiguration = usualConfiguration): AdmissionPlugin {
  return {
    name: 'PodSecurity',
    resources: ['namespaces', 'pods', ...workloads],
    validate(request, view) {
      const { definition, operation, subresource, object } = request;
      if (!object || (operation !== 'CREATE' && operation !== 'UPDATE')) return;
      const name = printResource(definition);
      if (name === 'namespaces' && subresource === '') checkNamespace(request, view, configuration);
      else if (name === 'pods') checkPod(request, view, configuration);
      else if (workloads.has(name) && subresource === '') {
        const template = templateOf(object);
        if (template) check(template, { request, view, configuration, enforces: false });
      }
    },
  };
}

function templateOf(object: KubeObject): CheckedPod | undefined {
  const { spec = {}, template = spec.template } = object as unknown as {
    spec?: { template?: PodTemplateSpec; jobTemplate?: { spec?: { template?: PodTemplateSpec } } };
    template?: PodTemplateSpec;
  };
  const found = template ?? spec.jobTemplate?.spec?.template;
  return found?.spec ? (found as unknown as CheckedPod) : undefined;
}

function checkPod(request: AdmissionRequest, view: AdmissionView, configuration: PodSecurityConfiguration): void {
  const { subresource, object, old } = request;
  if (subresource !== '' && subresource !== 'ephemeralcontainers') return;
  const pod = object as unknown as CheckedPod;
  if (!pod.spec || (old && !isSignificant(pod, old as unknown as CheckedPod))) return;
  check(pod, { request, view, configuration, enforces: true });
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
  readonly configuration: PodSecurityConfiguration;
  readonly enforces: boolean;
}

/** Why nothing is asked of a pod: upstream's word for the audit log. */
function exemptionOf(
  { namespace, user }: AdmissionRequest,
  { spec }: CheckedPod,
  { namespaces, usernames, runtimeClasses }: Exemptions,
): string | undefined {
  if (namespaces.includes(namespace)) return 'namespace';
  if (usernames.includes(user.name)) return 'user';
  const { runtimeClassName } = spec;
  return runtimeClassName && runtimeClasses.includes(runtimeClassName) ? 'runtimeClass' : undefined;
}

function check(pod: CheckedPod, { request, view, configuration, enforces }: CheckOptions): void {
  const { namespace, definition, object, warnings, auditAnnotations } = request;
  const labels = view.find<Namespace>('namespaces', { name: namespace })?.metadata.labels;
  if (!labels) return;
  const exemption = exemptionOf(request, pod, configuration.exemptions);
  if (exemption) {
    auditAnnotations.set('pod-security.kubernetes.io/exempt', exemption);
    return;
  }
  const { enforce, audit, warn } = policyOf(labels, configuration.defaults);
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

/** What labels alone ask for: `enforce=baseline:latest, warn=restricted:v1.30`. */
function printPolicy(labels: Readonly<Record<string, string>> | undefined): string {
  const policy = policyOf(labels, usualConfiguration.defaults);
  const isSet = (mode: string) => labels?.[`pod-security.kubernetes.io/${mode}`] !== undefined;
  return modes
    .filter(isSet)
    .map((mode) => `${mode}=${printLevel(policy[mode])}`)
    .join(', ');
}

/** Labels must be readable; who asks for more hears of the pods that are there and do not meet it. */
function checkNamespace(
  { object, old, warnings }: AdmissionRequest,
  view: AdmissionView,
  { defaults, exemptions }: PodSecurityConfiguration,
): void {
  const { name, labels } = object!.metadata;
  const known = new Set(labelErrors(old?.metadata.labels).map(({ label, value }) => `${label}=${value}`));
  const errors = labelErrors(labels).filter(({ label, value }) => !known.has(`${label}=${value}`));
  if (errors.length > 0) {
    const fields = errors.map(({ label, value, why }) => fieldError.invalid(`metadata.labels[${label}]`, value, why));
    throw invalid({ group: '', kind: 'Namespace' }, name, fields);
  }
  const { enforce } = policyOf(labels, defaults);
  const isExempt = exemptions.namespaces.includes(name);
  if (isExempt && printPolicy(labels) !== '' && printPolicy(labels) !== printPolicy(old?.metadata.labels)) {
    warnings.add(
      `namespace "${name}" is exempt from Pod Security, and the policy (${printPolicy(labels)}) will be ignored`,
    );
  }
  if (!old || isExempt || enforce.level === 'privileged') return;
  if (printLevel(enforce) === printLevel(policyOf(old.metadata.labels, defaults).enforce)) return;
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
