// Devices that a driver offers on a node, or on several.
import { deepEqual } from '../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { dns1123Label, dns1123Subdomain, labelValueRule } from '../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../apimachinery/validation/object-meta.ts';
import type { NodeSelector } from '../../core/v1/types.generated.ts';
import { validateNodeSelector } from '../../validation/selectors.ts';
import { immutable, oneOf, positiveMessage } from '../../validation/values.ts';
import { validateCapacity } from './capacity.ts';
import { taintEffects } from './claim.ts';
import { validateList, validateMap, validateSet } from './collections.ts';
import {
  maxQualifiedName,
  validateBinding,
  validateDriverName,
  validateLabelName,
  validatePoolName,
  validateQualifiedName,
} from './names.ts';
import type {
  Counter,
  Device,
  DeviceAttribute,
  DeviceTaint,
  ResourcePool,
  ResourceSlice,
  ResourceSliceSpec,
} from './types.generated.ts';

const { required, invalid, tooLong } = fieldError;

const maxDevices = 128;
/** Where any of them has taints, or uses counters. */
const maxElaborateDevices = 64;
const maxCounterSets = 8;
const maxCounters = 32;
const maxConsumptions = 2;
const maxAttributes = 32;
const maxAttributeBytes = 64;
const maxTaints = 16;
const maxLabel = 63;

export function validateSlice({ spec }: ResourceSlice, old?: ResourceSlice): FieldError[] {
  const { devices, sharedCounters } = spec;
  const isElaborate = devices?.some(({ taints, consumesCounters }) => taints?.length || consumesCounters?.length);
  return [
    ...validateDriverName('spec.driver', spec.driver),
    ...validatePool(spec.pool),
    ...(old ? validateFixed(spec, old.spec) : []),
    ...validateReach(spec),
    ...(sharedCounters && devices ? [invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed')] : []),
    ...validateSet(devices, 'spec.devices', {
      max: isElaborate ? maxElaborateDevices : maxDevices,
      item: (device, at) => [
        ...validateDevice(
          device,
          at,
          old?.spec.devices?.find(({ name }) => name === device.name),
        ),
        ...validateDeviceReach(device, at, spec.perDeviceNodeSelection ?? false),
        ...validateBinding(device, at),
      ],
      key: ({ name }) => name,
    }),
    ...validateSet(sharedCounters, 'spec.sharedCounters', {
      max: maxCounterSets,
      item: ({ name, counters }, at) => validateCounters(counters, at, { field: 'name', name }),
      key: ({ name }) => name,
    }),
  ];
}

/** The slices of a pool come and go; what they belong to stays. */
function validateFixed(spec: ResourceSliceSpec, old: ResourceSliceSpec): FieldError[] {
  return [
    ...immutable('spec.pool.name', spec.pool?.name, old.pool?.name),
    ...immutable('spec.driver', spec.driver, old.driver),
    ...immutable('spec.nodeName', spec.nodeName, old.nodeName),
  ];
}

function validatePool(pool: ResourcePool | undefined): FieldError[] {
  const { name, resourceSliceCount = 0, generation = 0 } = pool ?? {};
  const at = 'spec.pool';
  const errors = validatePoolName(`${at}.name`, name);
  if (resourceSliceCount <= 0) errors.push(invalid(`${at}.resourceSliceCount`, resourceSliceCount, positiveMessage));
  if (generation < 0) {
    errors.push(invalid(`${at}.generation`, generation, 'must be greater than or equal to zero'));
  }
  return errors;
}

/** From where the devices can be used: one node, some, all, or each says for itself. */
function validateReach({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection }: ResourceSliceSpec): FieldError[] {
  const what = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  const given = Object.entries({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection }).flatMap(([name, value]) =>
    value ? [`\`${name}\``] : [],
  );
  const errors = [
    ...validateNodeName(nodeName, 'spec.nodeName', 'must be either unset or set to a non-empty string'),
    ...validateNodes(nodeSelector, 'spec.nodeSelector'),
  ];
  const terms = nodeSelector?.nodeSelectorTerms ?? [];
  // So that the selectors of devices of several slices can be joined.
  if (nodeSelector && terms.length !== 1) {
    const at = 'spec.nodeSelector.nodeSelectorTerms';
    errors.push(invalid(at, internalTerms(terms), 'must have exactly one node selector term'));
  }
  errors.push(...notFalse(allNodes, 'spec.allNodes'));
  errors.push(...notFalse(perDeviceNodeSelection, 'spec.perDeviceNodeSelection'));
  if (given.length === 0) errors.push(required('spec', what));
  if (given.length > 1) {
    errors.push(invalid('spec', `{${given.join(', ')}}`, `${what}, but multiple fields are set`));
  }
  return errors;
}

function validateNodeName(name: string | undefined, field: string, whyNotEmpty: string): FieldError[] {
  if (name === undefined) return [];
  return name === '' ? [invalid(field, '', whyNotEmpty)] : nameErrors(dns1123Subdomain, field, name);
}

function validateNodes(selector: NodeSelector | undefined, path: string): FieldError[] {
  return selector ? validateNodeSelector(selector, path) : [];
}

function notFalse(value: boolean | undefined, field: string): FieldError[] {
  return value === false ? [invalid(field, false, 'must be either unset or set to true')] : [];
}

/** As errors print them: upstream's own type has no JSON names. */
function internalTerms(terms: NonNullable<NodeSelector['nodeSelectorTerms']>): unknown {
  const internal = (list: (typeof terms)[number]['matchExpressions']) =>
    list?.map(({ key, operator, values }) => ({ Key: key, Operator: operator, Values: values ?? null })) ?? null;
  if (terms.length === 0) return null;
  return terms.map(({ matchExpressions, matchFields }) => ({
    MatchExpressions: internal(matchExpressions),
    MatchFields: internal(matchFields),
  }));
}

function validateDevice(device: Device, path: string, old: Device | undefined): FieldError[] {
  const { attributes = {}, capacity = {}, taints } = device;
  const errors = nameErrors(dns1123Label, `${path}.name`, device.name);
  const count = Object.keys(attributes).length + Object.keys(capacity).length;
  if (count > maxAttributes) {
    const why = `the total number of attributes and capacities must not exceed ${maxAttributes}`;
    errors.push(invalid(path, count, why));
  }
  const names = { max: Number.POSITIVE_INFINITY, maxKey: maxQualifiedName, key: validateQualifiedName };
  return [
    ...errors,
    ...validateMap(attributes, `${path}.attributes`, { ...names, item: validateAttribute }),
    ...validateMap(capacity, `${path}.capacity`, {
      ...names,
      item: (one, at) => validateCapacity(one, at, { shared: device.allowMultipleAllocations ?? false }),
    }),
    ...(old && deepEqual(old.taints, taints) ? [] : validateList(taints, `${path}.taints`, maxTaints, validateTaint)),
    ...validateSet(device.consumesCounters, `${path}.consumesCounters`, {
      max: maxConsumptions,
      item: ({ counterSet, counters }, at) => validateCounters(counters, at, { field: 'counterSet', name: counterSet }),
      key: ({ counterSet }) => counterSet,
    }),
  ];
}

/** As on semver.org: `1.2.3-rc.1+build`. */
const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;

function validateAttribute(attribute: DeviceAttribute, path: string): FieldError[] {
  const { string, version } = attribute;
  const tooMuch = (field: string, text: string): FieldError[] =>
    Buffer.byteLength(text) > maxAttributeBytes ? [tooLong(`${path}.${field}`, maxAttributeBytes)] : [];
  const errors = string === undefined ? [] : tooMuch('string', string);
  if (version !== undefined) {
    const why = 'must be a string compatible with semver.org spec 2.0.0';
    if (!semver.test(version)) errors.push(invalid(`${path}.version`, version, why));
    errors.push(...tooMuch('version', version));
  }
  const values = Object.values(attribute).filter((value) => value !== undefined).length;
  if (values === 0) errors.push(invalid(path, '', 'exactly one value must be specified'));
  if (values > 1) errors.push(invalid(path, attribute, 'exactly one value must be specified'));
  return errors;
}

function validateTaint({ key, value, effect }: DeviceTaint, path: string): FieldError[] {
  return [
    ...validateLabelName(key, `${path}.key`),
    ...(value ? nameErrors(labelValueRule, `${path}.value`, value) : []),
    ...oneOf(`${path}.effect`, effect, taintEffects),
  ];
}

/** Amounts that devices share; the set of them has a name. */
function validateCounters(
  counters: Readonly<Record<string, Counter>> | undefined,
  path: string,
  { field, name }: { readonly field: string; readonly name: string },
): FieldError[] {
  const errors = name ? nameErrors(dns1123Label, `${path}.${field}`, name) : [required(`${path}.${field}`)];
  if (Object.keys(counters ?? {}).length === 0) return [...errors, required(`${path}.counters`)];
  return [
    ...errors,
    ...validateMap(counters, `${path}.counters`, {
      max: maxCounters,
      maxKey: maxLabel,
      key: (key, at) => nameErrors(dns1123Label, at, key),
      item: () => [],
    }),
  ];
}

/** `expected`: the slice leaves it to each device to say where it can be used. */
function validateDeviceReach(
  { nodeName, nodeSelector, allNodes }: Device,
  path: string,
  expected: boolean,
): FieldError[] {
  const when = 'set to true in the ResourceSlice spec';
  if (!expected) {
    if (nodeName === undefined && nodeSelector === undefined && allNodes === undefined) return [];
    const why = `\`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is ${when}`;
    return [invalid(path, null, why)];
  }
  const errors = [
    ...validateNodeName(nodeName, `${path}.nodeName`, 'must not be empty'),
    ...validateNodes(nodeSelector, `${path}.nodeSelector`),
    ...notFalse(allNodes, `${path}.allNodes`),
  ];
  const given = Object.entries({ nodeName, nodeSelector, allNodes }).flatMap(([name, value]) =>
    value ? [`\`${name}\``] : [],
  );
  const why = `exactly one of \`nodeName\`, \`nodeSelector\`, or \`allNodes\` is required when \`perDeviceNodeSelection\` is ${when}`;
  if (given.length === 0) return [...errors, required(path, why)];
  return given.length === 1 ? errors : [...errors, invalid(path, `{${given.join(', ')}}`, why)];
}
