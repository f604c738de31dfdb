// Names and addresses: how a Pod resolves names, which it has itself, and the ports that it takes from its node.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateLegacyIP } from '../../../../apimachinery/validation/ip.ts';
import {
  dns1123Label,
  dns1123Subdomain,
  dns1123SubdomainWithUnderscore,
  ianaServiceName,
  portNumberErrors,
} from '../../../../apimachinery/validation/names.ts';
import { byteLength, nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { oneOf } from '../../../validation/values.ts';
import type { Container, ContainerPort, PodSpec } from '../types.generated.ts';

const { required, forbidden, invalid, duplicate, tooLong } = fieldError;

// What the resolver of Linux's C library can hold.
const maxNameservers = 3;
const maxSearches = 32;
const maxSearchCharacters = 2048;
/** What Linux takes as the name of a host. */
const maxHostname = 64;

export function validateDnsConfig({ dnsPolicy, dnsConfig }: PodSpec, path: string): FieldError[] {
  if (dnsPolicy === 'None') {
    if (!dnsConfig) return [required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')];
    if (!dnsConfig.nameservers?.length) {
      const why = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
      return [required(`${path}.nameservers`, why)];
    }
  }
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {};
  const errors: FieldError[] = [];
  const searchesAt = `${path}.searches`;
  if (nameservers.length > maxNameservers) {
    const why = `must not have more than ${maxNameservers} nameservers`;
    errors.push(invalid(`${path}.nameservers`, nameservers, why));
  }
  errors.push(...nameservers.flatMap((ip, i) => validateLegacyIP(`${path}.nameservers[${i}]`, ip)));
  if (searches.length > maxSearches) {
    errors.push(invalid(searchesAt, searches, `must not have more than ${maxSearches} search paths`));
  }
  if (searches.join(' ').length > maxSearchCharacters) {
    const why = `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`;
    errors.push(invalid(searchesAt, searches, why));
  }
  for (const [i, search] of searches.entries()) {
    if (search === '.') continue;
    const name = search.replace(/\.$/, '');
    errors.push(...nameErrors(dns1123SubdomainWithUnderscore, `${searchesAt}[${i}]`, name));
  }
  for (const [i, { name }] of options.entries()) {
    if (!name) errors.push(required(`${path}.options[${i}]`, 'must not be empty'));
  }
  return errors;
}

export function validateHostAliases({ hostAliases = [] }: PodSpec, path: string): FieldError[] {
  return hostAliases.flatMap(({ ip, hostnames = [] }, i) => [
    ...validateLegacyIP(`${path}[${i}].ip`, ip),
    ...hostnames.flatMap((name, j) => nameErrors(dns1123Subdomain, `${path}[${i}].hostnames[${j}]`, name)),
  ]);
}

/** The name that the Pod goes by inside, whatever its domain (KEP-4762). */
export function validateHostnameOverride(spec: PodSpec, path: string): FieldError[] {
  const { hostnameOverride, setHostnameAsFQDN, hostNetwork } = spec;
  if (hostnameOverride === undefined) return [];
  const at = `${path}.hostnameOverride`;
  const errors: FieldError[] = [];
  if (setHostnameAsFQDN) errors.push(forbidden(at, 'may not be specified when setHostnameAsFQDN is true'));
  if (hostNetwork) errors.push(forbidden(at, 'may not be specified when hostNetwork is true'));
  if (byteLength(hostnameOverride) > maxHostname) errors.push(tooLong(at, maxHostname));
  return [...errors, ...nameErrors(dns1123Subdomain, at, hostnameOverride)];
}

export function validateContainerPorts(ports: readonly ContainerPort[], path: string): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const at = `${path}[${i}]`;
    const errors = port.name ? nameErrors(ianaServiceName, `${at}.name`, port.name) : [];
    if (port.name && errors.length === 0) {
      if (names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
      names.add(port.name);
    }
    if (!port.containerPort) errors.push(required(`${at}.containerPort`));
    else errors.push(...validateNumber(`${at}.containerPort`, port.containerPort));
    if (port.hostPort) errors.push(...validateNumber(`${at}.hostPort`, port.hostPort));
    return [...errors, ...oneOf(`${at}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP'])];
  });
}

function validateNumber(field: string, port: number): FieldError[] {
  return portNumberErrors(port).map((message) => invalid(field, port, message));
}

/** No two of the containers want the same port of the node. */
export function validateHostPortsDiffer(containers: readonly Container[], path: string): FieldError[] {
  const seen = new Set<string>();
  return containers.flatMap(({ ports = [] }, i) =>
    ports.flatMap(({ hostPort, hostIP = '', protocol }, j) => {
      if (!hostPort) return [];
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (seen.has(key)) return [duplicate(`${path}[${i}].ports[${j}].hostPort`, key)];
      seen.add(key);
      return [];
    }),
  );
}

/** On the host's network a container's port is the host's port; a template may leave that to the Pod. */
export function validateHostNetworkPorts(
  spec: PodSpec,
  path: string,
  { isPod }: { readonly isPod: boolean },
): FieldError[] {
  if (!spec.hostNetwork) return [];
  return spec.containers.flatMap(({ ports = [] }, i) =>
    ports.flatMap(({ hostPort = 0, containerPort }, j) => {
      if ((!isPod && hostPort === 0) || hostPort === containerPort) return [];
      const at = `${path}.containers[${i}].ports[${j}].hostPort`;
      return [invalid(at, hostPort, 'must match `containerPort` when `hostNetwork` is true')];
    }),
  );
}

export function validateHostnames({ hostname, subdomain }: PodSpec, path: string): FieldError[] {
  return [
    ...(hostname ? nameErrors(dns1123Label, `${path}.hostname`, hostname) : []),
    ...(subdomain ? nameErrors(dns1123Label, `${path}.subdomain`, subdomain) : []),
  ];
}
