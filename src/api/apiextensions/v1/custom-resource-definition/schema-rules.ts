// What a schema may say, beside being structural: OpenAPI v3 without what Kubernetes forbids, and the rules of the
// x-kubernetes-* extensions (upstream ValidateCustomResourceDefinitionOpenAPISchema).

import { isObject } from '../../../../apimachinery/json/value.ts';
import { ownValue } from '../../../../apimachinery/table.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { additionalOf, additionalSchema, isEmbedded, itemsOf, type JSONSchemaProps } from '../../schema/props.ts';
import { pathProblem } from './selectable-fields.ts';

const { required, forbidden, invalid, notSupported } = fieldError;
const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const resourceFields = ['metadata', 'kind', 'apiVersion'];

interface Place {
  readonly path: string;
  readonly isRoot: boolean;
  readonly insideMeta: boolean;
  /** Why defaults may not stand here; undefined where they may. */
  readonly noDefaults: string | undefined;
}

export function validateSchemaRules(schema: JSONSchemaProps, path: string): FieldError[] {
  return rulesOf(schema, { path, isRoot: true, insideMeta: false, noDefaults: undefined });
}

function rulesOf(schema: JSONSchemaProps, place: Place): FieldError[] {
  const { path } = place;
  return [
    ...plainRules(schema, place),
    ...innerRules(schema, place),
    ...mapType(schema, path),
    ...listType(schema, path),
    ...listMapKeys(schema, path),
    ...expressions(schema, path),
  ];
}

/** Fields of OpenAPI that Kubernetes does not support, and what it says of each. */
const unsupported: readonly (readonly [keyof JSONSchemaProps, string])[] = [
  ['id', 'id is not supported'],
  ['additionalItems', 'additionalItems is not supported'],
  ['patternProperties', 'patternProperties is not supported'],
  ['definitions', 'definitions is not supported'],
  ['dependencies', 'dependencies is not supported'],
  ['$ref', '$ref is not supported'],
];

function plainRules(schema: JSONSchemaProps, { path, insideMeta, noDefaults }: Place): FieldError[] {
  const errors: FieldError[] = [];
  const { type, properties = {} } = schema;
  if (type && !types.includes(type)) errors.push(notSupported(`${path}.type`, type, types));
  if (schema.default !== undefined && noDefaults !== undefined) {
    errors.push(forbidden(`${path}.default`, `must not be set ${noDefaults}`));
  }
  for (const [name, detail] of unsupported) {
    if (schema[name] !== undefined && schema[name] !== '') errors.push(forbidden(`${path}.${name}`, detail));
  }
  if (type === 'null')
    errors.push(forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'));
  if (Array.isArray(schema.items)) {
    errors.push(forbidden(`${path}.items`, 'items must be a schema object and not an array'));
  }
  if (insideMeta && isEmbedded(schema)) {
    errors.push(forbidden(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'));
  }
  if (schema.uniqueItems) {
    const detail = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    errors.push(forbidden(`${path}.uniqueItems`, detail));
  }
  const additional = additionalOf(schema);
  if (additional !== undefined && additional !== true && Object.keys(properties).length > 0) {
    errors.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  }
  return errors;
}

function innerRules(schema: JSONSchemaProps, place: Place): FieldError[] {
  const { path, isRoot, insideMeta, noDefaults } = place;
  const errors: FieldError[] = [];
  const under = (one: JSONSchemaProps, at: string, change: Partial<Place> = {}) =>
    errors.push(...rulesOf(one, { path: `${path}.${at}`, isRoot: false, insideMeta, noDefaults, ...change }));
  const additional = additionalSchema(schema);
  if (additional) {
    const why = insideMeta ? 'inside additionalProperties applying to object metadata' : noDefaults;
    under(additional, 'additionalProperties', { noDefaults: why });
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const isMeta = (isRoot || isEmbedded(schema)) && resourceFields.includes(name);
    const why = isMeta && isRoot ? `in top-level ${name}` : noDefaults;
    under(property, `properties[${name}]`, { insideMeta: insideMeta || isMeta, noDefaults: why });
  }
  if (schema.not) under(schema.not, 'not');
  for (const name of ['allOf', 'oneOf', 'anyOf'] as const) {
    for (const [i, one] of (schema[name] ?? []).entries()) under(one, `${name}[${i}]`);
  }
  const items = itemsOf(schema);
  if (items) under(items, 'items');
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  }
  return errors;
}

function mapType(schema: JSONSchemaProps, path: string): FieldError[] {
  const kind = schema['x-kubernetes-map-type'];
  if (kind === undefined) return [];
  const errors = typeFor(schema, 'object', { path, extension: 'x-kubernetes-map-type' });
  if (kind !== 'atomic' && kind !== 'granular') {
    errors.push(notSupported(`${path}.x-kubernetes-map-type`, kind, ['atomic', 'granular']));
  }
  return errors;
}

function typeFor(
  { type = '' }: JSONSchemaProps,
  wanted: string,
  { path, extension }: { readonly path: string; readonly extension: string },
): FieldError[] {
  if (type === wanted) return [];
  const detail = `must be ${wanted} if ${extension} is specified`;
  return [type === '' ? required(`${path}.type`, detail) : invalid(`${path}.type`, type, detail)];
}

function listType(schema: JSONSchemaProps, path: string): FieldError[] {
  const kind = schema['x-kubernetes-list-type'];
  if (kind === undefined) return [];
  const errors = typeFor(schema, 'array', { path, extension: 'x-kubernetes-list-type' });
  const items = itemsOf(schema);
  if (errors.length === 0 && kind === 'set' && items) {
    const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set';
    const [inList, inMap] = [items['x-kubernetes-list-type'], items['x-kubernetes-map-type']];
    if (items.type === 'array' && inList !== undefined && inList !== 'atomic') {
      errors.push(invalid(`${path}.items.x-kubernetes-list-type`, inList, detail));
    }
    if (items.type === 'object' && inMap !== 'atomic') {
      errors.push(invalid(`${path}.items.x-kubernetes-map-type`, inMap ?? null, detail));
    }
  }
  if (kind !== 'atomic' && kind !== 'set' && kind !== 'map') {
    errors.push(notSupported(`${path}.x-kubernetes-list-type`, kind, ['atomic', 'set', 'map']));
  }
  if ((kind === 'set' || kind === 'map') && items?.nullable) {
    errors.push(forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${kind}`));
  }
  return errors;
}

function listMapKeys(schema: JSONSchemaProps, path: string): FieldError[] {
  const kind = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const errors: FieldError[] = [];
  if (keys.length > 0 && kind !== 'map') {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty';
    const at = `${path}.x-kubernetes-list-type`;
    errors.push(kind === undefined ? required(at, detail) : invalid(at, kind, detail));
  }
  if (kind !== 'map') return errors;
  const at = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) errors.push(required(at, 'must not be empty if x-kubernetes-list-type is map'));
  const items = itemsOf(schema);
  if (!items) return [...errors, required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map')];
  if (items.type !== 'object') {
    const detail = "must be object if parent array's x-kubernetes-list-type is map";
    return [...errors, invalid(`${path}.items.type`, items.type ?? '', detail)];
  }
  for (const [i, key] of keys.entries()) {
    const property = ownValue(items.properties, key);
    if (!property) errors.push(invalid(at, keys, 'entries must all be names of item properties'));
    else errors.push(...keyProperty(property, items, { path: `${path}.items.properties[${key}]`, key }));
    if (keys.indexOf(key) < i) errors.push(invalid(at, keys, 'must not contain duplicate entries'));
  }
  return errors;
}

function keyProperty(
  property: JSONSchemaProps,
  items: JSONSchemaProps,
  { path, key }: { readonly path: string; readonly key: string },
): FieldError[] {
  const errors: FieldError[] = [];
  if (property.type === 'array' || property.type === 'object') {
    const detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
    errors.push(invalid(`${path}.type`, items.type, detail));
  }
  const what = 'this property is in x-kubernetes-list-map-keys, so it';
  if (!items.required?.includes(key) && property.default === undefined) {
    errors.push(required(`${path}.default`, `${what} must have a default or be a required property`));
  }
  if (property.nullable) errors.push(forbidden(`${path}.nullable`, `${what} cannot be nullable`));
  return errors;
}

/** What x-kubernetes-validations must look like before they are compiled. */
function expressions(schema: JSONSchemaProps, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, rule] of (schema['x-kubernetes-validations'] ?? []).entries()) {
    const at = `${path}.x-kubernetes-validations[${i}]`;
    if (!isObject(rule)) continue;
    const { message = '', messageExpression = '', fieldPath = '', reason } = rule;
    const [text, said] = [(rule.rule ?? '').trim(), message.trim()];
    if (text === '') errors.push(required(`${at}.rule`, 'rule is not specified'));
    else if (message !== '' && said === '') {
      errors.push(invalid(`${at}.message`, message, 'message must be non-empty if specified'));
    } else if (hasLineBreak(said)) {
      errors.push(invalid(`${at}.message`, message, 'message must not contain line breaks'));
    } else if (hasLineBreak(text) && said === '') {
      errors.push(required(`${at}.message`, 'message must be specified if rule contains line breaks'));
    }
    if (messageExpression !== '' && messageExpression.trim() === '') {
      errors.push(required(`${at}.messageExpression`, 'messageExpression must be non-empty if specified'));
    }
    if (reason !== undefined && !reasons.includes(reason)) errors.push(notSupported(`${at}.reason`, reason, reasons));
    if (fieldPath === '') continue;
    const refuse = (detail: string) => errors.push(invalid(`${at}.fieldPath`, fieldPath, detail));
    if (fieldPath.trim() === '') refuse('fieldPath must be non-empty if specified');
    if (hasLineBreak(fieldPath)) refuse('fieldPath must not contain line breaks');
    if (pathProblem(fieldPath, schema, { allowsBrackets: true }).problem) refuse('fieldPath must be a valid path');
  }
  return errors;
}

function hasLineBreak(text: string): boolean {
  return /[\n\r]/.test(text);
}
