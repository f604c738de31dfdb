// Environment variables of a container, and what they and files of volumes can be told of the Pod.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import {
  configMapKey,
  dns1123Subdomain,
  envVarName,
  qualifiedName,
} from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { validateDescendingPath } from '../../../validation/paths.ts';
import { amountOf } from '../../../validation/quantities.ts';
import { validateRequiredName } from '../../../validation/references.ts';
import type {
  EnvFromSource,
  EnvVar,
  FileKeySelector,
  ObjectFieldSelector,
  ResourceFieldSelector,
  Volume,
} from '../types.generated.ts';

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
  'status.nominatedNodeName',
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

export function validateEnv(env: readonly EnvVar[], path: string, volumes: ReadonlyMap<string, Volume>): FieldError[] {
  return env.flatMap((variable, i) => {
    const at = `${path}[${i}]`;
    const name = variable.name ? nameErrors(envVarName, `${at}.name`, variable.name) : [required(`${at}.name`)];
    return [...name, ...validateValueFrom(variable, `${at}.valueFrom`, volumes)];
  });
}

function validateValueFrom(
  { value, valueFrom }: EnvVar,
  path: string,
  volumes: ReadonlyMap<string, Volume>,
): FieldError[] {
  if (!valueFrom) return [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
  const errors: FieldError[] = [];
  if (fieldRef) errors.push(...validateFieldRef(fieldRef, `${path}.fieldRef`, variableFields));
  if (resourceFieldRef) errors.push(...validateResourceFieldRef(resourceFieldRef, `${path}.resourceFieldRef`));
  if (configMapKeyRef) errors.push(...validateKeyRef(configMapKeyRef, `${path}.configMapKeyRef`));
  if (secretKeyRef) errors.push(...validateKeyRef(secretKeyRef, `${path}.secretKeyRef`));
  if (fileKeyRef) errors.push(...validateFileKeyRef(fileKeyRef, `${path}.fileKeyRef`, volumes));
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
function validateFileKeyRef(
  { key, path: file, volumeName }: FileKeySelector,
  path: string,
  volumes: ReadonlyMap<string, Volume>,
): FieldError[] {
  const errors = key ? nameErrors(envVarName, `${path}.key`, key) : [required(`${path}.key`)];
  if (!file) errors.push(required(`${path}.path`));
  else errors.push(...validateDescendingPath(`${path}.path`, file));
  if (!volumeName) return [...errors, required(`${path}.volumeName`)];
  const volume = volumes.get(volumeName);
  if (!volume) return [...errors, notFound(`${path}.volumeName`, volumeName)];
  if (volume.emptyDir) return errors;
  return [...errors, invalid(`${path}.volumeName`, volumeName, 'referenced volume must be of type emptyDir')];
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
  const subscripted = /^(.*)\['(.*)'\]$/s.exec(fieldPath);
  const name = subscripted?.[1] ?? fieldPath;
  const canonical = name === 'spec.host' ? 'spec.nodeName' : name;
  const key = subscripted?.[2];
  if (key !== undefined) {
    if (canonical === 'metadata.annotations') return nameErrors(qualifiedName, path, key.toLowerCase());
    if (canonical === 'metadata.labels') return nameErrors(qualifiedName, path, key);
    if (!knownFields.has(canonical)) return [unknownField(`${path}.fieldPath`, fieldPath)];
    return [invalid(path, canonical, 'does not support subscript')];
  }
  if (!knownFields.has(canonical)) return [unknownField(`${path}.fieldPath`, fieldPath)];
  return supported.includes(canonical) ? [] : [notSupported(`${path}.fieldPath`, canonical, supported)];
}

function unknownField(field: string, fieldPath: string): FieldError {
  return invalid(field, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`);
}

/** An amount of a container's resources, in units of the divisor. */
export function validateResourceFieldRef({ resource, divisor }: ResourceFieldSelector, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const isHugePages = /^(requests|limits)\.hugepages-/.test(resource);
  if (!resource) errors.push(required(`${path}.resource`));
  else if (!resourceFields.includes(resource) && !isHugePages) {
    errors.push(notSupported(`${path}.resource`, resource, resourceFields));
  }
  if ((amountOf(divisor)?.nano ?? 0n) === 0n) return errors;
  const kind = resource.slice(resource.indexOf('.') + 1);
  const wrong = (values: string, what: string): FieldError =>
    invalid(`${path}.divisor`, resource, `only divisor's values ${values} are supported with the ${what} resource`);
  if (kind === 'cpu') {
    if (!['1m', '1'].includes(divisor!)) errors.push(wrong('1m and 1', 'cpu'));
    return errors;
  }
  const what = isHugePages ? 'hugepages' : kind === 'ephemeral-storage' ? 'local ephemeral storage' : kind;
  const isBytes = isHugePages || kind === 'memory' || kind === 'ephemeral-storage';
  if (isBytes && !bytesDivisors.includes(divisor!)) errors.push(wrong(bytesDivisors.join(', '), what));
  return errors;
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
