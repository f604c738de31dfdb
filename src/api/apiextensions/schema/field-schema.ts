// The schema as managed fields see it: who may own what. Unknown fields that are preserved are owned field by field, and
// lists of them as a whole.

import {
  type Field,
  type ObjectSchema,
  type ScalarKind,
  type Schema,
  scalarSchema,
} from '../../../apimachinery/schema/schema.ts';
import { table } from '../../../apimachinery/table.ts';
import { additionalOf, isEmbedded, isIntOrString, itemsOf, type JSONSchemaProps, preservesUnknown } from './props.ts';

const scalars = table<ScalarKind>({
  string: 'string',
  boolean: 'boolean',
  integer: 'int64',
  number: 'double',
});

const deduced = scalarSchema('deduced');

export function fieldOf(name: string, schema: Schema, options: Partial<Field> = {}): Field {
  return {
    name,
    schema,
    required: false,
    absent: 'nothing',
    keepsZero: true,
    patchStrategy: [],
    patchMergeKey: undefined,
    default: undefined,
    ...options,
  };
}

/** An object type of which nothing but fields is known. */
export function objectSchema(
  name: string,
  fields: readonly Field[],
  options: Partial<ObjectSchema> = {},
): ObjectSchema {
  return {
    kind: 'object',
    name,
    fields: new Map(fields.map((field) => [field.name, field])),
    filled: fields.filter((field) => field.absent !== 'nothing'),
    atomic: false,
    ...options,
  };
}

interface Around {
  /** A type around this one preserves unknown fields, and so do all in it. */
  readonly keeps?: boolean;
  /** The type ObjectMeta, which resources inside of the resource have; undefined: they may have any. */
  readonly metadata?: ObjectSchema | undefined;
}

export function fieldSchema(schema: JSONSchemaProps, { keeps: around = false, metadata }: Around = {}): Schema {
  if (isIntOrString(schema)) return scalarSchema('any');
  const keeps = around || preservesUnknown(schema);
  switch (schema.type) {
    case 'object':
      return fieldsOfObject(schema, { keeps, metadata });
    case 'array': {
      const items = itemsOf(schema);
      const type = schema['x-kubernetes-list-type'];
      return {
        kind: 'list',
        items: items ? fieldSchema(items, { keeps, metadata }) : deduced,
        type: type === 'map' || type === 'set' ? type : 'atomic',
        keys: schema['x-kubernetes-list-map-keys'] ?? [],
      };
    }
    default:
      if (schema.type === 'string' && schema.format && schema.format !== 'byte') return scalarSchema('int-or-string');
      return schema.type ? scalarSchema(scalars[schema.type] ?? 'any') : deduced;
  }
}

function fieldsOfObject(schema: JSONSchemaProps, { keeps, metadata }: Around): Schema {
  const atomic = schema['x-kubernetes-map-type'] === 'atomic';
  const { properties = {} } = schema;
  const additional = additionalOf(schema);
  if (Object.keys(properties).length === 0 && additional !== undefined && additional !== false) {
    return {
      kind: 'map',
      values: typeof additional === 'object' ? fieldSchema(additional, { keeps, metadata }) : deduced,
      atomic,
    };
  }
  const fields = Object.entries(properties).map(([name, property]) => {
    const value = property.default;
    const isKey = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    return fieldOf(name, fieldSchema(property, { keeps, metadata }), isKey ? { default: value } : {});
  });
  if (isEmbedded(schema) && metadata) {
    const text = scalarSchema('string');
    fields.push(fieldOf('apiVersion', text), fieldOf('kind', text), fieldOf('metadata', metadata));
  }
  // An object of which nothing is said may hold anything.
  const isFree = keeps || fields.length === 0;
  return objectSchema('', fields, { atomic, ...(isFree && { others: deduced }) });
}
