// From the schema of a served kind to the type that expressions see, for the type check of policies.

import type { Field, Schema } from '../../../apimachinery/schema/schema.ts';
import { table } from '../../../apimachinery/table.ts';
import { escapeField } from '../../../cel/schema.ts';
import {
  bool,
  bytes,
  type CelType,
  double,
  dyn,
  int,
  listOf,
  mapOf,
  type ObjectField,
  string,
  timestamp,
} from '../../../cel/types.ts';

const scalars = table<CelType>({
  string,
  quantity: string,
  boolean: bool,
  int32: int,
  int64: int,
  double,
  bytes,
  time: timestamp,
  'micro-time': timestamp,
});

/** What is any JSON, or a number or a text, is known at run time only. */
export function typeOfSchema(schema: Schema): CelType {
  switch (schema.kind) {
    case 'object':
      return { kind: 'object', name: schema.name, fields: new SchemaFields(schema.fields) };
    case 'map':
      return mapOf(string, typeOfSchema(schema.values));
    case 'list':
      return listOf(typeOfSchema(schema.items));
    default:
      return scalars[schema.kind] ?? dyn;
  }
}

/** Types are made as they are asked for: schemas may contain themselves. */
class SchemaFields extends Map<string, ObjectField> {
  readonly #byName: ReadonlyMap<string, Field>;

  constructor(fields: ReadonlyMap<string, Field>) {
    super();
    this.#byName = new Map([...fields.values()].map((field) => [escapeField(field.name) ?? field.name, field]));
  }

  override get(name: string): ObjectField | undefined {
    const known = super.get(name);
    const field = known ? undefined : this.#byName.get(name);
    if (!field) return known;
    const made = { type: typeOfSchema(field.schema), jsonName: field.name };
    this.set(name, made);
    return made;
  }
}
