// Defaults have to fit the schema that they stand in (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting).
import { isObject, jsonCopy } from '../../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { applyDefaults } from '../../schema/defaults.ts';
import { additionalSchema, isEmbedded, itemsOf, type JSONSchemaProps } from '../../schema/props.ts';
import { prune } from '../../schema/prune.ts';
import { validateValue } from '../../schema/validate-value.ts';

export function validateDefaultValues(schema: JSONSchemaProps, path: string): FieldError[] {
  const errors = schema.default === undefined ? [] : validateDefault(schema, `${path}.default`);
  const items = itemsOf(schema);
  if (items) errors.push(...validateDefaultValues(items, `${path}.items`));
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    errors.push(...validateDefaultValues(property, `${path}.properties[${name}]`));
  }
  const additional = additionalSchema(schema);
  if (additional) errors.push(...validateDefaultValues(additional, `${path}.additionalProperties`));
  return errors;
}

function validateDefault(schema: JSONSchemaProps, path: string): FieldError[] {
  const value = jsonCopy(schema.default);
  if (hasUnknownFields(value, schema))
    return [fieldError.invalid(path, schema.default, 'must not have unknown fields')];
  applyDefaults(value, schema);
  const prefix = path.slice(0, -'default'.length);
  return validateValue(value, schema, { path: 'default' }).map((error) => ({
    ...error,
    field: error.field === '<nil>' ? path : prefix + error.field,
  }));
}

function hasUnknownFields(value: unknown, schema: JSONSchemaProps): boolean {
  // Pruning starts from a resource; a default that is none is looked at as one's field.
  const holder = { value: jsonCopy(value) };
  const pruned = prune(holder, { type: 'object', properties: { value: schema } });
  return pruned.length > 0 && (isObject(value) || Array.isArray(value) || isEmbedded(schema));
}
