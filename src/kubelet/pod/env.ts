// A container's environment: Services, ConfigMaps, Secrets, fields and values, and $(VAR) in them.

import type {
  ConfigMap,
  ConfigMapKeySelector,
  Container,
  FileKeySelector,
  Pod,
  Secret,
  SecretKeySelector,
  Service,
} from '../../api/core/v1/types.generated.ts';
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
  const ip = service.spec.clusterIP ?? '';
  const ports = service.spec.ports ?? [];
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
  const links = pod.spec.enableServiceLinks ?? true;
  const chosen = new Map<string, Readonly<Service>>();
  for (const service of services) {
    const { name, namespace } = service.metadata;
    if (!service.spec.clusterIP || service.spec.clusterIP === 'None') continue;
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
    'spec.nodeName': pod.spec.nodeName,
    'spec.serviceAccountName': pod.spec.serviceAccountName ?? '',
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
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    for (const [holder, reference] of [
      ['ConfigMap', configMapRef],
      ['Secret', secretRef],
    ] as const) {
      const texts = reference && (await textsOf(holder, reference, sources));
      for (const [key, text] of Object.entries(texts ?? {})) result.set(prefix + key, text);
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
    else if (configMapKeyRef) found = await fromKey('ConfigMap', configMapKeyRef, { pod, sources });
    else if (secretKeyRef) found = await fromKey('Secret', secretKeyRef, { pod, sources });
    else if (fileKeyRef) found = await fromFile(fileKeyRef, sources);
    if (found !== undefined) result.set(name, found);
  }
  return result;
}

type Holder = 'ConfigMap' | 'Secret';

/** What an object holds, by key; undefined for one that is optional and not there. Rejects with ConfigError. */
async function textsOf(
  holder: Holder,
  { name = '', optional = false }: { readonly name?: string; readonly optional?: boolean },
  sources: EnvironmentSources,
): Promise<Readonly<Record<string, string>> | undefined> {
  const found = await (holder === 'ConfigMap' ? sources.configMap(name) : sources.secret(name));
  if (!found && !optional) throw new ConfigError(`${holder.toLowerCase()} "${name}" not found`);
  if (holder === 'ConfigMap' || !found) return found && (found.data ?? {});
  return Object.fromEntries(Object.entries(found.data ?? {}).map(([key, value]) => [key, decode(value)]));
}

/** Undefined for what is optional and not there. Rejects with ConfigError. */
async function fromKey(
  holder: Holder,
  reference: ConfigMapKeySelector | SecretKeySelector,
  { pod, sources }: { readonly pod: Pod; readonly sources: EnvironmentSources },
): Promise<string | undefined> {
  const { name, key, optional } = reference;
  const found = ownValue(await textsOf(holder, reference, sources), key);
  if (found !== undefined || optional) return found;
  throw new ConfigError(`couldn't find key ${key} in ${holder} ${pod.metadata.namespace}/${name}`);
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
