// What a kubelet, or who speaks for one, may report of a Pod.
import { ownValue } from '../../../../apimachinery/table.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateLegacyIP } from '../../../../apimachinery/validation/ip.ts';
import { dns1123Label, dns1123Subdomain, qualifiedName } from '../../../../apimachinery/validation/names.ts';
import { byteLength, nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { parseIPSloppy } from '../../../../net/ip.ts';
import { validateId } from '../../../validation/ids.ts';
import { validateRequiredName } from '../../../validation/references.ts';
import { immutable } from '../../../validation/values.ts';
import type { Container, ContainerStatus, Pod, PodSpec, PodStatus, ResourceStatus } from '../types.generated.ts';
import { validateAnnotationUpdates, validatePodAnnotations } from './annotations.ts';
import { mayRestartAll, restartsAfter } from './restart.ts';

const { required, forbidden, invalid, duplicate, notSupported, tooLong } = fieldError;

const ownConditions = ['PodScheduled', 'Ready', 'Initialized'];
const statusLists = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const;

export function validatePodStatusUpdate(pod: Pod, old: Pod): FieldError[] {
  const status = pod.status ?? {};
  const spec = pod.spec ?? { containers: [] };
  return [
    ...validateAnnotationUpdates(pod.metadata, old.metadata),
    ...validatePodAnnotations(pod.metadata, spec, 'metadata.annotations'),
    ...validateConditions(status, 'status.conditions'),
    ...validateNomination(status, old),
    ...validateGeneration('status.observedGeneration', status.observedGeneration),
    ...immutable('status.qosClass', status.qosClass ?? '', old.status?.qosClass ?? ''),
    ...validateTransitions(status, old),
    ...validateClaimStatuses(pod),
    ...validateExtendedClaim(status, spec),
    ...validateAddresses(status, old.status ?? {}),
    ...validateUsers(status, spec),
    ...validateDevices(status, spec),
  ];
}

function validateGeneration(field: string, generation = 0): FieldError[] {
  return generation < 0 ? [invalid(field, generation, 'must be a non-negative integer')] : [];
}

function validateConditions({ conditions = [] }: PodStatus, path: string): FieldError[] {
  return conditions.flatMap(({ type, observedGeneration }, i) => [
    ...validateGeneration(`${path}[${i}].observedGeneration`, observedGeneration),
    ...(ownConditions.includes(type) ? [] : nameErrors(qualifiedName, `${path}[${i}].Type`, type)),
  ]);
}

/** The node that is made free for the Pod; one that has its node needs no other. */
function validateNomination({ nominatedNodeName = '' }: PodStatus, { spec, status }: Pod): FieldError[] {
  if (!nominatedNodeName || nominatedNodeName === status?.nominatedNodeName) return [];
  const at = 'status.nominatedNodeName';
  const errors = nameErrors(dns1123Subdomain, at, nominatedNodeName);
  if (spec?.nodeName) errors.push(forbidden(at, 'may not be set on pods that are already bound to a node'));
  return errors;
}

/** What has ended does not begin again unless it is to be restarted; what looks at a Pod never is. */
function validateTransitions(status: PodStatus, { spec, status: before }: Pod): FieldError[] {
  const sources = { containerStatuses: spec?.containers, initContainerStatuses: spec?.initContainers };
  const all = mayRestartAll(spec);
  return statusLists.flatMap((list) => {
    if (all && list !== 'ephemeralContainerStatuses') return [];
    const containers = list === 'ephemeralContainerStatuses' ? [] : sources[list];
    return (before?.[list] ?? []).flatMap(({ name, state }, i) => {
      if (!state?.terminated) return [];
      if (!status[list]?.some((now) => now.name === name && !now.state?.terminated)) return [];
      const container = containers?.find((one) => one.name === name);
      if (container && restartsAfter(spec, container, state.terminated.exitCode)) return [];
      return [forbidden(`status.${list}[${i}].state`, 'may not be transitioned to non-terminated state')];
    });
  });
}

function validateClaimStatuses({ spec, status }: Pod): FieldError[] {
  const seen = new Set<string>();
  return (status?.resourceClaimStatuses ?? []).flatMap(({ name, resourceClaimName }, i) => {
    const path = `status.resourceClaimStatuses[${i}]`;
    const at = `${path}.name`;
    const errors: FieldError[] = [];
    if (!spec?.resourceClaims?.some((claim) => claim.name === name)) {
      errors.push(invalid(at, name, 'must match the name of an entry in `spec.resourceClaims`'));
    }
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
    return resourceClaimName === undefined
      ? errors
      : [...errors, ...nameErrors(dns1123Subdomain, `${path}.resourceClaimName`, resourceClaimName)];
  });
}

/** The claim that was made for extended resources (KEP-5004), and what of it each container has. */
function validateExtendedClaim({ extendedResourceClaimStatus: claim }: PodStatus, spec: PodSpec): FieldError[] {
  if (!claim) return [];
  const path = 'status.extendedResourceClaimStatus';
  const { requestMappings = [], resourceClaimName } = claim;
  const containers = new Map([...(spec.initContainers ?? []), ...spec.containers].map((one) => [one.name, one]));
  const errors: FieldError[] = [];
  if (requestMappings.length === 0) {
    errors.push(required(`${path}.requestMappings`, 'at least one request mapping is required'));
  }
  const seen = new Set<string>();
  for (const [i, mapping] of requestMappings.entries()) {
    const at = `${path}.requestMappings[${i}]`;
    const { containerName = '', resourceName = '', requestName = '' } = mapping;
    const container = containers.get(containerName);
    if (!container) {
      const why = 'must match the name of an entry in spec.initContainers.name or spec.containers.name';
      errors.push(invalid(`${at}.containerName`, containerName, why));
    } else if (ownValue(container.resources?.requests, resourceName) === undefined) {
      const why =
        'must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests';
      errors.push(invalid(`${at}.resourceName`, resourceName, why));
    }
    errors.push(...nameErrors(dns1123Label, `${path}.requestName`, requestName));
    const key = JSON.stringify([containerName, resourceName, requestName]);
    const same = { containerName, resourceName, requestName };
    if (seen.has(key))
      for (const [field, value] of Object.entries(same)) errors.push(duplicate(`${at}.${field}`, value));
    seen.add(key);
  }
  return [...errors, ...validateRequiredName(`${path}.resourceClaimName`, resourceClaimName)];
}

function validateAddresses({ podIPs, hostIP = '', hostIPs }: PodStatus, old: PodStatus): FieldError[] {
  const errors = validateAddressList('status.podIPs', podIPs, old.podIPs);
  const first = hostIPs?.[0];
  if (first && first.ip !== hostIP) {
    errors.push(invalid('status.hostIPs[0].ip', first.ip, 'must be equal to `hostIP`'));
  }
  return [...errors, ...validateAddressList('status.hostIPs', hostIPs, old.hostIPs)];
}

type Addresses = readonly { readonly ip: string }[];

/** One address of each family. Those of before stay, whatever they are. */
function validateAddressList(path: string, list: Addresses = [], old: Addresses = []): FieldError[] {
  const existing = old.map(({ ip }) => ip);
  const errors = list.flatMap(({ ip }, i) => validateLegacyIP(`${path}[${i}]`, ip, existing));
  if (list.length < 2) return errors;
  const families = new Set(list.map(({ ip }) => parseIPSloppy(ip)?.ip.family));
  if (families.has(undefined)) {
    const wrong = list.findIndex(({ ip }) => !parseIPSloppy(ip));
    const why = `failed to check for dual stack with error:invalid IP[${wrong}]: <nil>`;
    errors.push({ type: 'InternalError', field: path, detail: why });
  }
  if (families.size < 2 || families.has(undefined) || list.length > 2) {
    const printed = list.map(({ ip }) => ({ IP: ip }));
    errors.push(invalid(path, printed, 'may specify no more than one IP for each IP family'));
  }
  return errors;
}

function validateUsers(status: PodStatus, { os }: PodSpec): FieldError[] {
  return statusLists.flatMap((list) =>
    (status[list] ?? []).flatMap((one, i) => {
      const at = `status.${list}[${i}].user.linux`;
      if (os?.name !== 'windows') return validateUser(one, at);
      return one.user?.linux ? [forbidden(at, 'cannot be set for a windows pod')] : [];
    }),
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

/** How the devices of containers are (KEP-4680); those that only look at a Pod have none. */
function validateDevices(status: PodStatus, spec: PodSpec): FieldError[] {
  const regular = (['containerStatuses', 'initContainerStatuses'] as const).flatMap((list) =>
    (status[list] ?? []).flatMap(({ name, allocatedResourcesStatus = [] }, i) => {
      const containers = list === 'containerStatuses' ? spec.containers : (spec.initContainers ?? []);
      const container = containers.find((one) => one.name === name);
      return allocatedResourcesStatus.flatMap((one, j) =>
        validateDevice(one, `status.${list}[${i}].allocatedResourcesStatus[${j}]`, container),
      );
    }),
  );
  const ephemeral = (status.ephemeralContainerStatuses ?? []).flatMap(({ allocatedResourcesStatus }, i) => {
    if (!allocatedResourcesStatus?.length) return [];
    const at = `status.ephemeralContainerStatuses[${i}].allocatedResourcesStatus`;
    return [forbidden(at, 'must not be specified in container status')];
  });
  return [...regular, ...ephemeral];
}

const notRequested = "must match one of the container's resource requests";
const notClaimed =
  "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty";
const healths = ['Healthy', 'Unhealthy', 'Unknown'];
const maxMessage = 1024;

function validateDevice(
  { name, resources = [] }: ResourceStatus,
  path: string,
  container: Container | undefined,
): FieldError[] {
  const { requests, claims = [] } = container?.resources ?? {};
  const isClaim = name.startsWith('claim:');
  const isKnown = isClaim
    ? claims.some((claim) => name === `claim:${claim.name}${claim.request ? `/${claim.request}` : ''}`)
    : ownValue(requests, name) !== undefined;
  const errors: FieldError[] = [];
  if (container && !isKnown) errors.push(invalid(`${path}.name`, name, isClaim ? notClaimed : notRequested));
  for (const [i, { resourceID = '', health = '', message }] of resources.entries()) {
    const at = `${path}.resources[${i}]`;
    if (!healths.includes(health)) errors.push(notSupported(`${at}.health`, health, healths));
    if (message === '') errors.push(required(`${at}.message`, 'must be non-empty if specified'));
    else if (byteLength(message ?? '') > maxMessage) errors.push(tooLong(`${at}.message`, maxMessage));
    if (resources.findIndex((other) => other.resourceID === resourceID) < i) {
      errors.push(duplicate(`${at}.resourceID`, resourceID));
    }
  }
  return errors;
}
