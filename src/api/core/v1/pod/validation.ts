// What the API server refuses in a Pod, or in a template of one.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateLegacyIP } from '../../../../apimachinery/validation/ip.ts';
import { dns1123Label, dns1123Subdomain, rangeMessage } from '../../../../apimachinery/validation/names.ts';
import { nameErrors, validateAnnotations, validateLabels } from '../../../../apimachinery/validation/object-meta.ts';
import { deepEqual } from '../../../define.ts';
import type { Pod, PodSpec, PodTemplateSpec, Toleration, Volume } from '../types.generated.ts';
import { nonNegative, validateContainers } from './container-validation.ts';

const { required, forbidden, invalid, duplicate, notSupported } = fieldError;
const maxInt32 = 2 ** 31 - 1;
export const restartPolicies = ['Always', 'OnFailure', 'Never'];
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

export function validatePodSpec(spec: PodSpec, path = 'spec'): FieldError[] {
  const errors = validateVolumes(spec.volumes ?? [], `${path}.volumes`);
  const scope = {
    names: new Set<string>(),
    volumes: new Set((spec.volumes ?? []).map(({ name }) => name)),
    hostNetwork: spec.hostNetwork === true,
  };
  if (!spec.containers?.length) errors.push(required(`${path}.containers`));
  errors.push(
    ...validateContainers(spec.containers ?? [], `${path}.containers`, scope),
    ...validateContainers(spec.initContainers ?? [], `${path}.initContainers`, scope),
    ...oneOf(`${path}.restartPolicy`, spec.restartPolicy, restartPolicies),
    ...oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, dnsPolicies),
    ...validateDnsConfig(spec, path),
    ...validateLabels(spec.nodeSelector, `${path}.nodeSelector`),
  );
  const named = (field: 'serviceAccountName' | 'nodeName' | 'priorityClassName' | 'runtimeClassName'): FieldError[] =>
    spec[field] ? nameErrors(dns1123Subdomain, `${path}.${field}`, spec[field]) : [];
  const labelled = (field: 'hostname' | 'subdomain'): FieldError[] =>
    spec[field] ? nameErrors(dns1123Label, `${path}.${field}`, spec[field]) : [];
  errors.push(
    ...named('serviceAccountName'),
    ...named('nodeName'),
    ...validateDurations(spec, path),
    ...labelled('hostname'),
    ...labelled('subdomain'),
    ...validateTolerations(spec.tolerations ?? [], `${path}.tolerations`),
    ...validateHostAliases(spec, path),
    ...named('priorityClassName'),
    ...named('runtimeClassName'),
  );
  return errors;
}

function oneOf(field: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  if (!value) return [required(field)];
  return supported.includes(value) ? [] : [notSupported(field, value, supported)];
}

function validateVolumes(volumes: readonly Volume[], path: string): FieldError[] {
  const names = new Set<string>();
  return volumes.flatMap(({ name, ...sources }, i) => {
    const at = `${path}[${i}]`;
    const errors: FieldError[] = [];
    const given = Object.entries(sources).filter(([, source]) => source !== undefined);
    for (const [source] of given.slice(1)) {
      errors.push(forbidden(`${at}.${source}`, 'may not specify more than 1 volume type'));
    }
    if (given.length === 0) errors.push(required(at, 'must specify a volume type'));
    if (!name) errors.push(required(`${at}.name`));
    else errors.push(...nameErrors(dns1123Label, `${at}.name`, name));
    if (name && names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
    if (sources.hostPath && !sources.hostPath.path) errors.push(required(`${at}.hostPath.path`));
    if (sources.secret && !sources.secret.secretName) errors.push(required(`${at}.secret.secretName`));
    if (sources.configMap && !sources.configMap.name) errors.push(required(`${at}.configMap.name`));
    if (sources.persistentVolumeClaim && !sources.persistentVolumeClaim.claimName) {
      errors.push(required(`${at}.persistentVolumeClaim.claimName`));
    }
    return errors;
  });
}

function validateDnsConfig({ dnsPolicy, dnsConfig }: PodSpec, path: string): FieldError[] {
  const at = `${path}.dnsConfig`;
  const errors: FieldError[] = [];
  if (dnsPolicy === 'None') {
    if (!dnsConfig) errors.push(required(at, 'must provide `dnsConfig` when `dnsPolicy` is None'));
    else if (!dnsConfig.nameservers?.length) {
      errors.push(required(`${at}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'));
    }
  }
  const nameservers = dnsConfig?.nameservers ?? [];
  if (nameservers.length > 3) {
    errors.push(invalid(`${at}.nameservers`, nameservers, 'must not have more than 3 nameservers'));
  }
  return [...errors, ...nameservers.flatMap((ip, i) => validateLegacyIP(`${at}.nameservers[${i}]`, ip))];
}

function validateDurations(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > maxInt32)) {
    errors.push(invalid(`${path}.activeDeadlineSeconds`, deadline, rangeMessage(1, maxInt32)));
  }
  const grace = spec.terminationGracePeriodSeconds;
  if (grace !== undefined && grace < 0) {
    errors.push(invalid(`${path}.terminationGracePeriodSeconds`, grace, nonNegative));
  }
  return errors;
}

function validateTolerations(tolerations: readonly Toleration[], path: string): FieldError[] {
  return tolerations.flatMap((toleration, i) => {
    const at = `${path}[${i}]`;
    const errors: FieldError[] = [];
    if (!toleration.key && toleration.operator !== 'Exists') {
      const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalid(`${at}.operator`, toleration.operator ?? '', why));
    }
    if (toleration.tolerationSeconds !== undefined && toleration.effect !== 'NoExecute') {
      const why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
      errors.push(invalid(`${at}.effect`, toleration.effect ?? '', why));
    }
    if (toleration.operator && !['Equal', 'Exists'].includes(toleration.operator)) {
      errors.push(notSupported(`${at}.operator`, toleration.operator, ['Equal', 'Exists']));
    }
    if (toleration.operator === 'Exists' && toleration.value) {
      errors.push(invalid(`${at}.operator`, toleration, "value must be empty when `operator` is 'Exists'"));
    }
    const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
    if (toleration.effect && !effects.includes(toleration.effect)) {
      errors.push(notSupported(`${at}.effect`, toleration.effect, effects));
    }
    return errors;
  });
}

function validateHostAliases({ hostAliases = [] }: PodSpec, path: string): FieldError[] {
  return hostAliases.flatMap(({ ip, hostnames = [] }, i) => {
    const at = `${path}.hostAliases[${i}]`;
    return [
      ...validateLegacyIP(`${at}.ip`, ip),
      ...hostnames.flatMap((name) => nameErrors(dns1123Subdomain, `${at}.hostnames`, name)),
    ];
  });
}

/** Of the template inside a Deployment and its like. */
export function validatePodTemplate(template: PodTemplateSpec | undefined, path: string): FieldError[] {
  if (!template) return [required(path)];
  return [
    ...validateLabels(template.metadata?.labels, `${path}.metadata.labels`),
    ...validateAnnotations(template.metadata?.annotations, `${path}.metadata.annotations`),
    ...validatePodSpec(template.spec ?? { containers: [] }, `${path}.spec`),
  ];
}

const mayChange =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** A Pod is what it is: images, a deadline, further tolerations are all that may change. */
export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const { spec } = pod;
  const counts = (['containers', 'initContainers'] as const).filter(
    (list) => (spec?.[list]?.length ?? 0) !== (old.spec?.[list]?.length ?? 0),
  );
  if (counts.length > 0) {
    return counts.map((list) => forbidden(`spec.${list}`, 'pod updates may not add or remove containers'));
  }
  const errors = [
    ...validateImages(spec, 'containers'),
    ...validateImages(spec, 'initContainers'),
    ...validateDeadlineChange(pod, old),
    ...validateTolerationChange(pod, old),
  ];
  if (errors.length > 0 || deepEqual(fixedPart(spec, old.spec), old.spec)) return errors;
  return [forbidden('spec', `${mayChange}\n${specDifference(fixedPart(spec, old.spec), old.spec)}`)];
}

function validateImages(spec: PodSpec | undefined, list: 'containers' | 'initContainers'): FieldError[] {
  return (spec?.[list] ?? []).flatMap(({ image = '' }, i) => {
    const at = `spec.${list}[${i}].image`;
    if (image === '') return [required(at)];
    return image.trim() === image ? [] : [invalid(at, image, 'must not have leading or trailing whitespace')];
  });
}

function validateDeadlineChange(pod: Pod, old: Pod): FieldError[] {
  const [now, before] = [pod.spec?.activeDeadlineSeconds, old.spec?.activeDeadlineSeconds];
  const at = 'spec.activeDeadlineSeconds';
  if (now === before) return [];
  if (now === undefined) return [invalid(at, now, 'must not update from a positive integer to nil value')];
  if (now < 0 || now > maxInt32) return [invalid(at, now, rangeMessage(0, maxInt32))];
  if (before !== undefined && before < now) {
    return [invalid(at, now, 'must be less than or equal to previous value')];
  }
  return [];
}

function validateTolerationChange(pod: Pod, old: Pod): FieldError[] {
  const without = (tolerations: readonly Toleration[] = []): unknown[] =>
    tolerations.map(({ tolerationSeconds: _seconds, ...rest }) => rest);
  const now = without(pod.spec?.tolerations);
  const kept = without(old.spec?.tolerations).every((toleration) => now.some((other) => deepEqual(other, toleration)));
  const why = 'existing toleration can not be modified except its tolerationSeconds';
  return kept ? [] : [forbidden('spec.tolerations', why)];
}

/** The new spec with the old one's values where change is allowed. */
function fixedPart(spec: PodSpec | undefined, old: PodSpec | undefined): PodSpec {
  const withImages = (list: 'containers' | 'initContainers') =>
    (spec?.[list] ?? []).map((container, i) => ({ ...container, image: old?.[list]?.[i]?.image }));
  const grace = old?.terminationGracePeriodSeconds;
  return {
    ...spec,
    containers: withImages('containers') as PodSpec['containers'],
    ...(spec?.initContainers && { initContainers: withImages('initContainers') as PodSpec['containers'] }),
    activeDeadlineSeconds: old?.activeDeadlineSeconds,
    tolerations: old?.tolerations,
    ...(grace !== undefined &&
      grace < 0 &&
      spec?.terminationGracePeriodSeconds === 1 && {
        terminationGracePeriodSeconds: grace,
      }),
  };
}

/** The fields that differ, old and new: for people, not for programs. */
function specDifference(spec: PodSpec, old: PodSpec | undefined): string {
  const keys = [...new Set([...Object.keys(spec), ...Object.keys(old ?? {})])].sort() as (keyof PodSpec)[];
  return keys
    .filter((key) => !deepEqual(spec[key], old?.[key]))
    .flatMap((key) => [`- ${key}: ${JSON.stringify(old?.[key])}`, `+ ${key}: ${JSON.stringify(spec[key])}`])
    .join('\n');
}
