// What the API server refuses in a container of a Pod.
import { compareQuantities, parseQuantity, type Quantity, QuantityError } from '../../../../apimachinery/quantity.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import {
  dns1123Label,
  envVarName,
  ianaServiceName,
  portNumberErrors,
  qualifiedName,
} from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { validatePortNumberOrName } from '../service/ports.ts';
import type {
  Container,
  ContainerPort,
  EnvVar,
  LifecycleHandler,
  Probe,
  ResourceRequirements,
  VolumeMount,
} from '../types.generated.ts';

const { required, forbidden, invalid, duplicate, notFound, notSupported } = fieldError;
export const nonNegative = 'must be greater than or equal to 0';

export interface ContainerScope {
  /** Names of containers seen so far, of every sort. */
  readonly names: Set<string>;
  /** Names of the Pod's volumes. */
  readonly volumes: ReadonlySet<string>;
  readonly hostNetwork: boolean;
}

/** One list of containers: `containers` (at least one) or `initContainers`. */
export function validateContainers(
  containers: readonly Container[],
  path: string,
  scope: ContainerScope,
): FieldError[] {
  return containers.flatMap((container, i) => {
    const at = `${path}[${i}]`;
    const errors = validateContainer(container, at, scope);
    if (container.name && scope.names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    scope.names.add(container.name);
    return errors;
  });
}

function validateContainer(container: Container, path: string, scope: ContainerScope): FieldError[] {
  const errors: FieldError[] = [];
  if (!container.name) errors.push(required(`${path}.name`));
  else errors.push(...nameErrors(dns1123Label, `${path}.name`, container.name));
  if (!container.image) errors.push(required(`${path}.image`));
  else if (container.image.trim() !== container.image) {
    errors.push(invalid(`${path}.image`, container.image, 'must not have leading or trailing whitespace'));
  }
  errors.push(
    ...oneOf(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, ['FallbackToLogsOnError', 'File']),
    ...validatePorts(container.ports ?? [], `${path}.ports`),
    ...validateEnv(container.env ?? [], `${path}.env`),
    ...validateMounts(container.volumeMounts ?? [], `${path}.volumeMounts`, scope.volumes),
    ...oneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never']),
    ...validateResources(container.resources ?? {}, `${path}.resources`),
    ...validateLifecycle(container, path),
    ...validateProbes(container, path),
  );
  if (scope.hostNetwork) errors.push(...validateHostPorts(container.ports ?? [], `${path}.ports`));
  return errors;
}

function oneOf(field: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  if (!value) return [required(field)];
  return supported.includes(value) ? [] : [notSupported(field, value, supported)];
}

function validatePorts(ports: readonly ContainerPort[], path: string): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const at = `${path}[${i}]`;
    const errors: FieldError[] = [];
    if (port.name) {
      errors.push(...nameErrors(ianaServiceName, `${at}.name`, port.name));
      if (names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
      names.add(port.name);
    }
    if (!port.containerPort) errors.push(required(`${at}.containerPort`));
    else errors.push(...numberErrors(`${at}.containerPort`, port.containerPort));
    if (port.hostPort) errors.push(...numberErrors(`${at}.hostPort`, port.hostPort));
    if (!port.protocol) errors.push(required(`${at}.protocol`));
    else if (!['SCTP', 'TCP', 'UDP'].includes(port.protocol)) {
      errors.push(notSupported(`${at}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']));
    }
    return errors;
  });
}

function numberErrors(field: string, port: number): FieldError[] {
  return portNumberErrors(port).map((message) => invalid(field, port, message));
}

/** On the host's network a container's port is the host's port. */
function validateHostPorts(ports: readonly ContainerPort[], path: string): FieldError[] {
  return ports.flatMap(({ hostPort, containerPort }, i) =>
    hostPort === containerPort
      ? []
      : [invalid(`${path}[${i}].hostPort`, hostPort ?? 0, 'must match `containerPort` when `hostNetwork` is true')],
  );
}

function validateEnv(env: readonly EnvVar[], path: string): FieldError[] {
  return env.flatMap((variable, i) => {
    const at = `${path}[${i}]`;
    const errors: FieldError[] = [];
    if (!variable.name) errors.push(required(`${at}.name`));
    else errors.push(...nameErrors(envVarName, `${at}.name`, variable.name));
    const { valueFrom } = variable;
    if (!valueFrom) return errors;
    const sources = Object.values(valueFrom).filter((source) => source !== undefined).length;
    if (sources === 0)
      errors.push(
        invalid(
          `${at}.valueFrom`,
          '',
          'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
        ),
      );
    if (variable.value) errors.push(invalid(`${at}.valueFrom`, '', 'may not be specified when `value` is not empty'));
    else if (sources > 1)
      errors.push(invalid(`${at}.valueFrom`, '', 'may not have more than one field specified at a time'));
    return errors;
  });
}

function validateMounts(mounts: readonly VolumeMount[], path: string, volumes: ReadonlySet<string>): FieldError[] {
  const paths = new Set<string>();
  return mounts.flatMap((mount, i) => {
    const at = `${path}[${i}]`;
    const errors: FieldError[] = [];
    if (!mount.name) errors.push(required(`${at}.name`));
    if (!mount.mountPath) errors.push(required(`${at}.mountPath`));
    if (mount.name && !volumes.has(mount.name)) errors.push(notFound(`${at}.name`, mount.name));
    if (mount.mountPath && paths.has(mount.mountPath)) {
      errors.push(invalid(`${at}.mountPath`, mount.mountPath, 'must be unique'));
    }
    paths.add(mount.mountPath);
    if (mount.subPath && mount.subPathExpr) {
      errors.push(invalid(`${at}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
    }
    if (mount.subPath?.startsWith('/')) errors.push(invalid(`${at}.subPath`, mount.subPath, 'must be a relative path'));
    if (mount.subPath?.split('/').includes('..')) {
      errors.push(invalid(`${at}.subPath`, mount.subPath, "must not contain '..'"));
    }
    return errors;
  });
}

function validateResources({ limits = {}, requests = {} }: ResourceRequirements, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [list, amounts] of [
    ['limits', limits],
    ['requests', requests],
  ] as const) {
    for (const [name, amount] of Object.entries(amounts)) {
      const at = `${path}.${list}[${name}]`;
      errors.push(...nameErrors(qualifiedName, at, name));
      const quantity = quantityOf(amount);
      if (!quantity) errors.push(invalid(at, amount, quantityMessage));
      else if (quantity.nano < 0n) errors.push(invalid(at, amount, nonNegative));
    }
  }
  for (const [name, amount] of Object.entries(requests)) {
    const request = quantityOf(amount);
    const limit = quantityOf(limits[name] ?? '');
    if (request && limit && compareQuantities(request, limit) > 0) {
      errors.push(
        invalid(`${path}.requests`, amount, `must be less than or equal to ${name} limit of ${limits[name]}`),
      );
    }
  }
  return errors;
}

const quantityMessage = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

function quantityOf(text: string): Quantity | undefined {
  try {
    return parseQuantity(String(text));
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

function validateLifecycle({ lifecycle }: Container, path: string): FieldError[] {
  return (['postStart', 'preStop'] as const).flatMap((name) => {
    const handler = lifecycle?.[name];
    return handler ? validateHandler(handler, `${path}.lifecycle.${name}`) : [];
  });
}

function validateProbes(container: Container, path: string): FieldError[] {
  return (['livenessProbe', 'readinessProbe', 'startupProbe'] as const).flatMap((name) => {
    const probe = container[name];
    if (!probe) return [];
    const at = `${path}.${name}`;
    const errors = validateProbe(probe, at);
    if (name !== 'readinessProbe' && probe.successThreshold !== 1) {
      errors.push(invalid(`${at}.successThreshold`, probe.successThreshold, 'must be 1'));
    }
    return errors;
  });
}

function validateProbe(probe: Probe, path: string): FieldError[] {
  const errors = validateHandler(probe, path);
  for (const name of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const) {
    const value = probe[name] ?? 0;
    if (value < 0) errors.push(invalid(`${path}.${name}`, value, nonNegative));
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    errors.push(invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  }
  return errors;
}

/** Exactly one of the ways in which a probe or a hook acts. */
function validateHandler(handler: Probe & LifecycleHandler, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const given = (['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const).filter((name) => handler[name]);
  for (const name of given.slice(1)) {
    errors.push(forbidden(`${path}.${name}`, 'may not specify more than 1 handler type'));
  }
  if (given.length === 0) errors.push(required(path, 'must specify a handler type'));
  const { exec, httpGet, tcpSocket, grpc } = handler;
  if (exec && !exec.command?.length) errors.push(required(`${path}.exec.command`));
  if (httpGet) {
    if (!httpGet.path) errors.push(required(`${path}.httpGet.path`));
    errors.push(...validatePortNumberOrName(`${path}.httpGet.port`, httpGet.port));
    if (!['HTTP', 'HTTPS'].includes(httpGet.scheme ?? '')) {
      errors.push(notSupported(`${path}.httpGet.scheme`, httpGet.scheme, ['HTTP', 'HTTPS']));
    }
  }
  if (tcpSocket) errors.push(...validatePortNumberOrName(`${path}.tcpSocket.port`, tcpSocket.port));
  if (grpc) errors.push(...validatePortNumberOrName(`${path}.grpc.port`, grpc.port));
  return errors;
}
