// Environment variables of a container, and what they and files of volumes can be told of the Pod.
import { printQuantity, type Quantity } from '../../../../apimachinery/quantity.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import {
  configMapKey,
  dns1123Label,
  dns1123Subdomain,
  envVarName,
  qualifiedName,
} from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { validateNoBacksteps } from '../../../validation/paths.ts';
import { amountOf } from '../../../validation/quantities.ts';
import { validateRequiredName } from '../../../validation/references.ts';
import type {
  EnvFromSource,
  EnvVar,
  FileKeySelector,
  ObjectFieldSelector,
  PodSpec,
  ResourceFieldSelector,
} from '../types.generated.ts';
import { containersWithPaths } from './scope.ts';

const { required, invalid, notFound, notSupported } = fieldError;

const variableFields = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
/** Everything that has a name in version v1; each place takes only some of it. */
const knownFields = new Set([
  ...variableFields,
  'metadata.annotations',
  'metadata.labels',
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
]);
const resourceFields = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const bytesDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

export function validateEnv(env: readonly EnvVar[], path: string): FieldError[] {
  return env.flatMap((variable, i) => {
    const at = `${path}[${i}]`;
    const name = variable.name ? nameErrors(envVarName, `${at}.name`, variable.name) : [required(`${at}.name`)];
    return [...name, ...validateValueFrom(variable, `${at}.valueFrom`)];
  });
}

function validateValueFrom({ value, valueFrom }: EnvVar, path: string): FieldError[] {
  if (!valueFrom) return [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
  const errors: FieldError[] = [];
  if (fieldRef) errors.push(...validateFieldRef(fieldRef, `${path}.fieldRef`, variableFields));
  if (resourceFieldRef)
    errors.push(...validateResourceFieldRef(resourceFieldRef, `${path}.resourceFieldRef`, { needsContainer: false }));
  if (configMapKeyRef) errors.push(...validateKeyRef(configMapKeyRef, `${path}.configMapKeyRef`));
  if (secretKeyRef) errors.push(...validateKeyRef(secretKeyRef, `${path}.secretKeyRef`));
  if (fileKeyRef) errors.push(...validateFileKeyRef(fileKeyRef, `${path}.fileKeyRef`));
  const sources = Object.values(valueFrom).filter((source) => source !== undefined).length;
  const wrong = (why: string): number => errors.push(invalid(path, '', why));
  if (sources === 0) {
    wrong('must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`');
  } else if (value) wrong('may not be specified when `value` is not empty');
  else if (sources > 1) wrong('may not have more than one field specified at a time');
  return errors;
}

function validateKeyRef({ name = '', key }: { name?: string; key: string }, path: string): FieldError[] {
  return [
    ...nameErrors(dns1123Subdomain, `${path}.name`, name),
    ...(key ? nameErrors(configMapKey, `${path}.key`, key) : [required(`${path}.key`)]),
  ];
}

/** A variable in a file that an init container leaves in an emptyDir. */
function validateFileKeyRef({ key, path: file, volumeName }: FileKeySelector, path: string): FieldError[] {
  return [
    ...validateRequiredName(`${path}.key`, key, envVarName),
    ...validateRequiredName(`${path}.volumeName`, volumeName, dns1123Label),
    ...(file ? validateNoBacksteps(`${path}.path`, file) : [required(`${path}.path`)]),
  ];
}

/** Said after all else of a spec: the volumes of such files are there, and emptyDirs. */
export function validateFileKeyVolumes(spec: PodSpec, path: string): FieldError[] {
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]));
  return containersWithPaths(spec, path).flatMap(({ container, path: at }) =>
    (container.env ?? []).flatMap(({ valueFrom }, i) => {
      const ref = valueFrom?.fileKeyRef;
      if (!ref) return [];
      const { volumeName } = ref;
      const field = `${at}.env[${i}].valueFrom.fileKeyRef.volumeName`;
      const volume = volumes.get(volumeName);
      if (!volume) return [notFound(field, volumeName ?? '')];
      return volume.emptyDir ? [] : [invalid(field, volumeName, 'referenced volume must be of type emptyDir')];
    }),
  );
}

/** A field of the Pod; `supported`, sorted, is what can be asked for in this place. */
export function validateFieldRef(
  { apiVersion, fieldPath }: ObjectFieldSelector,
  path: string,
  supported: readonly string[],
): FieldError[] {
  if (!apiVersion) return [required(`${path}.apiVersion`)];
  if (!fieldPath) return [required(`${path}.fieldPath`)];
  if (apiVersion !== 'v1') {
    const why = `error converting fieldPath: unsupported pod version: ${apiVersion}`;
    return [invalid(`${path}.fieldPath`, fieldPath, why)];
  }
  const wrong = (why: string): FieldError[] => [
    invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: ${why}: ${fieldPath}`),
  ];
  const [, name, key] = /^(.+?)\['(.*)'\]$/s.exec(fieldPath) ?? [];
  if (key !== undefined) {
    if (name === 'metadata.annotations') return nameErrors(qualifiedName, path, key.toLowerCase());
    if (name === 'metadata.labels') return nameErrors(qualifiedName, path, key);
    return wrong('field label does not support subscript');
  }
  const canonical = fieldPath === 'spec.host' ? 'spec.nodeName' : fieldPath;
  if (!knownFields.has(canonical)) return wrong('field label not supported');
  return supported.includes(canonical) ? [] : [notSupported(`${path}.fieldPath`, canonical, supported)];
}

/** An amount of a container's resources, in units of the divisor. `needsContainer`: it is told to a file of a volume. */
export function validateResourceFieldRef(
  { containerName, resource = '', divisor }: ResourceFieldSelector,
  path: string,
  { needsContainer }: { readonly needsContainer: boolean },
): FieldError[] {
  const errors: FieldError[] = [];
  const isKnown = resourceFields.includes(resource);
  if (needsContainer && !containerName) errors.push(required(`${path}.containerName`));
  else if (!resource) errors.push(required(`${path}.resource`));
  else if (!isKnown && !isHugePagesField(resource)) {
    errors.push(notSupported(`${path}.resource`, resource, resourceFields));
  }
  return [...errors, ...validateDivisor(resource, amountOf(divisor), `${path}.divisor`)];
}

const isHugePagesField = (resource: string): boolean => /^(requests|limits)\.hugepages-/.test(resource);

function validateDivisor(resource: string, divisor: Quantity | undefined, field: string): FieldError[] {
  const isHugePages = isHugePagesField(resource);
  if (!divisor || divisor.nano === 0n || !(isHugePages || resourceFields.includes(resource))) return [];
  const kind = resource.slice(resource.indexOf('.') + 1);
  const values = kind === 'cpu' ? ['1m', '1'] : bytesDivisors;
  if (values.includes(printQuantity(divisor))) return [];
  const what = isHugePages ? 'hugepages' : kind === 'ephemeral-storage' ? 'local ephemeral storage' : kind;
  const listed = kind === 'cpu' ? values.join(' and ') : values.join(', ');
  return [invalid(field, resource, `only divisor's values ${listed} are supported with the ${what} resource`)];
}

export function validateEnvFrom(sources: readonly EnvFromSource[], path: string): FieldError[] {
  return sources.flatMap(({ prefix, configMapRef, secretRef }, i) => {
    const at = `${path}[${i}]`;
    const errors = prefix ? nameErrors(envVarName, `${at}.prefix`, prefix) : [];
    if (configMapRef) errors.push(...validateRequiredName(`${at}.configMapRef.name`, configMapRef.name));
    if (secretRef) errors.push(...validateRequiredName(`${at}.secretRef.name`, secretRef.name));
    if (!configMapRef && !secretRef) {
      errors.push(invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
    } else if (configMapRef && secretRef) {
      errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
    }
    return errors;
  });
}
