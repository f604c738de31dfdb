// For property tests: random objects of a type, as a client may send them.
import fc from 'fast-check';
import type { ObjectSchema, Schema } from './schema.ts';

/** What every object of JavaScript answers to, though nobody put it there. */
export const inheritedNames: readonly string[] = Object.getOwnPropertyNames(Object.prototype);

const word = fc.oneof({ arbitrary: fc.constantFrom('a', 'b', 'c', ''), weight: 8 }, fc.constantFrom(...inheritedNames));
const mapKey = fc.oneof({ arbitrary: fc.constantFrom('x', 'y', 'z'), weight: 8 }, fc.constantFrom(...inheritedNames));

/** Objects with some of the fields of the type, `depth` levels deep; list items have their keys, each once. */
export function arbitraryObject(schema: ObjectSchema, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [name, field] of schema.fields) {
    if (name === 'managedFields' || name === 'apiVersion' || name === 'kind') continue;
    const value = arbitraryValue(field.schema, depth - 1);
    if (value) fields[name] = value;
  }
  return fc
    .uniqueArray(fc.constantFrom(...Object.keys(fields), ''), { maxLength: 5 })
    .chain((names) => fc.record(Object.fromEntries(names.filter((n) => n in fields).map((n) => [n, fields[n]!]))));
}

function arbitraryValue(schema: Schema, depth: number): fc.Arbitrary<unknown> | undefined {
  switch (schema.kind) {
    case 'object':
      return depth > 0 ? arbitraryObject(schema, depth) : fc.constant({});
    case 'map': {
      const values = arbitraryValue(schema.values, depth - 1);
      return values && fc.dictionary(mapKey, values, { maxKeys: 3 });
    }
    case 'list': {
      const { items } = schema;
      const value = arbitraryValue(items, depth - 1);
      if (!value) return undefined;
      if (schema.type === 'atomic' || items.kind !== 'object') return fc.uniqueArray(value, { maxLength: 3 });
      const keys = Object.fromEntries(
        schema.keys.map((key) => [key, arbitraryValue(items.fields.get(key)!.schema, 0) ?? fc.constant('')]),
      );
      const item = fc.tuple(value, fc.record(keys)).map(([rest, key]) => ({ ...(rest as object), ...key }));
      const identity = (i: Record<string, unknown>) => JSON.stringify(schema.keys.map((key) => i[key]));
      return fc.uniqueArray(item, { maxLength: 3, selector: identity });
    }
    case 'string':
      return word;
    case 'boolean':
      return fc.boolean();
    case 'int32':
    case 'int64':
    case 'double':
      return fc.integer({ min: 0, max: 3 });
    case 'bytes':
      return fc.constantFrom('', 'YQ==');
    case 'int-or-string':
      return fc.constantFrom<unknown>(0, 1, 'http', '25%');
    case 'quantity':
      return fc.constantFrom<unknown>('0.5', '1000m', '1024Mi', 2, '1e3');
    case 'time':
      return fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T01:00:00+01:00');
    case 'micro-time':
      return fc.constantFrom('2026-01-01T00:00:00.000000Z', '2026-01-01T01:00:00.500000+01:00');
    case 'raw':
      return fc.constant({ any: 1 });
    case 'any':
      return fc.constant(1);
  }
}
