// Where a container finds the Pod's volumes: as directories and files, or as block devices.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateDescendingPath, validateNoBacksteps } from '../../../validation/paths.ts';
import type { Container, Volume, VolumeMount } from '../types.generated.ts';

const { required, forbidden, invalid, notFound, notSupported } = fieldError;

type Volumes = ReadonlyMap<string, Volume>;

export function validateVolumeMounts(container: Container, path: string, volumes: Volumes): FieldError[] {
  const paths = new Set<string>();
  const devices = container.volumeDevices ?? [];
  return (container.volumeMounts ?? []).flatMap((mount, i) => {
    const at = `${path}[${i}]`;
    const { name, mountPath } = mount;
    const errors: FieldError[] = [];
    if (!name) errors.push(required(`${at}.name`));
    if (!volumes.has(name)) errors.push(notFound(`${at}.name`, name));
    if (!mountPath) errors.push(required(`${at}.mountPath`));
    if (paths.has(mountPath)) errors.push(invalid(`${at}.mountPath`, mountPath, 'must be unique'));
    paths.add(mountPath);
    if (devices.some((device) => device.name === name)) {
      errors.push(invalid(`${at}.name`, name, 'must not already exist in volumeDevices'));
    }
    if (devices.some(({ devicePath }) => devicePath === mountPath)) {
      errors.push(invalid(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices'));
    }
    return [
      ...errors,
      ...validateSubPaths(mount, path, at),
      ...validatePropagation(mount, container, `${path}.mountPropagation`),
      ...validateRecursiveReadOnly(mount, `${path}.recursiveReadOnly`),
    ];
  });
}

/** Upstream names the list rather than the mount in most of these errors. */
function validateSubPaths({ subPath, subPathExpr }: VolumeMount, path: string, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (subPath) errors.push(...validateDescendingPath(`${path}.subPath`, subPath));
  if (!subPathExpr) return errors;
  if (subPath) {
    errors.push(invalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
  }
  return [...errors, ...validateDescendingPath(`${path}.subPathExpr`, subPathExpr)];
}

/** Mounts made inside reach the node only from a container that could make them there anyway. */
function validatePropagation({ mountPropagation }: VolumeMount, container: Container, path: string): FieldError[] {
  if (mountPropagation === undefined) return [];
  const supported = ['Bidirectional', 'HostToContainer', 'None'];
  const errors = supported.includes(mountPropagation) ? [] : [notSupported(path, mountPropagation, supported)];
  if (mountPropagation === 'Bidirectional' && !container.securityContext?.privileged) {
    errors.push(forbidden(path, 'Bidirectional mount propagation is available only to privileged containers'));
  }
  return errors;
}

function validateRecursiveReadOnly(mount: VolumeMount, path: string): FieldError[] {
  const { recursiveReadOnly, readOnly, mountPropagation = 'None' } = mount;
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return [];
  const supported = ['Disabled', 'Enabled', 'IfPossible'];
  if (!supported.includes(recursiveReadOnly)) return [notSupported(path, recursiveReadOnly, supported)];
  const errors: FieldError[] = [];
  if (!readOnly) errors.push(forbidden(path, 'may only be specified when readOnly is true'));
  if (mountPropagation !== 'None') {
    errors.push(forbidden(path, 'may only be specified when mountPropagation is None or not specified'));
  }
  return errors;
}

export function validateVolumeDevices(container: Container, path: string, volumes: Volumes): FieldError[] {
  const names = new Set<string>();
  const paths = new Set<string>();
  const mounts = container.volumeMounts ?? [];
  return (container.volumeDevices ?? []).flatMap(({ name, devicePath }, i) => {
    const at = `${path}[${i}]`;
    const errors: FieldError[] = [];
    const volume = volumes.get(name);
    if (!name) errors.push(required(`${at}.name`));
    if (names.has(name)) errors.push(invalid(`${at}.name`, name, 'must be unique'));
    if (!volume) errors.push(notFound(`${at}.name`, name));
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      const why = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
      errors.push(invalid(`${at}.name`, name, why));
    }
    if (!devicePath) errors.push(required(`${at}.devicePath`));
    if (paths.has(devicePath)) errors.push(invalid(`${at}.devicePath`, devicePath, 'must be unique'));
    if (validateNoBacksteps(at, devicePath).length > 0) {
      errors.push(invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"));
    } else paths.add(devicePath);
    if (mounts.some((mount) => mount.name === name)) {
      errors.push(invalid(`${at}.name`, name, 'must not already exist in volumeMounts'));
    }
    if (mounts.some(({ mountPath }) => mountPath === devicePath)) {
      errors.push(invalid(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts'));
    }
    if (name) names.add(name);
    return errors;
  });
}
