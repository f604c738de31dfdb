// Validates values against OpenAPI v3 schemas in the words of k8s.io/kube-openapi/pkg/validation/validate. What an
// update leaves as it was is not validated again (CRDValidationRatcheting).

import { printedJson, quoted, sortedKeys } from '../../../apimachinery/json/go-text.ts';
import { isObject, jsonEqual } from '../../../apimachinery/json/value.ts';
import { ownValue } from '../../../apimachinery/table.ts';
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { validateCombinators } from './combinators.ts';
import { formerItems, isUnchanged } from './correlate.ts';
import { formatOf, hasFormat } from './formats.ts';
import { matchesPattern } from './patterns.ts';
import { additionalOf, childPath, isIntOrString, itemsOf, type JSONSchemaProps } from './props.ts';
import { isInt64, isNearlyInteger, numberErrors } from './validate-number.ts';

/** What validation found; `matches` counts what was looked at, to tell which of several schemas came closest. */
export interface Findings {
  readonly errors: FieldError[];
  matches: number;
}

export interface Validation {
  /** `spec.ports[0].name`; empty at the root. */
  readonly path: string;
  /** The value before the update, where there was one that this one follows. */
  readonly old?: unknown;
}

/** The errors of a value; of an update with `old`, only those of what changed. */
export function validateValue(value: unknown, schema: JSONSchemaProps, at: Validation = { path: '' }): FieldError[] {
  return find(value, schema, at).errors.map((error) => ({ ...error, field: shown(error.field) }));
}

function find(value: unknown, schema: JSONSchemaProps, at: Validation): Findings {
  if (at.old !== undefined && isUnchanged(value, at.old, schema)) return { errors: [], matches: 1 };
  return check(value, schema, at);
}

/** The same, where it does not count that the value itself may be what it was: that what is inside of it may be, does. */
export function check(value: unknown, schema: JSONSchemaProps, at: Validation): Findings {
  const found: Findings = { errors: [], matches: 0 };
  const here = { at, found };
  checkType(value, schema, here);
  if (value === null) {
    checkEnum(value, schema, here);
    return found;
  }
  found.matches += 4;
  const isCombined = validateCombinators(value, schema, here);
  if (typeof value === 'string') checkString(value, schema, here);
  else if (typeof value === 'number' || typeof value === 'bigint') {
    found.matches += 2;
    found.errors.push(...numberErrors(value, schema, at.path));
  } else if (Array.isArray(value)) checkList(value, schema, here);
  checkEnum(value, schema, here);
  if (isObject(value)) checkObject(value, schema, here);
  return isCombined ? { ...found, errors: withoutRepetitions(found.errors) } : found;
}

/** Several schemas of one value may find the same: it is said once. */
function withoutRepetitions(errors: readonly FieldError[]): FieldError[] {
  const said = new Map<string, FieldError>();
  for (const error of errors) {
    const key = `${error.type} ${error.field} ${error.detail}`;
    if (!said.has(key)) said.set(key, error);
  }
  return [...said.values()];
}

export interface Here {
  readonly at: Validation;
  readonly found: Findings;
}

/** `spec.size in body`: the subject of most sentences. */
function subject({ path }: Validation): string {
  return `${path} in body`;
}

function refuse({ at, found }: Here, value: unknown, why: string): void {
  found.errors.push(fieldError.invalid(at.path, value, `${subject(at)} ${why}`));
}

/** The root has no name, and is left out of the names of fields. */
function shown(path: string): string {
  return path === '' ? '<nil>' : path.replace(/^\./, '');
}

interface Typed {
  readonly type: string;
  /** Of numbers. */
  readonly format: string;
}

function typeOf(value: unknown): Typed {
  if (typeof value === 'bigint') return { type: 'integer', format: 'int64' };
  if (typeof value === 'number') {
    return isInt64(value) ? { type: 'integer', format: 'int64' } : { type: 'number', format: 'float64' };
  }
  return { type: value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value, format: '' };
}

function checkType(value: unknown, schema: JSONSchemaProps, { at, found }: Here): void {
  const types = isIntOrString(schema) ? ['integer', 'string'] : schema.type ? [schema.type] : [];
  const format = formatOf(schema);
  if (types.length === 0 && format === '') return;
  const refuseType = (wanted: string, actual: string) => {
    const what = `${subject(at)} must be of type ${wanted}: ${quoted(actual)}`;
    found.errors.push(fieldError.typeInvalid(at.path, actual, what));
  };
  if (value === null) {
    if (types.length > 0 && schema.nullable !== true) refuseType(types.join(','), 'null');
    else found.matches++;
    return;
  }
  found.matches++;
  const actual = typeOf(value);
  const isInteger = typeof value === 'number' && types.includes('integer') && isNearlyInteger(value);
  const fits = types.includes(actual.type) || isInteger || (actual.type === 'integer' && types.includes('number'));
  const isTextual = typeof value === 'string' || Array.isArray(value);
  const isNumeric = types.includes('number') || types.includes('integer');
  if (fits) found.matches++;
  else if (format !== '' && !isTextual) refuseType(format, actual.format);
  else if (isNumeric || format === '') refuseType(types.join(','), actual.type);
  // A format of texts is all that texts, and lists, are held to.
  else found.matches++;
}

function checkString(value: string, schema: JSONSchemaProps, here: Here): void {
  const { at, found } = here;
  found.matches++;
  const wrong = stringError(value, schema, here);
  if (wrong) found.errors.push(wrong);
  const format = formatOf(schema);
  if (format === '' || schema.type === 'integer' || schema.type === 'number') return;
  found.matches++;
  if (hasFormat(value, format)) return;
  const what = `${subject(at)} must be of type ${format}: ${quoted(value)}`;
  found.errors.push(fieldError.typeInvalid(at.path, value, what));
}

/** The first of what is wrong with a text beside its format. */
function stringError(
  value: string,
  { maxLength, minLength, pattern }: JSONSchemaProps,
  { at }: Here,
): FieldError | undefined {
  // Lengths are of code points.
  const length =
    value.length > (maxLength ?? Infinity) || value.length >= (minLength ?? Infinity)
      ? [...value].length
      : value.length;
  if (maxLength !== undefined && length > maxLength) return fieldError.tooLong(at.path, maxLength);
  const why =
    minLength !== undefined && length < minLength
      ? `should be at least ${minLength} chars long`
      : pattern && !matchesPattern(pattern, value)
        ? `should match '${pattern}'`
        : undefined;
  return why === undefined ? undefined : fieldError.invalid(at.path, value, `${subject(at)} ${why}`);
}

function checkList(list: readonly unknown[], schema: JSONSchemaProps, here: Here): void {
  const { at, found } = here;
  const { minItems, maxItems } = schema;
  found.matches += 2;
  const items = itemsOf(schema);
  if (items) {
    const oldItems = formerItems(at.old, schema);
    for (const [i, item] of list.entries()) {
      merge(found, find(item, items, { path: `${at.path}[${i}]`, old: oldItems?.(item) ?? undefined }));
    }
  }
  if (minItems !== undefined && list.length < minItems) {
    refuse(here, list.length, `should have at least ${minItems} items`);
  }
  if (maxItems !== undefined && list.length > maxItems) {
    found.errors.push(fieldError.tooMany(at.path, list.length, maxItems));
  }
}

function checkEnum(value: unknown, { enum: allowed }: JSONSchemaProps, { at, found }: Here): void {
  if (!allowed || allowed.length === 0 || allowed.some((one) => isOneOf(value, one))) return;
  const texts = allowed.map((one) => (typeof one === 'string' ? one : printedJson(one)));
  found.errors.push(fieldError.notSupported(at.path, sortedKeys(value), texts));
}

/** Null never is. A number is converted to the type of the one it is compared with: `1.7` passes for `1`. */
function isOneOf(value: unknown, allowed: unknown): boolean {
  if (value === null) return false;
  if (typeof value === 'number' && typeof allowed === 'number' && isInt64(allowed))
    return Math.trunc(value) === allowed;
  return jsonEqual(value, allowed);
}

function checkObject(object: { readonly [key: string]: unknown }, schema: JSONSchemaProps, here: Here): void {
  const { at, found } = here;
  const { properties = {}, required = [], minProperties, maxProperties } = schema;
  const keys = Object.keys(object).sort();
  found.matches++;
  if (minProperties !== undefined && keys.length < minProperties) {
    refuse(here, keys.length, `should have at least ${minProperties} properties`);
  }
  if (maxProperties !== undefined && keys.length > maxProperties) {
    found.errors.push(fieldError.tooMany(at.path, keys.length, maxProperties));
  }
  const old = isObject(at.old) ? at.old : {};
  const additional = additionalOf(schema);
  const named = (key: string) => Object.hasOwn(properties, key);
  for (const key of keys) {
    if (named(key)) continue;
    if (additional === false) {
      const why = `${at.path}.${key} in body is a forbidden property`;
      found.errors.push(fieldError.invalid(at.path, key, why));
    } else if (typeof additional === 'object') {
      merge(found, find(object[key], additional, { path: `${at.path}.${key}`, old: ownValue(old, key) }));
    }
  }
  for (const key of keys) {
    if (!named(key)) continue;
    // The version of an object is not what it was: objects are converted before they are compared.
    const isTypeMeta = at.path === '' && (key === 'apiVersion' || key === 'kind');
    const before = isTypeMeta ? undefined : ownValue(old, key);
    merge(found, find(object[key], properties[key]!, { path: childPath(at.path, key), old: before }));
  }
  for (const name of required) {
    if (!Object.hasOwn(object, name)) found.errors.push(fieldError.required(childPath(at.path, name)));
  }
}

export function merge(into: Findings, from: Findings): void {
  for (const error of from.errors) into.errors.push(error);
  into.matches += from.matches;
}
