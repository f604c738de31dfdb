// What a schema may say, beside being structural: OpenAPI v3 without what Kubernetes forbids, and the rules of the
// x-kubernetes-* extensions (upstream ValidateCustomResourceDefinitionOpenAPISchema).

import { isObject } from '../../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { additionalOf, additionalSchema, isEmbedded, itemsOf, type JSONSchemaProps } from '../../schema/props.ts';
import { keyedListErrors, knownTypes, listMapKeysErrors, listTypeErrors, mapTypeErrors } from './list-rules.ts';
import type { Leniency } from './ratcheting.ts';
import { pathProblem } from './selectable-fields.ts';
import { structuralProblem } from './structural.ts';

const { required, forbidden, invalid, notSupported } = fieldError;
const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const resourceFields = ['metadata', 'kind', 'apiVersion'];

interface Place {
  readonly path: string;
  readonly isRoot: boolean;
  readonly insideMeta: boolean;
  /** Why defaults may not stand here; undefined where they may. */
  readonly noDefaults: string | undefined;
  readonly leniency: Leniency;
}

export function validateSchemaRules(schema: JSONSchemaProps, path: string, leniency: Leniency): FieldError[] {
  return rulesOf(schema, { path, isRoot: true, insideMeta: false, noDefaults: undefined, leniency });
}

function rulesOf(schema: JSONSchemaProps, place: Place): FieldError[] {
  const { path, leniency } = place;
  return [
    ...plainRules(schema, place),
    ...innerRules(schema, place),
    ...mapTypeErrors(schema, path),
    ...listTypeErrors(schema, path, leniency),
    ...listMapKeysErrors(schema, path),
    ...(leniency.anyKeysOfMaps ? [] : keyedListErrors(schema, path)),
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

function plainRules(schema: JSONSchemaProps, { path, insideMeta, noDefaults, leniency }: Place): FieldError[] {
  const errors: FieldError[] = [];
  const { type, properties = {} } = schema;
  if (type && !leniency.anyType && !knownTypes.includes(type)) {
    errors.push(notSupported(`${path}.type`, type, knownTypes));
  }
  if (schema.default !== undefined && noDefaults !== undefined) {
    errors.push(forbidden(`${path}.default`, `must not be set ${noDefaults}`));
  }
  for (const [name, detail] of unsupported) {
    if (isSet(name, schema[name])) errors.push(forbidden(`${path}.${name}`, detail));
  }
  if (type === 'null') {
    errors.push(forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'));
  }
  if (Array.isArray(schema.items) && schema.items.length > 0) {
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

/** An empty map or text says nothing, but for a pointer to one. */
function isSet(name: string, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return name === '$ref' || (value !== '' && (name === 'additionalItems' || Object.keys(value).length > 0));
}

function innerRules(schema: JSONSchemaProps, place: Place): FieldError[] {
  const { path, isRoot, insideMeta, noDefaults } = place;
  const errors: FieldError[] = [];
  const under = (one: JSONSchemaProps, at: string, change: Partial<Place> = {}) =>
    errors.push(...rulesOf(one, { ...place, path: `${path}.${at}`, isRoot: false, ...change }));
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
  for (const [name, one] of Object.entries(schema.definitions ?? {})) under(one, `definitions[${name}]`);
  const items = itemsOf(schema);
  if (items) under(items, 'items');
  if (Array.isArray(schema.items)) {
    for (const [i, one] of schema.items.entries()) under(one as JSONSchemaProps, `items[${i}]`);
  }
  for (const [name, one] of Object.entries(schema.dependencies ?? {})) {
    if (isObject(one)) under(one as JSONSchemaProps, `dependencies[${name}]`);
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  }
  return errors;
}

/** What x-kubernetes-validations must look like before they are compiled. */
function expressions(schema: JSONSchemaProps, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, one] of (schema['x-kubernetes-validations'] ?? []).entries()) {
    const at = `${path}.x-kubernetes-validations[${i}]`;
    const { rule = '', message = '', messageExpression = '', fieldPath = '', reason } = one;
    const [text, said] = [rule.trim(), message.trim()];
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
    // Of a schema that has no structure nothing is said.
    if (structuralProblem(schema) !== undefined) continue;
    if (pathProblem(fieldPath, schema, { allowsBrackets: true }).problem) refuse('fieldPath must be a valid path');
  }
  return errors;
}

function hasLineBreak(text: string): boolean {
  return /[\n\r]/.test(text);
}
