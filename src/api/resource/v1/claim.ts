// What is asked of devices, by claims, templates of claims and classes of devices (KEP-4381).
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { dns1123Label, labelValueRule } from '../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../apimachinery/validation/object-meta.ts';
import { isExtendedResource } from '../../validation/quantities.ts';
import { validateRequiredName } from '../../validation/references.ts';
import { oneOf, positiveMessage } from '../../validation/values.ts';
import { validateList, validateSet } from './collections.ts';
import { validateDriverName, validateFullyQualifiedName, validateJsonObject, validateLabelName } from './names.ts';
import type {
  DeviceClaim,
  DeviceClass,
  DeviceConstraint,
  DeviceRequest,
  DeviceSelector,
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
  OpaqueDeviceConfiguration,
} from './types.generated.ts';

const { required, invalid, notSupported, tooLong } = fieldError;

const maxRequests = 32;
export const maxConfigs = 32;
const maxConstraints = 32;
const maxSelectors = 32;
const maxTolerations = 16;
const maxSubrequests = 8;
const maxParameterBytes = 10 * 1024;
const maxExpressionBytes = 10 * 1024;

/** What a taint does to Pods, sorted. */
export const taintEffects = ['NoExecute', 'NoSchedule', 'None'];

type Asked = ExactDeviceRequest | DeviceSubRequest;

export function defaultDeviceClaim(devices: DeviceClaim | undefined): void {
  for (const { exactly, firstAvailable = [] } of devices?.requests ?? []) {
    for (const asked of [...(exactly ? [exactly] : []), ...firstAvailable]) defaultRequest(asked);
  }
}

function defaultRequest(asked: Asked): void {
  asked.allocationMode ||= 'ExactCount';
  if (asked.allocationMode === 'ExactCount') asked.count ||= 1;
  for (const toleration of asked.tolerations ?? []) toleration.operator ||= 'Equal';
}

export function validateDeviceClaim(claim: DeviceClaim | undefined, path: string): FieldError[] {
  const names = requestNames(claim?.requests);
  return [
    ...validateSet(claim?.requests, `${path}.requests`, {
      max: maxRequests,
      item: validateRequest,
      key: ({ name }) => name,
    }),
    ...validateList(claim?.constraints, `${path}.constraints`, maxConstraints, (one, at) =>
      validateConstraint(one, at, names),
    ),
    ...validateList(claim?.config, `${path}.config`, maxConfigs, ({ requests, opaque }, at) => [
      ...validateRequestNames(requests, `${at}.requests`, names),
      ...validateOpaque(opaque, at),
    ]),
  ];
}

/** `request`, and `request/subrequest` of those that give a choice. */
export function requestNames(requests: DeviceClaim['requests']): ReadonlySet<string> {
  return new Set(
    (requests ?? []).flatMap(({ name, firstAvailable = [] }) => [
      name,
      ...firstAvailable.map((sub) => `${name}/${sub.name}`),
    ]),
  );
}

export function validateRequestNames(
  list: readonly string[] | undefined,
  path: string,
  names: ReadonlySet<string>,
): FieldError[] {
  return validateSet(list, path, {
    max: maxRequests,
    item: (name, at) => validateRequestName(name, at, names),
    key: (name) => name,
  });
}

/** That a request of the claim is named. */
export function validateRequestName(name: string, field: string, names: ReadonlySet<string>): FieldError[] {
  const why = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
  const parts = name.split('/');
  if (parts.length > 2) return [invalid(field, name, why)];
  const errors = parts.flatMap((part) => nameErrors(dns1123Label, field, part));
  return names.has(name) ? errors : [...errors, invalid(field, name, why)];
}

function validateRequest({ name, exactly, firstAvailable = [] }: DeviceRequest, path: string): FieldError[] {
  const errors = nameErrors(dns1123Label, `${path}.name`, name);
  const what = 'exactly one of `exactly` or `firstAvailable` is required';
  if (exactly && firstAvailable.length > 0) {
    return [...errors, invalid(path, null, `${what}, but multiple fields are set`)];
  }
  if (exactly) return [...errors, ...validateAsked(exactly, `${path}.exactly`)];
  if (firstAvailable.length === 0) return [...errors, required(path, what)];
  return [
    ...errors,
    ...validateSet(firstAvailable, `${path}.firstAvailable`, {
      max: maxSubrequests,
      item: (sub, at) => [...nameErrors(dns1123Label, `${at}.name`, sub.name), ...validateAsked(sub, at)],
      key: (sub) => sub.name,
    }),
  ];
}

function validateAsked(asked: Asked, path: string): FieldError[] {
  const { deviceClassName, selectors, allocationMode, count = 0, tolerations } = asked;
  const errors = [
    ...validateRequiredName(`${path}.deviceClassName`, deviceClassName),
    ...validateSelectors(selectors, `${path}.selectors`),
  ];
  if (allocationMode === 'All') {
    if (count !== 0) errors.push(invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'"));
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) errors.push(invalid(`${path}.count`, count, positiveMessage));
  } else errors.push(notSupported(`${path}.allocationMode`, allocationMode, ['All', 'ExactCount']));
  return [...errors, ...validateList(tolerations, `${path}.tolerations`, maxTolerations, validateToleration)];
}

/** Their expressions are not compiled: a scheduler that cannot read one allocates nothing for it. */
function validateSelectors(selectors: readonly DeviceSelector[] | undefined, path: string): FieldError[] {
  return validateList(selectors, path, maxSelectors, ({ cel }, at) => {
    if (!cel) return [required(`${at}.cel`)];
    if (!cel.expression) return [required(`${at}.cel.expression`)];
    const bytes = Buffer.byteLength(cel.expression);
    return bytes > maxExpressionBytes ? [tooLong(`${at}.cel.expression`, maxExpressionBytes)] : [];
  });
}

function validateToleration(
  { key = '', operator = '', value = '', effect }: DeviceToleration,
  path: string,
): FieldError[] {
  const errors = key ? validateLabelName(key, `${path}.key`) : [];
  if (operator === 'Exists') {
    if (value) errors.push(invalid(`${path}.value`, value, 'must be empty for operator `Exists`'));
  } else if (operator === 'Equal') errors.push(...nameErrors(labelValueRule, `${path}.value`, value));
  else errors.push(...oneOf(`${path}.operator`, operator, ['Equal', 'Exists']));
  return effect ? [...errors, ...oneOf(`${path}.effect`, effect, taintEffects)] : errors;
}

function validateConstraint(one: DeviceConstraint, path: string, names: ReadonlySet<string>): FieldError[] {
  const { requests, matchAttribute, distinctAttribute } = one;
  const errors = validateRequestNames(requests, `${path}.requests`, names);
  if (matchAttribute !== undefined) {
    return [...errors, ...validateFullyQualifiedName(matchAttribute, `${path}.matchAttribute`)];
  }
  if (distinctAttribute !== undefined) {
    return [...errors, ...validateFullyQualifiedName(distinctAttribute, `${path}.distinctAttribute`)];
  }
  const why = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
  return [...errors, required(path, why)];
}

export function validateOpaque(opaque: OpaqueDeviceConfiguration | undefined, path: string): FieldError[] {
  const at = `${path}.opaque`;
  if (!opaque) return [required(at)];
  return [
    ...validateDriverName(`${at}.driver`, opaque.driver),
    ...validateJsonObject(opaque.parameters, `${at}.parameters`, maxParameterBytes),
  ];
}

export function validateDeviceClass({ spec }: DeviceClass): FieldError[] {
  const { selectors, config, extendedResourceName: name } = spec ?? {};
  const why = 'must be a valid extended resource name';
  return [
    ...validateSelectors(selectors, 'spec.selectors'),
    ...validateList(config, 'spec.config', maxConfigs, ({ opaque }, at) => validateOpaque(opaque, at)),
    ...(name === undefined || isExtendedResource(name) ? [] : [invalid('spec.extendedResourceName', name, why)]),
  ];
}
