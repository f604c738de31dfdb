import { deepEqual } from '../../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateEndpointIP, validateLegacyIP, warningsForIP } from '../../../../apimachinery/validation/ip.ts';
import {
  dns1123Label,
  dns1123Subdomain,
  portNumberErrors,
  qualifiedName,
} from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { joinHostPort } from '../../../../net/ip.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { firstFew } from '../../../printing.ts';
import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints } from '../types.generated.ts';
import { managedBy, managedByLabel } from './labels.ts';

const { required, invalid, notSupported } = fieldError;
const protocols = ['SCTP', 'TCP', 'UDP'];

function validateSubset(subset: EndpointSubset, path: string): FieldError[] {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
  const errors: FieldError[] = [];
  if (addresses.length === 0 && notReadyAddresses.length === 0) {
    errors.push(required(path, 'must specify `addresses` or `notReadyAddresses`'));
  }
  return [
    ...errors,
    ...addresses.flatMap((address, i) => validateAddress(address, `${path}.addresses[${i}]`)),
    ...notReadyAddresses.flatMap((address, i) => validateAddress(address, `${path}.notReadyAddresses[${i}]`)),
    ...ports.flatMap((port, i) => validatePort(port, `${path}.ports[${i}]`, ports.length > 1)),
  ];
}

function validateAddress({ ip, hostname, nodeName }: EndpointAddress, path: string): FieldError[] {
  const errors = validateLegacyIP(`${path}.ip`, ip ?? '');
  if (hostname) errors.push(...nameErrors(dns1123Label, `${path}.hostname`, hostname));
  if (nodeName !== undefined) errors.push(...nameErrors(dns1123Subdomain, `${path}.nodeName`, nodeName));
  // An address that is none is refused by both.
  return [...errors, ...validateEndpointIP(`${path}.ip`, ip ?? '')];
}

function validatePort(
  { name, port, protocol, appProtocol }: EndpointPort,
  path: string,
  several: boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  if (name) errors.push(...nameErrors(dns1123Label, `${path}.name`, name));
  else if (several) errors.push(required(`${path}.name`));
  errors.push(...portNumberErrors(port ?? 0).map((message) => invalid(`${path}.port`, port ?? 0, message)));
  if (!protocol) errors.push(required(`${path}.protocol`));
  else if (!protocols.includes(protocol)) errors.push(notSupported(`${path}.protocol`, protocol, protocols));
  if (appProtocol !== undefined) errors.push(...nameErrors(qualifiedName, `${path}.appProtocol`, appProtocol));
  return errors;
}

function validate({ subsets = [] }: Endpoints): FieldError[] {
  return subsets.flatMap((subset, i) => validateSubset(subset, `subsets[${i}]`));
}

/** The controller writes no address that is to be warned of, and writes often. */
function warnings({ metadata, subsets = [] }: Endpoints): string[] {
  if (metadata.labels?.[managedByLabel] === managedBy) return [];
  return subsets.flatMap((subset, i) =>
    (['addresses', 'notReadyAddresses'] as const).flatMap((list) =>
      (subset[list] ?? []).flatMap(({ ip }, j) => warningsForIP(`subsets[${i}].${list}[${j}].ip`, ip)),
    ),
  );
}

/** Ready addresses with their ports; a blank text tells that there are subsets but nothing ready. */
function endpointsCell({ subsets = [] }: Endpoints): string {
  if (subsets.length === 0) return '<none>';
  const texts = subsets.flatMap(({ addresses = [], ports = [] }) => {
    if (ports.length === 0) return addresses.map(({ ip }) => ip);
    return ports.flatMap(({ port }) => addresses.map(({ ip }) => joinHostPort(ip, port)));
  });
  return firstFew(texts, '');
}

export const endpoints: Kind<Endpoints> = {
  strategy: {
    default({ subsets }) {
      for (const port of (subsets ?? []).flatMap(({ ports }) => ports ?? [])) {
        port.protocol ||= 'TCP';
        if (port.name === '') delete port.name;
      }
    },
    validate,
    validateUpdate: (object, old) => (deepEqual(object.subsets, old.subsets) ? [] : validate(object)),
    warnings,
  },
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  allowCreateOnUpdate: true,
  columns: [nameColumn, column('Endpoints', 'Ready addresses and ports.'), ageColumn],
  cells: (object, now) => [object.metadata.name, endpointsCell(object), ageCell(object, now)],
};
