// Validates values against OpenAPI v3 schemas in the words of k8s.io/kube-openapi/pkg/validation/validate. What an
// update leaves as it was is not validated again (CRDValidationRatcheting).

import { isObject, jsonEqual } from '../../../apimachinery/json/value.ts';
import { ownValue } from '../../../apimachinery/table.ts';
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { validateCombinators } from './combinators.ts';
import { hasFormat, isKnownFormat } from './formats.ts';
import { matchesPattern } from './patterns.ts';
import { additionalOf, childPath, isIntOrString, itemsOf, type JSONSchemaProps } from './props.ts';

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
  return find(value, schema, at).errors;
}

export function find(value: unknown, schema: JSONSchemaProps, at: Validation): Findings {
  const found: Findings = { errors: [], matches: 1 };
  if (at.old !== undefined && jsonEqual(value, at.old)) return found;
  checkType(value, schema, { at, found });
  if (value !== null) {
    validateCombinators(value, schema, { at, found });
    if (typeof value === 'string') checkString(value, schema, { at, found });
    else if (typeof value === 'number') checkNumber(value, schema, { at, found });
    else if (Array.isArray(value)) checkList(value, schema, { at, found });
  }
  checkEnum(value, schema, { at, found });
  if (isObject(value)) checkObject(value, schema, { at, found });
  return found;
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
  found.errors.push(fieldError.invalid(shown(at.path), value, `${subject(at)} ${why}`));
}

/** The root has no name. */
export function shown(path: string): string {
  return path === '' ? '<nil>' : path;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value === 'object' ? 'object' : typeof value;
}

function checkType(value: unknown, schema: JSONSchemaProps, { at, found }: Here): void {
  const types = isIntOrString(schema) ? ['integer', 'string'] : schema.type ? [schema.type] : [];
  if (types.length === 0) return;
  found.matches++;
  const actual = typeOf(value);
  if (actual === 'null' && schema.nullable) return;
  if (types.includes(actual) || (actual === 'integer' && types.includes('number'))) return;
  const format = schema.format && isKnownFormat(schema.format) ? schema.format : '';
  const isText = actual === 'string' || actual === 'array';
  // A text's format stands for its type where something else than a text is given.
  const wanted = format !== '' && !isText && actual !== 'null' ? format : types.join(',');
  const what = `${subject(at)} must be of type ${wanted}: ${JSON.stringify(actual)}`;
  found.errors.push(fieldError.typeInvalid(shown(at.path), actual, what));
}

function checkString(value: string, schema: JSONSchemaProps, here: Here): void {
  const { maxLength, minLength, pattern, format } = schema;
  const { at, found } = here;
  if (maxLength !== undefined || minLength !== undefined || pattern) found.matches++;
  // Lengths are of code points.
  const length =
    value.length > (maxLength ?? Infinity) || value.length >= (minLength ?? Infinity)
      ? [...value].length
      : value.length;
  if (maxLength !== undefined && length > maxLength) found.errors.push(fieldError.tooLong(shown(at.path), maxLength));
  if (minLength !== undefined && length < minLength) refuse(here, value, `should be at least ${minLength} chars long`);
  if (pattern && !matchesPattern(pattern, value)) refuse(here, value, `should match '${pattern}'`);
  if (format && !hasFormat(value, format)) {
    const what = `${subject(at)} must be of type ${format}: ${JSON.stringify(value)}`;
    found.errors.push(fieldError.typeInvalid(shown(at.path), value, what));
  }
}

function checkNumber(value: number, schema: JSONSchemaProps, here: Here): void {
  const { maximum, exclusiveMaximum, minimum, exclusiveMinimum, multipleOf } = schema;
  here.found.matches++;
  if (multipleOf !== undefined) {
    const quotient = value / multipleOf;
    if (Math.abs(quotient - Math.round(quotient)) > 1e-9) refuse(here, value, `should be a multiple of ${multipleOf}`);
  }
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    refuse(here, value, `should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`);
  }
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    refuse(here, value, `should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`);
  }
}

function checkList(list: readonly unknown[], schema: JSONSchemaProps, here: Here): void {
  const { at, found } = here;
  const { minItems, maxItems } = schema;
  found.matches++;
  const items = itemsOf(schema);
  if (items) {
    const oldItems = correlatedItems(at.old, schema);
    for (const [i, item] of list.entries()) {
      // Beyond the limit nothing is looked at: a long list costs no more than an allowed one.
      if (maxItems !== undefined && i >= maxItems) break;
      merge(found, find(item, items, { path: `${at.path}[${i}]`, old: oldItems?.(item) }));
    }
  }
  if (minItems !== undefined && list.length < minItems) {
    refuse(here, list.length, `should have at least ${minItems} items`);
  }
  if (maxItems !== undefined && list.length > maxItems) {
    found.errors.push(fieldError.tooMany(shown(at.path), list.length, maxItems));
  }
}

/** Finds an item's former state: only items of map lists have one, found by their keys. */
function correlatedItems(old: unknown, schema: JSONSchemaProps): ((item: unknown) => unknown) | undefined {
  if (!Array.isArray(old) || schema['x-kubernetes-list-type'] !== 'map') return undefined;
  const names = schema['x-kubernetes-list-map-keys'] ?? [];
  const key = (item: unknown) => JSON.stringify(names.map((name) => (isObject(item) ? item[name] : null)));
  const items = new Map(old.map((item: unknown) => [key(item), item]));
  return (item) => items.get(key(item));
}

function checkEnum(value: unknown, { enum: allowed }: JSONSchemaProps, { at, found }: Here): void {
  if (!allowed || allowed.length === 0) return;
  found.matches++;
  if (allowed.some((one) => jsonEqual(one, value))) return;
  const texts = allowed.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  found.errors.push(fieldError.notSupported(shown(at.path), value, texts));
}

function checkObject(object: { readonly [key: string]: unknown }, schema: JSONSchemaProps, here: Here): void {
  const { at, found } = here;
  const { properties = {}, required = [], minProperties, maxProperties } = schema;
  const keys = Object.keys(object);
  found.matches++;
  if (maxProperties !== undefined && keys.length > maxProperties) {
    found.errors.push(fieldError.tooMany(shown(at.path), keys.length, maxProperties));
  }
  if (minProperties !== undefined && keys.length < minProperties) {
    refuse(here, keys.length, `should have at least ${minProperties} properties`);
  }
  const old = isObject(at.old) ? at.old : {};
  const additional = additionalOf(schema);
  for (const key of keys.toSorted()) {
    const isNamed = Object.hasOwn(properties, key);
    if (!isNamed && additional === false) {
      found.errors.push(fieldError.forbidden(childPath(at.path, key), 'unknown field'));
      continue;
    }
    const below = isNamed ? properties[key] : typeof additional === 'object' ? additional : undefined;
    if (below) merge(found, find(object[key], below, { path: childPath(at.path, key), old: ownValue(old, key) }));
  }
  for (const name of required) {
    if (!Object.hasOwn(object, name)) found.errors.push(fieldError.required(childPath(at.path, name)));
  }
}

export function merge(into: Findings, from: Findings): void {
  into.errors.push(...from.errors);
  into.matches += from.matches;
}
