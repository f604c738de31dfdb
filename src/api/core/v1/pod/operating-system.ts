// What only Pods of one operating system can say (`spec.os`), and Windows' containers that run as processes of the node.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import type { PodSpec } from '../types.generated.ts';
import { containersWithPaths } from './scope.ts';

const { required, forbidden, invalid, notSupported } = fieldError;

const notOnWindows = 'cannot be set for a windows pod';
/** `shareProcessNamespace` is the spec's, but in upstream's internal type one of the security context's. */
const linuxPodFields = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'shareProcessNamespace',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'seLinuxChangePolicy',
] as const;
const linuxContainerFields = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const;

export function validateOperatingSystem(spec: PodSpec, path: string): FieldError[] {
  const { os } = spec;
  if (!os) return [];
  if (!os.name) return [required(`${path}.os.name`)];
  if (os.name === 'linux') return validateLinux(spec, path);
  if (os.name === 'windows') return validateWindows(spec, path);
  return [notSupported(`${path}.os`, os.name, ['linux', 'windows'])];
}

function validateLinux(spec: PodSpec, path: string): FieldError[] {
  const why = 'windows options cannot be set for a linux pod';
  const places = [{ container: spec, path }, ...containersWithPaths(spec, path)];
  return places
    .filter(({ container }) => container.securityContext?.windowsOptions)
    .map((place) => forbidden(`${place.path}.securityContext.windowsOptions`, why));
}

function validateWindows(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const context = spec.securityContext;
  const refuse = (field: string): number => errors.push(forbidden(field, notOnWindows));
  for (const field of linuxPodFields) {
    if (field === 'shareProcessNamespace') {
      if (spec.shareProcessNamespace !== undefined) refuse(`${path}.shareProcessNamespace`);
      continue;
    }
    const given = field === 'sysctls' ? context?.sysctls?.length : context?.[field] !== undefined;
    if (given) refuse(`${path}.securityContext.${field}`);
    // Upstream keeps these in the security context of its internal type.
    if (field !== 'seLinuxOptions') continue;
    if (spec.hostUsers !== undefined) refuse(`${path}.hostUsers`);
    if (spec.hostPID) refuse(`${path}.hostPID`);
    if (spec.hostIPC) refuse(`${path}.hostIPC`);
  }
  for (const { container, path: at } of containersWithPaths(spec, path)) {
    for (const field of linuxContainerFields) {
      if (container.securityContext?.[field] !== undefined) refuse(`${at}.securityContext.${field}`);
    }
  }
  return errors;
}

/** With one container that is a process of the node all are, and they have its network. */
export function validateHostProcesses(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  const containers = containersWithPaths(spec, path);
  let count = 0;
  for (const { container, path: at } of containers) {
    const own = container.securityContext?.windowsOptions?.hostProcess;
    if (own !== undefined && ofPod !== undefined && own !== ofPod) {
      const why = `pod hostProcess value must be identical if both are specified, was ${ofPod}`;
      errors.push(invalid(`${at}.securityContext.windowsOptions.hostProcess`, own, why));
    }
    if (own ?? ofPod) count++;
  }
  if (count === 0) return errors;
  if (count !== containers.length) {
    const why = 'If pod contains any hostProcess containers then all containers must be HostProcess containers';
    errors.push(invalid(path, '', why));
  }
  if (!spec.hostNetwork) {
    const why = 'hostNetwork must be true if pod contains any hostProcess containers';
    errors.push(invalid(`${path}.hostNetwork`, false, why));
  }
  return errors;
}

/** A Pod with users of its own shares no other namespace of the node, and devices keep the node's users. */
export function validateHostUsers(spec: PodSpec, path: string): FieldError[] {
  if (spec.hostUsers !== false) return [];
  const why = 'when `hostUsers` is false';
  const errors: FieldError[] = [];
  if (spec.hostNetwork) errors.push(forbidden(`${path}.hostNetwork`, why));
  if (spec.hostPID) errors.push(forbidden(`${path}.HostPID`, why));
  if (spec.hostIPC) errors.push(forbidden(`${path}.HostIPC`, why));
  for (const { container, path: at } of containersWithPaths(spec, path)) {
    if (container.volumeDevices?.length) errors.push(forbidden(`${at}.volumeDevices`, why));
  }
  return errors;
}
