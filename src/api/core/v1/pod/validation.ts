// What the API server refuses in a Pod, or in a template of one.
import type { ObjectMeta } from '../../../../apimachinery/meta/v1.generated.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Subdomain, qualifiedName, rangeMessage } from '../../../../apimachinery/validation/names.ts';
import { nameErrors, validateAnnotations, validateLabels } from '../../../../apimachinery/validation/object-meta.ts';
import { validateOptionalName } from '../../../validation/references.ts';
import { maxInt32, oneOf } from '../../../validation/values.ts';
import type { Pod, PodSpec, PodTemplateSpec } from '../types.generated.ts';
import { validateAnnotationsOfCreate, validatePodAnnotations } from './annotations.ts';
import { validatePodResources, validateResourceClaims, validateResources } from './container-resources.ts';
import {
  validateContainers,
  validateEphemeralContainers,
  validateImageText,
  validateInitContainers,
} from './container-validation.ts';
import { validateFileKeyVolumes } from './environment.ts';
import {
  validateDnsConfig,
  validateHostAliases,
  validateHostNetworkPorts,
  validateHostnameOverride,
  validateHostnames,
} from './network.ts';
import { validateHostProcesses, validateHostUsers, validateOperatingSystem } from './operating-system.ts';
import {
  validateAffinity,
  validateSchedulingGates,
  validateTolerations,
  validateTopologySpread,
} from './scheduling.ts';
import { scopeOf } from './scope.ts';
import { validatePodSecurityContext } from './security-context.ts';
import { validateVolumes } from './volumes.ts';

const { required, forbidden, invalid } = fieldError;
const restartPolicies = ['Always', 'OnFailure', 'Never'];
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

/** `pod` is the metadata of the Pod itself; absent for a template, where some rules wait for the Pod. */
function validatePodSpec(spec: PodSpec, path = 'spec', pod?: ObjectMeta): FieldError[] {
  const volumes = validateVolumes(spec.volumes ?? [], `${path}.volumes`, pod);
  const scope = scopeOf(spec, volumes.valid, pod);
  return [
    ...(spec.terminationGracePeriodSeconds === undefined ? [required(`${path}.terminationGracePeriodSeconds`)] : []),
    ...volumes.errors,
    ...validateResourceClaims(spec.resourceClaims ?? [], `${path}.resourceClaims`, pod),
    ...validateContainers(spec, `${path}.containers`, scope),
    ...validateInitContainers(spec, `${path}.initContainers`, scope),
    ...validateEphemeralContainers(spec, `${path}.ephemeralContainers`, scope),
    ...validatePodResources(spec, `${path}.resources`),
    ...validateHostNetworkPorts(spec, path, { isPod: pod !== undefined }),
    ...oneOf(`${path}.restartPolicy`, spec.restartPolicy, restartPolicies),
    ...oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, dnsPolicies),
    ...validateLabels(spec.nodeSelector, `${path}.nodeSelector`),
    ...validatePodSecurityContext(spec, path),
    ...validateAffinity(spec.affinity, `${path}.affinity`),
    ...validateDnsConfig(spec, `${path}.dnsConfig`),
    ...(spec.readinessGates ?? []).flatMap(({ conditionType }, i) =>
      nameErrors(qualifiedName, `${path}.readinessGates[${i}].conditionType`, conditionType),
    ),
    ...validateSchedulingGates(spec.schedulingGates ?? [], `${path}.schedulingGates`),
    ...validateTopologySpread(spec.topologySpreadConstraints ?? [], `${path}.topologySpreadConstraints`),
    ...validateHostProcesses(spec, path),
    ...validateHostUsers(spec, path),
    ...validateHostnameOverride(spec, path),
    ...validateIdentity(spec, path),
    ...validateOperatingSystem(spec, path),
    ...validateFileKeyVolumes(spec, path),
  ];
}

/** Names, deadlines, and what else is said of the Pod as a whole. */
function validateIdentity(spec: PodSpec, path: string): FieldError[] {
  const { preemptionPolicy, runtimeClassName } = spec;
  const policies = ['PreemptLowerPriority', 'Never'];
  return [
    ...validateOptionalName(`${path}.serviceAccountName`, spec.serviceAccountName),
    ...validateOptionalName(`${path}.nodeName`, spec.nodeName),
    ...validateDeadline(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds),
    ...validateHostnames(spec, path),
    ...validateTolerations(spec.tolerations ?? [], `${path}.tolerations`),
    ...validateHostAliases(spec, `${path}.hostAliases`),
    ...validateOptionalName(`${path}.priorityClassName`, spec.priorityClassName),
    ...(runtimeClassName === undefined
      ? []
      : nameErrors(dns1123Subdomain, `${path}.runtimeClassName`, runtimeClassName)),
    ...(preemptionPolicy === undefined ? [] : oneOf(`${path}.preemptionPolicy`, preemptionPolicy, policies)),
    ...(spec.overhead ? validateResources({ limits: spec.overhead }, `${path}.overhead`) : []),
  ];
}

function validateDeadline(field: string, seconds: number | undefined): FieldError[] {
  if (seconds === undefined || (seconds >= 1 && seconds <= maxInt32)) return [];
  return [invalid(field, seconds, rangeMessage(1, maxInt32))];
}

/** Of a Pod, new or changed: its spec and what its annotations say. */
export function validatePod({ metadata, spec = { containers: [] } }: Pod): FieldError[] {
  const errors = [
    ...validatePodAnnotations(metadata, spec, 'metadata.annotations'),
    ...validatePodSpec(spec, 'spec', metadata),
  ];
  if (!spec.serviceAccountName) {
    for (const [i, { projected }] of (spec.volumes ?? []).entries()) {
      for (const [j, { serviceAccountToken }] of (projected?.sources ?? []).entries()) {
        if (!serviceAccountToken) continue;
        const at = `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`;
        errors.push(forbidden(at, 'must not be specified when serviceAccountName is not set'));
      }
    }
  }
  for (const list of ['containers', 'initContainers'] as const) {
    for (const [i, one] of (spec[list] ?? []).entries()) errors.push(...validateImageText(one, `spec.${list}[${i}]`));
  }
  return errors;
}

export function validatePodCreate(pod: Pod): FieldError[] {
  const errors = validatePod(pod);
  const { metadata, spec = { containers: [] } } = pod;
  if (spec.ephemeralContainers?.length) {
    errors.push(forbidden('spec.ephemeralContainers', 'cannot be set on create'));
  }
  if (spec.nodeName && spec.schedulingGates?.length) {
    errors.push(forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
  }
  return [...errors, ...validateAnnotationsOfCreate(metadata, spec, 'spec')];
}

/** Of the template inside a Deployment and its like. */
export function validatePodTemplate(template: PodTemplateSpec | undefined, path: string): FieldError[] {
  if (!template) return [required(path)];
  const { metadata = {}, spec = { containers: [] } } = template;
  const errors = [
    ...validateLabels(metadata.labels, `${path}.labels`),
    ...validateAnnotations(metadata.annotations, `${path}.annotations`),
    ...validatePodAnnotations(metadata, spec, `${path}.annotations`),
    ...validatePodSpec(spec, `${path}.spec`),
    ...validateAnnotationsOfCreate(metadata, spec, `${path}.spec`),
  ];
  if (!spec.ephemeralContainers?.length) return errors;
  return [...errors, forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template')];
}
