// Defaults have to fit the schema that they stand in (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting).

import { sortedKeys } from '../../../../apimachinery/json/go-text.ts';
import { jsonCopy } from '../../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateEmbedded } from '../../schema/embedded.ts';
import { isEmbedded, itemsOf, type JSONSchemaProps } from '../../schema/props.ts';
import { prune } from '../../schema/prune.ts';
import { validateValue } from '../../schema/validate-value.ts';
import type { Expressions } from './expressions.ts';
import type { Leniency } from './ratcheting.ts';

export interface DefaultOptions {
  readonly leniency: Pick<Leniency, 'unprunedDefaults'>;
  readonly expressions: Expressions;
}

/** Of additional properties there are none to look at. */
export function validateDefaultValues(schema: JSONSchemaProps, path: string, options: DefaultOptions): FieldError[] {
  return below(schema, path, { ...options, isResource: true, insideMeta: false });
}

interface Here extends DefaultOptions {
  readonly isResource: boolean;
  /** In the apiVersion, kind or metadata of a resource: nothing is pruned there. */
  readonly insideMeta: boolean;
}

function below(schema: JSONSchemaProps, path: string, here: Here): FieldError[] {
  const isResource = here.isResource || isEmbedded(schema);
  const insideMeta = here.insideMeta && !isResource;
  const errors =
    schema.default === undefined ? [] : validateDefault(schema, `${path}.default`, { ...here, insideMeta });
  const items = itemsOf(schema);
  const inside = { ...here, isResource: false, insideMeta };
  if (items) errors.push(...below(items, `${path}.items`, inside));
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const isMeta = isResource && (name === 'metadata' || name === 'apiVersion' || name === 'kind');
    errors.push(...below(property, `${path}.properties[${name}]`, { ...inside, insideMeta: insideMeta || isMeta }));
  }
  return errors;
}

function validateDefault(schema: JSONSchemaProps, path: string, here: Here): FieldError[] {
  const { leniency, expressions, insideMeta } = here;
  const errors: FieldError[] = [];
  if (!insideMeta && !leniency.unprunedDefaults && isUnpruned(schema)) {
    errors.push(fieldError.invalid(path, sortedKeys(schema.default), 'must not have unknown fields'));
  }
  const embedded = insideMeta ? [] : validateEmbedded(schema.default, schema, path);
  if (embedded.length > 0) return [...errors, ...embedded];
  const wrong = validateValue(schema.default, schema).map((error) => ({
    ...error,
    field: fieldBelow(path, error.field),
  }));
  return [...errors, ...(wrong.length > 0 ? wrong : expressions.checkDefault(schema, path))];
}

function fieldBelow(path: string, field: string): string {
  return field === '<nil>' ? path : `${path}.${field}`;
}

/** Whether a schema has a default, anywhere, with fields that the schema there does not have. */
export function hasUnprunedDefault(schema: JSONSchemaProps): boolean {
  const items = itemsOf(schema);
  return (
    (schema.default !== undefined && isUnpruned(schema)) ||
    (items !== undefined && hasUnprunedDefault(items)) ||
    Object.values(schema.properties ?? {}).some(hasUnprunedDefault)
  );
}

function isUnpruned(schema: JSONSchemaProps): boolean {
  // Pruning starts from a resource: the default is looked at as one's field.
  const holder = { value: jsonCopy(schema.default) };
  return prune(holder, { type: 'object', properties: { value: schema } }).length > 0;
}
