// Does an applied object fit its type? Asked before it is merged, in the words of structured-merge-diff.
import { isObject } from '../json/value.ts';
import type { ObjectSchema, Schema } from '../schema/schema.ts';
import { StatusError } from '../status.ts';
import { printPath } from './field-set.ts';
import { elementOf, schemaUnder } from './typed.ts';

/** Throws the 500 StatusError of upstream, naming all that does not fit. */
export function checkApplied(applied: unknown, schema: ObjectSchema, kind: string): void {
  const list = misfits(applied, schema);
  if (list === undefined) return;
  const { apiVersion, metadata } = isObject(applied) ? applied : {};
  const { namespace, name } = isObject(metadata) ? metadata : {};
  const what = `${String(namespace ?? '')}/${String(name ?? '')}; ${String(apiVersion)}, Kind=${kind}`;
  throw new StatusError({ code: 500, message: `failed to create typed patch object (${what}): ${list}` });
}

/** What does not fit of an object that is applied; undefined: all does. */
export function misfits(applied: unknown, schema: ObjectSchema): string | undefined {
  const errors: string[] = [];
  check(applied, schema, [], errors);
  if (errors.length <= 1) return errors[0];
  return `errors:\n${errors.map((e) => `  ${e}`).join('\n')}`;
}

function check(value: unknown, schema: Schema, path: readonly string[], errors: string[]): void {
  if (value === null || value === undefined) return;
  const at = (what: string) => errors.push(`${printPath(path)}: ${what}`);
  switch (schema.kind) {
    case 'object':
    case 'map':
      if (!isObject(value)) {
        at(`expected map, got ${goValue(value)}`);
        return;
      }
      for (const key in value) {
        const below = schemaUnder(schema, key);
        if (below) check(value[key], below, [...path, `f:${key}`], errors);
        else errors.push(`${printPath([...path, `f:${key}`])}: field not declared in schema`);
      }
      return;
    case 'list': {
      if (!Array.isArray(value)) {
        at(`expected list, got ${goValue(value)}`);
        return;
      }
      const seen = new Set<string>();
      for (const [i, item] of value.entries()) {
        const element = schema.type === 'atomic' ? `i:${i}` : elementOf(item, schema);
        if (element === undefined) {
          const keys = schema.keys.map((key) => JSON.stringify(key)).join(', ');
          at(
            `element ${i}: associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default value for any of them)`,
          );
          continue;
        }
        if (seen.has(element)) at(`duplicate entries for key ${printPath([element])}`);
        seen.add(element);
        check(item, schema.items, [...path, element], errors);
      }
      return;
    }
    case 'string':
    case 'bytes':
      if (typeof value !== 'string') at(`expected string, got ${goValue(value)}`);
      return;
    case 'boolean':
      if (typeof value !== 'boolean') at(`expected boolean, got ${goValue(value)}`);
      return;
    case 'int32':
    case 'int64':
    case 'double':
      if (typeof value !== 'number') at(`expected numeric (int or float), got ${goValue(value)}`);
      return;
    default:
      return;
  }
}

function goValue(value: unknown): string {
  if (isObject(value)) return '&{map}';
  return Array.isArray(value) ? '&{list}' : `&value.valueUnstructured{Value:${JSON.stringify(value)}}`;
}
