// What a kubelet, or who speaks for one, may report of a Pod.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateLegacyIP } from '../../../../apimachinery/validation/ip.ts';
import { dns1123Subdomain, qualifiedName } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { parseIPSloppy } from '../../../../net/ip.ts';
import { validateId } from '../../../validation/ids.ts';
import { immutable } from '../../../validation/values.ts';
import type { ContainerStatus, Pod, PodStatus } from '../types.generated.ts';
import { validateAnnotationUpdates, validatePodAnnotations } from './annotations.ts';

const { forbidden, invalid, duplicate } = fieldError;

const ownConditions = ['PodScheduled', 'Ready', 'Initialized'];

export function validatePodStatusUpdate(pod: Pod, old: Pod): FieldError[] {
  const status = pod.status ?? {};
  const spec = pod.spec ?? { containers: [] };
  const nominated = status.nominatedNodeName;
  return [
    ...validateAnnotationUpdates(pod.metadata, old.metadata, 'metadata.annotations'),
    ...validatePodAnnotations(pod.metadata, spec, 'metadata.annotations'),
    ...(status.conditions ?? []).flatMap(({ type }, i) =>
      ownConditions.includes(type) ? [] : nameErrors(qualifiedName, `metadata.conditions[${i}].Type`, type),
    ),
    ...(nominated && nominated !== old.status?.nominatedNodeName
      ? nameErrors(dns1123Subdomain, 'status.nominatedNodeName', nominated)
      : []),
    ...immutable('status.qosClass', status.qosClass, old.status?.qosClass),
    ...validateTransitions(status, old),
    ...validateClaimStatuses(pod),
    ...validateAddresses(status),
    ...validateUsers(status),
  ];
}

/** What has ended does not begin again unless the Pod's policy says so. */
function validateTransitions(status: PodStatus, { spec, status: before }: Pod): FieldError[] {
  const policy = spec?.restartPolicy ?? 'Always';
  const ownPolicies = new Map(
    [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map((container) => [container.name, container]),
  );
  return (['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const).flatMap((list) => {
    const now = status[list] ?? [];
    const rule = list === 'ephemeralContainerStatuses' ? 'Never' : policy;
    return (before?.[list] ?? []).flatMap(({ name, state }, i) => {
      const ended = state?.terminated;
      const container = ownPolicies.get(name);
      const restarts = container?.restartPolicy === 'Always' || container?.restartPolicyRules?.length;
      const own = container?.restartPolicy ?? rule;
      if (!ended || own === 'Always' || (ended.exitCode !== 0 && own === 'OnFailure') || restarts) return [];
      const revived = now.some((one) => one.name === name && !one.state?.terminated);
      if (!revived) return [];
      return [forbidden(`status.${list}[${i}].state`, 'may not be transitioned to non-terminated state')];
    });
  });
}

function validateClaimStatuses({ spec, status }: Pod): FieldError[] {
  const seen = new Set<string>();
  return (status?.resourceClaimStatuses ?? []).flatMap(({ name, resourceClaimName }, i) => {
    const at = `status.resourceClaimStatuses[${i}].name`;
    const errors: FieldError[] = [];
    if (!spec?.resourceClaims?.some((claim) => claim.name === name)) {
      errors.push(invalid(at, name, 'must match the name of an entry in `spec.resourceClaims`'));
    }
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
    return resourceClaimName === undefined
      ? errors
      : [...errors, ...nameErrors(dns1123Subdomain, at, resourceClaimName)];
  });
}

function validateAddresses({ podIPs = [], hostIP = '', hostIPs = [] }: PodStatus): FieldError[] {
  const errors = validateAddressList(podIPs, 'status.podIPs');
  const [first] = hostIPs;
  if (first && first.ip !== hostIP) {
    errors.push(invalid('status.hostIPs[0].ip', first.ip, 'must be equal to `hostIP`'));
  }
  return [...errors, ...validateAddressList(hostIPs, 'status.hostIPs')];
}

function validateAddressList(list: readonly { ip: string }[], path: string): FieldError[] {
  const errors = list.flatMap(({ ip }, i) => validateLegacyIP(`${path}[${i}]`, ip));
  if (list.length < 2) return errors;
  const families = new Set(list.map(({ ip }) => parseIPSloppy(ip)?.ip.family));
  const printed = list.map(({ ip }) => ({ IP: ip }));
  if (families.size < 2 || list.length > 2) {
    errors.push(invalid(path, printed, 'may specify no more than one IP for each IP family'));
  }
  for (const [i, { ip }] of list.entries()) {
    if (list.findIndex((other) => other.ip === ip) < i) errors.push(duplicate(`${path}[${i}]`, { IP: ip }));
  }
  return errors;
}

function validateUsers(status: PodStatus): FieldError[] {
  return (['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const).flatMap((list) =>
    (status[list] ?? []).flatMap((one, i) => validateUser(one, `status.${list}[${i}].linux`)),
  );
}

function validateUser({ user }: ContainerStatus, path: string): FieldError[] {
  const linux = user?.linux;
  if (!linux) return [];
  return [
    ...validateId(`${path}.uid`, linux.uid),
    ...validateId(`${path}.gid`, linux.gid),
    ...(linux.supplementalGroups ?? []).flatMap((id, i) => validateId(`${path}.supplementalGroups[${i}]`, id)),
  ];
}
