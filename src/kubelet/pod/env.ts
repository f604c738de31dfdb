// A container's environment: Services, ConfigMaps, Secrets, fields and values, and $(VAR) in them.

import type { ConfigMap, Container, FileKeySelector, Pod, Secret, Service } from '../../api/core/v1/types.generated.ts';
import { quoted } from '../../apimachinery/json/go-text.ts';
import { ownValue, table } from '../../apimachinery/table.ts';
import { joinHostPort } from '../../net/ip.ts';
import { containerOf } from './containers.ts';
import { valueInFile } from './env-file.ts';
import { defaultLimits, resourceField } from './resources.ts';

/** `$(NAME)` becomes the value where there is one; `$$` stands for one `$`; all else stays as it is. */
export function expand(text: string, values: Pick<ReadonlyMap<string, string>, 'get'>): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (whole, token: string, name: string | undefined) => {
    if (token === '$') return '$';
    return values.get(name ?? '') ?? whole;
  });
}

/** Docker-links style variables of one Service (kubelet's envvars): `WEB_SERVICE_HOST`, `WEB_PORT_80_TCP_ADDR`, … */
function serviceVariables(service: Readonly<Service>): [string, string][] {
  const ip = service.spec?.clusterIP ?? '';
  const ports = service.spec?.ports ?? [];
  const prefix = service.metadata.name.toUpperCase().replaceAll('-', '_');
  const variables: [string, string][] = [
    [`${prefix}_SERVICE_HOST`, ip],
    [`${prefix}_SERVICE_PORT`, String(ports[0]?.port ?? '')],
  ];
  for (const port of ports) {
    if (port.name)
      variables.push([`${prefix}_SERVICE_PORT_${port.name.toUpperCase().replaceAll('-', '_')}`, String(port.port)]);
  }
  for (const [index, port] of ports.entries()) {
    const protocol = port.protocol ?? 'TCP';
    const url = `${protocol.toLowerCase()}://${joinHostPort(ip, port.port)}`;
    if (index === 0) variables.push([`${prefix}_PORT`, url]);
    const portPrefix = `${prefix}_PORT_${port.port}_${protocol}`;
    variables.push(
      [portPrefix, url],
      [`${portPrefix}_PROTO`, protocol.toLowerCase()],
      [`${portPrefix}_PORT`, String(port.port)],
      [`${portPrefix}_ADDR`, ip],
    );
  }
  return variables;
}

/** Variables for the pod's Services: those of its namespace if it wants links, and `kubernetes` always. */
function serviceEnvironment(pod: Pod, services: readonly Readonly<Service>[]): [string, string][] {
  const links = pod.spec?.enableServiceLinks ?? true;
  const chosen = new Map<string, Readonly<Service>>();
  for (const service of services) {
    const { name, namespace } = service.metadata;
    if (!service.spec?.clusterIP || service.spec.clusterIP === 'None') continue;
    if (namespace === 'default' && name === 'kubernetes' && !chosen.has(name)) chosen.set(name, service);
    else if (namespace === pod.metadata.namespace && links) chosen.set(name, service);
  }
  return [...chosen.values()].flatMap(serviceVariables);
}

/** A value that a pod wants is missing: the container waits with this reason and message. */
export class ConfigError extends Error {
  readonly reason = 'CreateContainerConfigError';
}

export interface VolumeFile {
  /** On the node. */
  readonly path: string;
  /** Undefined when it is not there. */
  readonly text: string | undefined;
}

export interface EnvironmentSources {
  readonly services: readonly Readonly<Service>[];
  readonly podIPs: readonly string[];
  readonly hostIPs: readonly string[];
  readonly allocatable: Readonly<Record<string, string>>;
  /** A file in a volume of the pod; undefined for a volume that has none. */
  volumeFile(volume: string, path: string): Promise<VolumeFile | undefined>;
  configMap(name: string): Promise<Readonly<ConfigMap> | undefined>;
  secret(name: string): Promise<Readonly<Secret> | undefined>;
}

const decode = (base64: string): string => Buffer.from(base64, 'base64').toString();

/** The value of a downward API field (`metadata.name`, `status.podIP`, …); undefined for a path that is not one. */
export function podField(
  pod: Pod,
  path: string,
  ips: Pick<EnvironmentSources, 'podIPs' | 'hostIPs'>,
): string | undefined {
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (subscript) return ownValue(pod.metadata[subscript[1] as 'labels' | 'annotations'], subscript[2] ?? '') ?? '';
  const fields = table<string | undefined>({
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
    'metadata.labels': formatMap(pod.metadata.labels),
    'metadata.annotations': formatMap(pod.metadata.annotations),
    'spec.nodeName': pod.spec?.nodeName,
    'spec.serviceAccountName': pod.spec?.serviceAccountName ?? '',
    'status.podIP': ips.podIPs[0] ?? '',
    'status.podIPs': ips.podIPs.join(','),
    'status.hostIP': ips.hostIPs[0] ?? '',
    'status.hostIPs': ips.hostIPs.join(','),
  });
  return fields[path];
}

function formatMap(map: Readonly<Record<string, string>> = {}): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${quoted(map[key] ?? '')}`)
    .join('\n');
}

/** All variables in the order of their definition; later ones of a name win. Rejects with ConfigError. */
export async function environment(
  pod: Pod,
  container: Container,
  sources: EnvironmentSources,
): Promise<Map<string, string>> {
  const result = new Map<string, string>(serviceEnvironment(pod, sources.services));
  const namespace = pod.metadata.namespace;
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef) {
      const map = await sources.configMap(configMapRef.name ?? '');
      if (!map && !configMapRef.optional) throw new ConfigError(`configmap "${configMapRef.name}" not found`);
      for (const [key, value] of Object.entries(map?.data ?? {})) result.set(prefix + key, value);
    }
    if (secretRef) {
      const secret = await sources.secret(secretRef.name ?? '');
      if (!secret && !secretRef.optional) throw new ConfigError(`secret "${secretRef.name}" not found`);
      for (const [key, value] of Object.entries(secret?.data ?? {})) result.set(prefix + key, decode(value));
    }
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (!valueFrom) {
      result.set(name, expand(value ?? '', result));
      continue;
    }
    const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
    let found: string | undefined;
    if (fieldRef) found = podField(pod, fieldRef.fieldPath, sources);
    else if (resourceFieldRef)
      found = resourceField(
        targetOf(pod, container, resourceFieldRef),
        resourceFieldRef,
        defaultLimits(pod, sources.allocatable),
      );
    else if (configMapKeyRef) {
      const map = await sources.configMap(configMapKeyRef.name ?? '');
      found = ownValue(map?.data, configMapKeyRef.key);
      if (found === undefined && !configMapKeyRef.optional) {
        throw new ConfigError(
          map
            ? `couldn't find key ${configMapKeyRef.key} in ConfigMap ${namespace}/${configMapKeyRef.name}`
            : `configmap "${configMapKeyRef.name}" not found`,
        );
      }
    } else if (secretKeyRef) {
      const secret = await sources.secret(secretKeyRef.name ?? '');
      const encoded = ownValue(secret?.data, secretKeyRef.key);
      if (encoded === undefined && !secretKeyRef.optional) {
        throw new ConfigError(
          secret
            ? `couldn't find key ${secretKeyRef.key} in Secret ${namespace}/${secretKeyRef.name}`
            : `secret "${secretKeyRef.name}" not found`,
        );
      }
      found = encoded === undefined ? undefined : decode(encoded);
    } else if (fileKeyRef) found = await fromFile(fileKeyRef, sources);
    if (found !== undefined) result.set(name, found);
  }
  return result;
}

/** Undefined for what is optional and not there. Rejects with ConfigError. */
async function fromFile(
  { volumeName, path, key, optional = false }: FileKeySelector,
  { volumeFile }: EnvironmentSources,
): Promise<string | undefined> {
  const file = await volumeFile(volumeName, path);
  if (!file) throw new ConfigError(`cannot find the volume "${volumeName}" referenced by FileKeyRef`);
  const { text } = file;
  if (text === undefined && !optional) throw new ConfigError("couldn't parse env file");
  const value = text === undefined ? undefined : valueInFile(text, key);
  if (value || optional) return value;
  throw new ConfigError(`environment variable key "${key}" not found in file "${file.path}"`);
}

/** The container that a resourceFieldRef speaks of: its own unless it names one. */
export function targetOf(pod: Pod, own: Container, { containerName }: { readonly containerName?: string }): Container {
  return (containerName && containerOf(pod, containerName)) || own;
}
