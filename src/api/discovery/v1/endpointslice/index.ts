import { deepEqual } from '../../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateEndpointIP, validateLegacyIP, warningsForIP } from '../../../../apimachinery/validation/ip.ts';
import {
  dns1123Label,
  dns1123Subdomain,
  labelValueRule,
  portNumberErrors,
  qualifiedName,
} from '../../../../apimachinery/validation/names.ts';
import { immutableMessage, nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { familyOf } from '../../../../net/ip.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { firstFew } from '../../../printing.ts';
import { optionalOneOf } from '../../../validation/values.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../types.generated.ts';
import { managedByLabel } from './labels.ts';

const { required, invalid, duplicate, tooMany, notSupported } = fieldError;

const addressTypes = ['FQDN', 'IPv4', 'IPv6'];
const protocols = ['SCTP', 'TCP', 'UDP'];
const limits = { endpoints: 1000, addresses: 100, ports: 20_000, hints: 8 };

function defaultEndpointSlice({ ports, endpoints }: EndpointSlice): void {
  for (const port of ports ?? []) {
    port.name ??= '';
    port.protocol ??= 'TCP';
  }
  for (const endpoint of endpoints ?? []) endpoint.conditions ??= {};
}

/** What nodes were told by before they had a field: of endpoints that change it is not kept (upstream dropTopologyOnV1). */
function dropTopology({ endpoints }: EndpointSlice, old?: EndpointSlice): void {
  if (old && deepEqual(endpoints, old.endpoints)) return;
  for (const endpoint of endpoints ?? []) delete endpoint.deprecatedTopology;
}

function validate(slice: EndpointSlice, old?: EndpointSlice): FieldError[] {
  const errors: FieldError[] = [];
  const type = slice.addressType;
  if (!type) errors.push(required('addressType'));
  else if (!addressTypes.includes(type)) errors.push(notSupported('addressType', type, addressTypes));
  // Go writes null for lists that are left out.
  const [ports, endpoints] = [slice.ports ?? [], slice.endpoints ?? []];
  // What was once valid, and has not changed, stays.
  // In this order they were recorded.
  if (!deepEqual(ports, old?.ports)) errors.push(...validatePorts(ports));
  if (!deepEqual(endpoints, old?.endpoints)) errors.push(...validateEndpoints(endpoints, type));
  if (old && old.addressType !== type) errors.push(invalid('addressType', type, immutableMessage));
  return errors;
}

function validatePorts(ports: readonly EndpointPort[]): FieldError[] {
  if (ports.length > limits.ports) return [tooMany('ports', ports.length, limits.ports)];
  const names = new Set<string>();
  return ports.flatMap(({ name = '', port, protocol, appProtocol }, i) => {
    const at = `ports[${i}]`;
    const errors: FieldError[] = [];
    if (name !== '') errors.push(...nameErrors(dns1123Label, `${at}.name`, name));
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
    if (port !== undefined) errors.push(...portNumberErrors(port).map((m) => invalid(`${at}.port`, port, m)));
    errors.push(...optionalOneOf(`${at}.protocol`, protocol, protocols));
    if (appProtocol !== undefined) errors.push(...nameErrors(qualifiedName, `${at}.appProtocol`, appProtocol));
    return errors;
  });
}

function validateEndpoints(endpoints: readonly Endpoint[], type: string): FieldError[] {
  if (endpoints.length > limits.endpoints) return [tooMany('endpoints', endpoints.length, limits.endpoints)];
  return endpoints.flatMap((endpoint, i) => validateEndpoint(endpoint, `endpoints[${i}]`, type));
}

function validateEndpoint(endpoint: Endpoint, path: string, type: string): FieldError[] {
  const { addresses = [], nodeName, hostname, zone } = endpoint;
  const at = `${path}.addresses`;
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(required(at, 'must contain at least 1 address'));
  else if (addresses.length > limits.addresses) errors.push(tooMany(at, addresses.length, limits.addresses));
  for (const [i, address] of addresses.entries()) errors.push(...validateAddress(address, { at, i, type }));
  if (nodeName !== undefined) errors.push(...nameErrors(dns1123Subdomain, `${path}.nodeName`, nodeName));
  if (hostname !== undefined) errors.push(...nameErrors(dns1123Label, `${path}.hostname`, hostname));
  if (zone !== undefined) errors.push(...nameErrors(labelValueRule, `${path}.zone`, zone));
  return [...errors, ...validateHints(endpoint, `${path}.hints`)];
}

function validateAddress(
  address: string,
  { at, i, type }: { readonly at: string; readonly i: number; readonly type: string },
): FieldError[] {
  const field = `${at}[${i}]`;
  if (type === 'FQDN') return validateDomainName(field, address);
  if (type !== 'IPv4' && type !== 'IPv6') return [];
  const errors = validateLegacyIP(field, address);
  if (errors.length > 0) return errors;
  if (familyOf(address) !== type) return [invalid(at, address, `must be an ${type} address`)];
  return validateEndpointIP(field, address);
}

/** A name of at least two labels; a dot may end it. */
function validateDomainName(field: string, text: string): FieldError[] {
  if (text === '') return [required(field)];
  const name = text.replace(/\.$/, '');
  const wrong = dns1123Subdomain(name);
  if (wrong.length > 0) return [invalid(field, name, wrong.join(','))];
  const labels = name.split('.');
  if (labels.length < 2) {
    return [invalid(field, name, 'should be a domain with at least two segments separated by dots')];
  }
  const broken = labels.find((label) => dns1123Label(label).length > 0);
  return broken === undefined ? [] : [invalid(field, broken, dns1123Label(broken).join(','))];
}

function validateHints({ hints }: Endpoint, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const list of ['forZones', 'forNodes'] as const) {
    const names = (hints?.[list] ?? []).map(({ name }) => name);
    if (names.length > limits.hints) {
      errors.push(tooMany(`${path}.${list}`, names.length, limits.hints));
      continue;
    }
    const rule = list === 'forZones' ? labelValueRule : dns1123Subdomain;
    for (const [i, name] of names.entries()) {
      const at = `${path}.${list}[${i}].name`;
      if (names.indexOf(name) < i) errors.push(duplicate(at, name));
      errors.push(...nameErrors(rule, at, name));
    }
  }
  return errors;
}

/** Upstream's controllers, which mend the addresses that they copy. */
const mendingControllers = ['endpointslice-controller.k8s.io', 'endpointslicemirroring-controller.k8s.io'];

function endpointSliceWarnings(
  { metadata, addressType, endpoints }: EndpointSlice,
  old: EndpointSlice | undefined,
): string[] {
  // Upstream looks for the type in a spec, which slices do not have.
  const names = !old && addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : [];
  if (mendingControllers.includes(metadata.labels?.[managedByLabel] ?? '')) return names;
  const odd = (endpoints ?? []).flatMap(({ addresses = [] }, i) =>
    addresses.flatMap((address, j) => warningsForIP(`endpoints[${i}].addresses[${j}]`, address)),
  );
  return [...names, ...odd];
}

export const endpointSlice: Kind<EndpointSlice> = {
  strategy: {
    default: defaultEndpointSlice,
    prepareForCreate: (object) => dropTopology(object),
    prepareForUpdate: dropTopology,
    validate: (object) => validate(object),
    validateUpdate: validate,
    warnings: endpointSliceWarnings,
  },
  countsGeneration: 'with labels',
  columns: [
    nameColumn,
    column('AddressType', 'IPv4, IPv6 or FQDN.'),
    column('Ports', 'Ports of every endpoint.'),
    column('Endpoints', 'Addresses, ready or not.'),
    ageColumn,
  ],
  cells: (object, now) => [
    object.metadata.name,
    object.addressType,
    firstFew(
      (object.ports ?? []).map(({ port, name }) => (port ? String(port) : name || '*')),
      '<unset>',
    ),
    firstFew(
      (object.endpoints ?? []).flatMap(({ addresses }) => addresses),
      '<unset>',
    ),
    ageCell(object, now),
  ],
};
