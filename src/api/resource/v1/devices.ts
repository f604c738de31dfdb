// What is asked of devices, by claims, templates of claims and classes of devices (KEP-4381).
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import {
  dns1123Label,
  dns1123Subdomain,
  labelValueRule,
  qualifiedName,
} from '../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../apimachinery/validation/object-meta.ts';
import { validateOptionalName, validateRequiredName } from '../../validation/references.ts';
import { oneOf, positiveMessage } from '../../validation/values.ts';
import type {
  DeviceClaim,
  DeviceConstraint,
  DeviceRequest,
  DeviceSelector,
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
  OpaqueDeviceConfiguration,
} from './types.generated.ts';

const { required, invalid, duplicate, notSupported, tooMany, tooLong } = fieldError;

const maxRequests = 32;
const maxConstraints = 32;
const maxConfigs = 32;
const maxSelectors = 32;
const maxTolerations = 16;
const maxSubrequests = 8;
const maxParameterBytes = 10 * 1024;
const maxExpressionBytes = 10 * 1024;

type Asked = ExactDeviceRequest | DeviceSubRequest;

/** A domain that a driver's author owns. */
export function validateDriverName(field: string, name: string | undefined): FieldError[] {
  const errors = validateRequiredName(field, name);
  return (name?.length ?? 0) > 63 ? [tooLong(field, 63), ...errors] : errors;
}

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
  const { requests = [], constraints = [], config = [] } = claim ?? {};
  const names = requestNames(requests);
  const seen = new Set<string>();
  return [
    ...limited(requests, maxRequests, `${path}.requests`),
    ...requests.flatMap((request, i) => {
      const at = `${path}.requests[${i}]`;
      const errors = validateRequest(request, at);
      if (seen.has(request.name)) errors.push(duplicate(`${at}.name`, request.name));
      seen.add(request.name);
      return errors;
    }),
    ...limited(constraints, maxConstraints, `${path}.constraints`),
    ...constraints.flatMap((one, i) => validateConstraint(one, `${path}.constraints[${i}]`, names)),
    ...limited(config, maxConfigs, `${path}.config`),
    ...config.flatMap(({ requests: of = [], opaque }, i) => {
      const at = `${path}.config[${i}]`;
      return [...validateRequestNames(of, `${at}.requests`, names), ...validateOpaque(opaque, `${at}`)];
    }),
  ];
}

function limited(list: readonly unknown[], max: number, path: string): FieldError[] {
  return list.length > max ? [tooMany(path, list.length, max)] : [];
}

/** `request`, and `request/subrequest` of those that give a choice. */
function requestNames(requests: readonly DeviceRequest[]): Set<string> {
  return new Set(
    requests.flatMap(({ name, firstAvailable = [] }) => [name, ...firstAvailable.map((sub) => `${name}/${sub.name}`)]),
  );
}

function validateRequestNames(list: readonly string[], path: string, names: ReadonlySet<string>): FieldError[] {
  return list.flatMap((name, i) => {
    const at = `${path}[${i}]`;
    const errors = list.indexOf(name) < i ? [duplicate(at, name)] : [];
    if (names.has(name)) return errors;
    const why = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
    return [...errors, invalid(at, name, why)];
  });
}

function validateRequest({ name, exactly, firstAvailable = [] }: DeviceRequest, path: string): FieldError[] {
  const errors = validateRequiredName(`${path}.name`, name, dns1123Label);
  if (exactly && firstAvailable.length > 0) {
    errors.push(invalid(path, null, 'exactly one of `exactly` or `firstAvailable` is required'));
  } else if (exactly) errors.push(...validateAsked(exactly, `${path}.exactly`));
  else if (firstAvailable.length > 0) {
    errors.push(...limited(firstAvailable, maxSubrequests, `${path}.firstAvailable`));
    for (const [i, sub] of firstAvailable.entries()) {
      const at = `${path}.firstAvailable[${i}]`;
      errors.push(...validateRequiredName(`${at}.name`, sub.name, dns1123Label));
      if (firstAvailable.findIndex((other) => other.name === sub.name) < i) {
        errors.push(duplicate(`${at}.name`, sub.name));
      }
      errors.push(...validateAsked(sub, at));
    }
  } else errors.push(required(path, 'exactly one of `exactly` or `firstAvailable` is required'));
  return errors;
}

function validateAsked(asked: Asked, path: string): FieldError[] {
  const { deviceClassName, selectors = [], allocationMode, count = 0, tolerations = [] } = asked;
  const errors = [
    ...validateRequiredName(`${path}.deviceClassName`, deviceClassName),
    ...validateSelectors(selectors, `${path}.selectors`),
  ];
  if (allocationMode === 'All') {
    if (count !== 0) errors.push(invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'"));
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) errors.push(invalid(`${path}.count`, count, positiveMessage));
  } else errors.push(notSupported(`${path}.allocationMode`, allocationMode, ['All', 'ExactCount']));
  return [
    ...errors,
    ...limited(tolerations, maxTolerations, `${path}.tolerations`),
    ...tolerations.flatMap((one, i) => validateToleration(one, `${path}.tolerations[${i}]`)),
  ];
}

export function validateSelectors(selectors: readonly DeviceSelector[], path: string): FieldError[] {
  return [
    ...limited(selectors, maxSelectors, path),
    ...selectors.flatMap(({ cel }, i) => {
      const at = `${path}[${i}].cel`;
      if (!cel) return [required(at)];
      if (!cel.expression) return [required(`${at}.expression`)];
      const bytes = Buffer.byteLength(cel.expression);
      return bytes > maxExpressionBytes ? [tooLong(`${at}.expression`, maxExpressionBytes)] : [];
    }),
  ];
}

function validateToleration(
  { key = '', operator = '', value = '', effect }: DeviceToleration,
  path: string,
): FieldError[] {
  const errors = key ? nameErrors(qualifiedName, `${path}.key`, key) : [];
  if (operator === 'Exists') {
    if (value) errors.push(invalid(`${path}.value`, value, 'must be empty for operator `Exists`'));
  } else if (operator === 'Equal') {
    errors.push(...nameErrors(labelValueRule, `${path}.value`, value));
    if (!key) errors.push(required(`${path}.key`, 'must be set for operator `Equal`'));
  } else errors.push(...oneOf(`${path}.operator`, operator, ['Equal', 'Exists']));
  return effect ? [...errors, ...oneOf(`${path}.effect`, effect, ['NoExecute', 'NoSchedule', 'None'])] : errors;
}

function validateConstraint(one: DeviceConstraint, path: string, names: ReadonlySet<string>): FieldError[] {
  const { requests = [], matchAttribute, distinctAttribute } = one;
  const errors = validateRequestNames(requests, `${path}.requests`, names);
  if (matchAttribute === undefined && distinctAttribute === undefined) {
    return [...errors, required(path, 'exactly one of `matchAttribute` or `distinctAttribute` is required')];
  }
  for (const [field, name] of Object.entries({ matchAttribute, distinctAttribute })) {
    if (name !== undefined) errors.push(...validateAttributeName(name, `${path}.${field}`));
  }
  return errors;
}

/** `<domain>/<identifier>`. */
function validateAttributeName(name: string, path: string): FieldError[] {
  if (name === '') return [required(path)];
  const slash = name.indexOf('/');
  if (slash < 0) return [invalid(path, name, 'must include a domain')];
  const [domain, id] = [name.slice(0, slash), name.slice(slash + 1)];
  return [
    ...validateOptionalName(path, domain, dns1123Subdomain),
    ...(domain === '' ? [required(path, 'the domain must not be empty')] : []),
    ...validateIdentifier(id, path),
  ];
}

/** A C identifier of at most 32 characters. */
export function validateIdentifier(id: string, path: string): FieldError[] {
  const errors = id.length > 32 ? [tooLong(path, 32)] : [];
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(id)) return errors;
  const why =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";
  return [...errors, invalid(path, id, why)];
}

/** What only the driver understands: JSON of a bounded size. */
export function validateOpaque(opaque: OpaqueDeviceConfiguration | undefined, path: string): FieldError[] {
  const at = `${path}.opaque`;
  if (!opaque) return [required(at)];
  const errors = validateDriverName(`${at}.driver`, opaque.driver);
  if (opaque.parameters === undefined || opaque.parameters === null) return [...errors, required(`${at}.parameters`)];
  const bytes = Buffer.byteLength(JSON.stringify(opaque.parameters));
  return bytes > maxParameterBytes ? [...errors, tooLong(`${at}.parameters`, maxParameterBytes)] : errors;
}
