// The kinds of resource.k8s.io: devices that nodes offer, and claims on them.
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { dns1123Label, dns1123Subdomain, qualifiedName } from '../../../apimachinery/validation/names.ts';
import { nameErrors, validateAnnotations, validateLabels } from '../../../apimachinery/validation/object-meta.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../define.ts';
import { validateRequiredName } from '../../validation/references.ts';
import { validateNodeSelector } from '../../validation/selectors.ts';
import { immutable, nonNegative, positiveMessage } from '../../validation/values.ts';
import {
  defaultDeviceClaim,
  validateDeviceClaim,
  validateDriverName,
  validateIdentifier,
  validateOpaque,
  validateSelectors,
} from './devices.ts';
import type {
  Device,
  DeviceClass,
  ResourceClaim,
  ResourceClaimTemplate,
  ResourceSlice,
  ResourceSliceSpec,
} from './types.generated.ts';

const { required, forbidden, invalid, duplicate, tooMany } = fieldError;

const maxReservations = 256;
const maxDevices = 128;
const maxAttributes = 32;

function validateClass({ spec }: DeviceClass): FieldError[] {
  const { selectors = [], config = [], extendedResourceName } = spec ?? {};
  return [
    ...validateSelectors(selectors, 'spec.selectors'),
    ...config.flatMap(({ opaque }, i) => validateOpaque(opaque, `spec.config[${i}]`)),
    ...(extendedResourceName === undefined
      ? []
      : nameErrors(qualifiedName, 'spec.extendedResourceName', extendedResourceName)),
  ];
}

/** Devices that are alike, for claims to ask for. */
export const deviceClass: Kind<DeviceClass> = {
  countsGeneration: true,
  strategy: { validate: validateClass, validateUpdate: validateClass },
  columns: [nameColumn, ageColumn],
  cells: (object, now) => [object.metadata.name, ageCell(object, now)],
};

function claimState({ metadata, status }: ResourceClaim): string {
  const states: string[] = [];
  if (metadata.deletionTimestamp) states.push('deleted');
  if (status?.allocation) states.push('allocated', ...(status.reservedFor?.length ? ['reserved'] : []));
  else if (!metadata.deletionTimestamp) states.push('pending');
  return states.join(',');
}

function validateClaimStatus({ metadata, spec, status }: ResourceClaim, old: ResourceClaim): FieldError[] {
  const { allocation, reservedFor = [] } = status ?? {};
  const errors: FieldError[] = [];
  const at = 'status.reservedFor';
  if (reservedFor.length > maxReservations) errors.push(tooMany(at, reservedFor.length, maxReservations));
  for (const [i, { resource, name, uid }] of reservedFor.entries()) {
    const field = `${at}[${i}]`;
    if (!resource) errors.push(required(`${field}.resource`));
    if (!name) errors.push(required(`${field}.name`));
    if (!uid) errors.push(required(`${field}.uid`));
    if (reservedFor.findIndex((other) => other.uid === uid) < i) errors.push(duplicate(`${field}.uid`, uid));
  }
  if (reservedFor.length > 0 && !allocation) {
    errors.push(forbidden(at, 'may not be specified when `allocated` is not set'));
  }
  const added = reservedFor.some(({ uid }) => !old.status?.reservedFor?.some((other) => other.uid === uid));
  if (metadata.deletionTimestamp && added)
    errors.push(forbidden(at, 'new entries may not be added while deallocation is requested'));
  if (!allocation) return errors;
  if (old.status?.allocation) errors.push(...immutable('status.allocation', allocation, old.status.allocation));
  const names = new Set(
    (spec.devices?.requests ?? []).flatMap(({ name, firstAvailable = [] }) => [
      name,
      ...firstAvailable.map((sub) => `${name}/${sub.name}`),
    ]),
  );
  for (const [i, result] of (allocation.devices?.results ?? []).entries()) {
    const field = `status.allocation.devices.results[${i}]`;
    if (!names.has(result.request)) {
      const why =
        "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
      errors.push(invalid(`${field}.request`, result.request, why));
    }
    errors.push(...validateDriverName(`${field}.driver`, result.driver));
    errors.push(...(result.pool ? [] : [required(`${field}.pool`)]));
    errors.push(...validateRequiredName(`${field}.device`, result.device, dns1123Label));
  }
  if (allocation.nodeSelector)
    errors.push(...validateNodeSelector(allocation.nodeSelector, 'status.allocation.nodeSelector'));
  return errors;
}

/** Devices that Pods share, or one has. */
export const resourceClaim: Kind<ResourceClaim> = {
  strategy: {
    default: ({ spec }) => defaultDeviceClaim(spec?.devices),
    validate: ({ spec }) => validateDeviceClaim(spec?.devices, 'spec.devices'),
    validateUpdate: (object, old) => immutable('spec', object.spec, old.spec),
    validateStatusUpdate: validateClaimStatus,
  },
  columns: [nameColumn, column('State', 'Pending, or allocated and reserved.'), ageColumn],
  cells: (object, now) => [object.metadata.name, claimState(object), ageCell(object, now)],
};

/** What the claims of Pods are made from. */
export const resourceClaimTemplate: Kind<ResourceClaimTemplate> = {
  strategy: {
    default: ({ spec }) => defaultDeviceClaim(spec?.spec?.devices),
    validate: ({ spec }) => [
      ...validateLabels(spec?.metadata?.labels, 'spec.metadata.labels'),
      ...validateAnnotations(spec?.metadata?.annotations, 'spec.metadata.annotations'),
      ...validateDeviceClaim(spec?.spec?.devices, 'spec.spec.devices'),
    ],
    validateUpdate: (object, old) => immutable('spec', object.spec, old.spec),
  },
  columns: [nameColumn, ageColumn],
  cells: (object, now) => [object.metadata.name, ageCell(object, now)],
};

function validateSlice({ spec }: ResourceSlice): FieldError[] {
  const { driver, pool, devices = [] } = spec ?? {};
  const errors = [
    ...validateDriverName('spec.driver', driver),
    ...validatePool(pool),
    ...validateReach(spec ?? ({} as ResourceSliceSpec)),
  ];
  if (devices.length > maxDevices) errors.push(tooMany('spec.devices', devices.length, maxDevices));
  const names = new Set<string>();
  for (const [i, device] of devices.entries()) {
    const at = `spec.devices[${i}]`;
    errors.push(...validateDevice(device, at));
    if (names.has(device.name)) errors.push(duplicate(`${at}.name`, device.name));
    names.add(device.name);
  }
  return errors;
}

function validatePool(pool: ResourceSliceSpec['pool'] | undefined): FieldError[] {
  const at = 'spec.pool';
  if (!pool?.name) return [required(`${at}.name`)];
  const parts = pool.name.split('/').flatMap((part) => nameErrors(dns1123Subdomain, `${at}.name`, part));
  const count = pool.resourceSliceCount ?? 0;
  return [
    ...parts,
    ...(count <= 0 ? [invalid(`${at}.resourceSliceCount`, count, positiveMessage)] : []),
    ...nonNegative(`${at}.generation`, pool.generation),
  ];
}

/** From where the devices can be used: one node, some, all, or each says for itself. */
function validateReach({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection }: ResourceSliceSpec): FieldError[] {
  const what = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  const given = Object.entries({
    nodeName: nodeName !== undefined,
    nodeSelector: nodeSelector !== undefined,
    allNodes: allNodes !== undefined,
    perDeviceNodeSelection: perDeviceNodeSelection !== undefined,
  }).filter(([, is]) => is);
  const errors: FieldError[] = [];
  if (nodeName !== undefined) errors.push(...validateRequiredName('spec.nodeName', nodeName));
  if (nodeSelector) {
    errors.push(...validateNodeSelector(nodeSelector, 'spec.nodeSelector'));
    if (nodeSelector.nodeSelectorTerms?.length !== 1) {
      errors.push(invalid('spec.nodeSelector.nodeSelectorTerms', null, 'must have exactly one node selector term'));
    }
  }
  if (given.length === 0) errors.push(required('spec', what));
  if (given.length > 1) {
    const names = given.map(([name]) => `\`${name}\``).join(', ');
    errors.push(invalid('spec', `{${names}}`, what));
  }
  return errors;
}

function validateDevice({ name, attributes = {}, capacity = {} }: Device, path: string): FieldError[] {
  const errors = validateRequiredName(`${path}.name`, name, dns1123Label);
  const count = Object.keys(attributes).length + Object.keys(capacity).length;
  if (count > maxAttributes) {
    const why = `the total number of attributes and capacities must not exceed ${maxAttributes}`;
    errors.push(invalid(path, count, why));
  }
  for (const [key, attribute] of Object.entries(attributes)) {
    const at = `${path}.attributes[${key}]`;
    errors.push(...validateIdentifier(key.slice(key.indexOf('/') + 1), at));
    const values = Object.values(attribute).filter((value) => value !== undefined).length;
    if (values === 0) errors.push(required(at, 'exactly one value must be specified'));
    if (values > 1) errors.push(invalid(at, attribute, 'exactly one value must be specified'));
  }
  for (const key of Object.keys(capacity)) {
    errors.push(...validateIdentifier(key.slice(key.indexOf('/') + 1), `${path}.capacity[${key}]`));
  }
  return errors;
}

/** Devices that a driver offers on a node, or on several. */
export const resourceSlice: Kind<ResourceSlice> = {
  countsGeneration: true,
  strategy: {
    validate: validateSlice,
    validateUpdate: (object, old) => [
      ...validateSlice(object),
      ...immutable('spec.driver', object.spec?.driver, old.spec?.driver),
      ...immutable('spec.pool.name', object.spec?.pool?.name, old.spec?.pool?.name),
      ...immutable('spec.nodeName', object.spec?.nodeName, old.spec?.nodeName),
    ],
  },
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec?.nodeName,
    'spec.driver': ({ spec }) => spec?.driver,
  },
  columns: [
    nameColumn,
    column('Node', 'The node that has them.'),
    column('Driver', 'Whose devices they are.'),
    column('Pool', 'Which devices belong together.'),
    ageColumn,
  ],
  cells: (object, now) => [
    object.metadata.name,
    object.spec?.nodeName || '<unset>',
    object.spec?.driver ?? '',
    object.spec?.pool?.name ?? '',
    ageCell(object, now),
  ],
};
