// Names in claims and slices: of drivers, pools, devices, and of what is told of a device.
import { isObject } from '../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { dns1123Subdomain, qualifiedName } from '../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../apimachinery/validation/object-meta.ts';
import { validateCSIDriverName } from '../../core/v1/volume-sources.ts';

const { required, invalid, tooLong } = fieldError;

/** Bytes of the identifier in the name of an attribute or a capacity, and of the domain before it. */
const maxIdentifier = 32;
const maxDomain = 63;
export const maxQualifiedName = maxDomain + 1 + maxIdentifier;

const maxPoolName = 253;

/** The name of a driver is a domain that its author owns. */
export const validateDriverName = validateCSIDriverName;

/** DNS names joined by slashes. */
export function validatePoolName(field: string, name: string | undefined): FieldError[] {
  if (!name) return [required(field)];
  const errors = name.length > maxPoolName ? [tooLong(field, maxPoolName)] : [];
  return [...errors, ...name.split('/').flatMap((part) => nameErrors(dns1123Subdomain, field, part))];
}

/** An identifier, or one with a domain: `model`, `gpu.example.com/model`. */
export function validateQualifiedName(name: string, field: string): FieldError[] {
  const [first = '', second, ...more] = name.split('/');
  // Upstream takes names of three parts as they are.
  if (more.length > 0) return [];
  if (second === undefined) return validateIdentifier(first, field);
  return [
    ...(first === '' ? [invalid(field, '', 'the domain must not be empty')] : validateDriverName(field, first)),
    ...(second === '' ? [invalid(field, '', 'the name must not be empty')] : validateIdentifier(second, field)),
  ];
}

/** One with a domain. */
export function validateFullyQualifiedName(name: string, field: string): FieldError[] {
  const errors = validateQualifiedName(name, field);
  if (name.includes('/')) return errors;
  const why = 'a fully qualified name must be a domain and a name separated by a slash';
  return [...errors, invalid(field, name, why)];
}

/** An identifier as in C. */
function validateIdentifier(id: string, path: string): FieldError[] {
  const errors = Buffer.byteLength(id) > maxIdentifier ? [tooLong(path, maxIdentifier)] : [];
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(id)) return errors;
  const why =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";
  return [...errors, invalid(path, id, why)];
}

/** The type of a condition, the key of a taint. */
export function validateLabelName(name: string, field: string): FieldError[] {
  return nameErrors(qualifiedName, field, name);
}

const maxConditions = 4;

interface Binding {
  readonly bindingConditions?: readonly string[];
  readonly bindingFailureConditions?: readonly string[];
}

/** Conditions that a Pod waits for with a device, and those with which it gives up: both or neither. */
export function validateBinding(binding: Binding, path: string): FieldError[] {
  const { bindingConditions: good = [], bindingFailureConditions: bad = [] } = binding;
  const [goodAt, badAt] = [`${path}.bindingConditions`, `${path}.bindingFailureConditions`];
  const again = (list: readonly string[], name: string, at: string, i: number): FieldError[] =>
    list.indexOf(name) < i ? [fieldError.duplicate(`${at}[${i}]`, name)] : [];
  const errors = [
    ...validateConditionTypes(good, goodAt),
    ...validateConditionTypes(bad, badAt),
    ...good.flatMap((name, i) => again(good, name, goodAt, i)),
    ...bad.flatMap((name, i) => [
      ...again(bad, name, badAt, i),
      ...(good.includes(name)
        ? [invalid(`${badAt}[${i}]`, name, 'bindingFailureConditions must not overlap with bindingConditions')]
        : []),
    ]),
  ];
  if (good.length === 0 && bad.length > 0) {
    errors.push(invalid(goodAt, null, 'bindingConditions are required to use bindingFailureConditions'));
  }
  if (bad.length === 0 && good.length > 0) {
    errors.push(invalid(badAt, null, 'bindingFailureConditions are required to use bindingConditions'));
  }
  return errors;
}

function validateConditionTypes(types: readonly string[], path: string): FieldError[] {
  if (types.length > maxConditions) return [fieldError.tooMany(path, types.length, maxConditions)];
  return types.flatMap((type, i) => validateLabelName(type, `${path}[${i}]`));
}

/** What only a driver understands: an object of at most `maxBytes` as JSON. */
export function validateJsonObject(value: unknown, path: string, maxBytes: number): FieldError[] {
  if (value === undefined || value === null) return [required(path)];
  if (Buffer.byteLength(JSON.stringify(value)) > maxBytes) return [tooLong(path, maxBytes)];
  return isObject(value) ? [] : [invalid(path, '<value omitted>', 'must be a valid JSON object')];
}
