// What makes a schema structural (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/validation.go): every field has a
// type outside of logical combinations, and inside of them nothing but value validations stands.

import { isObject, jsonEqual } from '../../../../apimachinery/json/value.ts';
import { ownValue } from '../../../../apimachinery/table.ts';
import { type FieldError, fieldError, fieldErrorMessage } from '../../../../apimachinery/validation/field-error.ts';
import { patternProblem } from '../../schema/patterns.ts';
import {
  additionalOf,
  additionalSchema,
  isEmbedded,
  isIntOrString,
  itemsOf,
  type JSONSchemaProps,
  preservesUnknown,
} from '../../schema/props.ts';

/** Why a schema cannot be looked at as a structural one at all, in upstream's words; undefined: it can. */
export function structuralProblem(schema: JSONSchemaProps): string | undefined {
  const problem = (what: string) => `OpenAPIV3Schema '${what}' is not supported`;
  if (schema.id) return problem('id');
  if (schema.$schema) return problem('schema');
  if (schema.$ref) return problem('$ref');
  for (const name of ['patternProperties', 'dependencies'] as const) if (!isEmpty(schema[name])) return problem(name);
  if (schema.additionalItems !== undefined) return problem('additionalItems');
  if (!isEmpty(schema.definitions)) return problem('definitions');
  const { not, allOf = [], anyOf = [], oneOf = [], properties = {} } = schema;
  for (const one of [...(not ? [not] : []), ...allOf, ...anyOf, ...oneOf]) {
    const inside = structuralProblem(one);
    if (inside !== undefined) return inside;
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
  }
  if (Array.isArray(schema.items) && schema.items.length > 0) {
    return "OpenAPIV3Schema 'items' must be a schema, but is an array";
  }
  const [items, additional] = [itemsOf(schema), additionalSchema(schema)];
  for (const one of [...(items ? [items] : []), ...Object.values(properties), ...(additional ? [additional] : [])]) {
    const inside = structuralProblem(one);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

function isEmpty(value: object | undefined): boolean {
  return value === undefined || Object.keys(value).length === 0;
}

type Level = 'root' | 'item' | 'field';

const { required, forbidden, invalid } = fieldError;
const intOrStringAnyOf = [{ type: 'integer' }, { type: 'string' }];

/** Sorted by their texts. */
export function validateStructural(schema: JSONSchemaProps, path: string): FieldError[] {
  const errors = [...invariants(schema, 'root', path), ...completeness(schema, path)];
  return errors
    .map((error) => ({ error, text: fieldErrorMessage(error) }))
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map(({ error }) => error);
}

function invariants(schema: JSONSchemaProps, level: Level, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { type = '', properties = {} } = schema;
  const items = itemsOf(schema);
  if (type === 'array' && !items) errors.push(required(`${path}.items`, 'must be specified'));
  if (items) errors.push(...invariants(items, 'item', `${path}.items`));
  for (const [name, property] of Object.entries(properties)) {
    errors.push(...invariants(property, 'field', `${path}.properties[${name}]`));
  }
  const additional = additionalSchema(schema);
  if (additionalOf(schema) !== undefined && level === 'root') {
    errors.push(forbidden(`${path}.additionalProperties`, 'must not be used at the root'));
  }
  if (additional) errors.push(...invariants(additional, 'field', `${path}.additionalProperties`));
  errors.push(...extensions(schema, path));
  const skipped = {
    anyOf: jsonEqual(schema.anyOf ?? [], intOrStringAnyOf),
    firstAllOf: jsonEqual(schema.allOf?.[0]?.anyOf ?? [], intOrStringAnyOf),
  };
  errors.push(...valueValidation(schema, path, skipped));
  errors.push(...typeRules(schema, level, path));
  errors.push(...metadataRules(schema, level, path));
  return errors;
}

function extensions(schema: JSONSchemaProps, path: string): FieldError[] {
  if (!isIntOrString(schema)) return [];
  const detail = 'must be false if x-kubernetes-int-or-string is true';
  const names = ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const;
  return names.filter((name) => schema[name] === true).map((name) => invalid(`${path}.${name}`, true, detail));
}

const emptyType: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

function typeRules(schema: JSONSchemaProps, level: Level, path: string): FieldError[] {
  const { type = '', properties = {} } = schema;
  const errors: FieldError[] = [];
  if (isEmbedded(schema) && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true';
    errors.push(type === '' ? required(`${path}.type`, detail) : invalid(`${path}.type`, type, detail));
  } else if (type === '' && !isIntOrString(schema) && !preservesUnknown(schema)) {
    errors.push(required(`${path}.type`, emptyType[level]));
  }
  if (isEmbedded(schema) && additionalOf(schema) !== undefined) {
    errors.push(forbidden(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set'));
  }
  if (level === 'root' && type !== '' && type !== 'object') {
    errors.push(invalid(`${path}.type`, type, 'must be object at the root'));
  }
  if (isEmbedded(schema) && !preservesUnknown(schema) && Object.keys(properties).length === 0) {
    const detail =
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    errors.push(required(`${path}.properties`, detail));
  }
  return errors;
}

function metadataRules(schema: JSONSchemaProps, level: Level, path: string): FieldError[] {
  const { properties = {} } = schema;
  const isResource = level === 'root' || isEmbedded(schema);
  const errors: FieldError[] = [];
  for (const name of ['kind', 'apiVersion']) {
    const property = properties[name];
    if (property && isResource && property.type !== 'string') {
      errors.push(invalid(`${path}.properties[${name}].type`, property.type ?? '', 'must be string'));
    }
  }
  const { metadata } = properties;
  if (!metadata) return errors;
  const at = `${path}.properties[metadata]`;
  if (isResource && metadata.type !== 'object')
    errors.push(invalid(`${at}.type`, metadata.type ?? '', 'must be object'));
  if (level === 'root' && !restrictsNamesOnly(metadata)) {
    const detail = 'must not specify anything other than name and generateName, but metadata is implicitly specified';
    errors.push(forbidden(at, detail));
  }
  return errors;
}

function restrictsNamesOnly({ type: _type, default: _default, properties = {}, ...rest }: JSONSchemaProps): boolean {
  const names = Object.keys(properties);
  return Object.values(rest).every(isZero) && names.every((name) => name === 'name' || name === 'generateName');
}

interface Skipped {
  readonly anyOf: boolean;
  readonly firstAllOf: boolean;
}

const nothingSkipped: Skipped = { anyOf: false, firstAllOf: false };

function valueValidation(schema: JSONSchemaProps, path: string, skipped: Skipped): FieldError[] {
  const { anyOf = [], allOf = [], oneOf = [], not, pattern } = schema;
  const errors: FieldError[] = [];
  if (!skipped.anyOf) errors.push(...anyOf.flatMap((one, i) => nested(one, `${path}.anyOf[${i}]`)));
  for (const [i, one] of allOf.entries()) {
    const isIntOrStringPattern = i === 0 && skipped.firstAllOf;
    errors.push(...nested(one, `${path}.allOf[${i}]`, { anyOf: isIntOrStringPattern, firstAllOf: false }));
  }
  errors.push(...oneOf.flatMap((one, i) => nested(one, `${path}.oneOf[${i}]`)));
  if (not) errors.push(...nested(not, `${path}.not`));
  const problem = pattern ? patternProblem(pattern) : undefined;
  if (problem !== undefined) {
    errors.push(invalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${problem}`));
  }
  return errors;
}

/** What may not stand inside of anyOf, allOf, oneOf and not, and what it must be there. */
const forbiddenInside: readonly (readonly [keyof JSONSchemaProps, string])[] = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
];

function nested(schema: JSONSchemaProps, path: string, skipped: Skipped = nothingSkipped): FieldError[] {
  const errors = valueValidation(schema, path, skipped);
  const items = itemsOf(schema);
  if (items) errors.push(...nested(items, `${path}.items`));
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    errors.push(...nested(property, `${path}.properties[${name}]`));
  }
  for (const [name, detail] of forbiddenInside) {
    const isSet = name === 'default' || name.endsWith('-type') ? schema[name] !== undefined : !isZero(schema[name]);
    if (isSet) errors.push(forbidden(`${path}.${name}`, detail));
  }
  if (schema.properties?.metadata) {
    errors.push(forbidden(`${path}.properties[metadata]`, 'must not be specified in a nested context'));
  }
  return errors;
}

function isZero(value: unknown): boolean {
  return value === undefined || value === '' || value === false || (Array.isArray(value) && value.length === 0);
}

/** Every field and list that a combination at the root speaks of is specified outside of it too. */
function completeness(schema: JSONSchemaProps, path: string): FieldError[] {
  return [...combined(schema, path)].flatMap(([one, at]) => covered(one, schema, { inside: at, outside: path }));
}

function* combined(schema: JSONSchemaProps, path: string): Generator<readonly [JSONSchemaProps, string]> {
  for (const name of ['allOf', 'anyOf', 'oneOf'] as const) {
    for (const [i, one] of (schema[name] ?? []).entries()) yield [one, `${path}.${name}[${i}]`];
  }
  if (schema.not) yield [schema.not, `${path}.not`];
}

function covered(
  inner: JSONSchemaProps,
  outer: JSONSchemaProps | undefined,
  at: { readonly inside: string; readonly outside: string },
): FieldError[] {
  const { inside, outside } = at;
  const errors: FieldError[] = [];
  const items = itemsOf(inner);
  if (items) {
    const outerItems = outer && itemsOf(outer);
    const place = { inside: `${inside}.items`, outside: `${outside}.items` };
    if (!outerItems) errors.push(required(place.outside, `because it is defined in ${place.inside}`));
    else errors.push(...covered(items, outerItems, place));
  }
  for (const [name, property] of Object.entries(inner.properties ?? {})) {
    const place = { inside: `${inside}.properties[${name}]`, outside: `${outside}.properties[${name}]` };
    const outerProperty = ownValue(outer?.properties, name);
    if (!outerProperty) errors.push(required(place.outside, `because it is defined in ${place.inside}`));
    else errors.push(...covered(property, outerProperty, place));
  }
  for (const [one, place] of combined(inner, inside)) errors.push(...covered(one, outer, { inside: place, outside }));
  return errors;
}

/** Whether a value is a schema at all. */
export function isSchema(value: unknown): value is JSONSchemaProps {
  return isObject(value);
}
