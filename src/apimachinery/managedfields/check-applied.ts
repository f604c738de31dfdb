// Does an applied object fit its type? Asked before it is merged, in the words of structured-merge-diff.
import { GoValue, goSyntax, goText, goTypeName } from '../json/go-text.ts';
import { isObject } from '../json/value.ts';
import { printKind } from '../object.ts';
import type { ListSchema, ObjectSchema, Schema } from '../schema/schema.ts';
import { StatusError } from '../status.ts';
import { printPath } from './field-set.ts';
import { elementOf, schemaUnder } from './typed.ts';

/** Throws the 500 StatusError of upstream, naming all that does not fit. */
export function checkApplied(applied: unknown, schema: ObjectSchema, kind: string): void {
  const list = misfits(applied, schema);
  if (list === undefined) return;
  const apiVersion = isObject(applied) ? String(applied.apiVersion) : '';
  const what = printObject(applied, apiVersion, kind);
  throw new StatusError({ code: 500, message: `failed to create typed patch object (${what}): ${list}` });
}

/** `default/web; apps/v1, Kind=Deployment`. */
export function printObject(object: unknown, apiVersion: string, kind: string): string {
  const metadata = isObject(object) && isObject(object.metadata) ? object.metadata : {};
  return `${String(metadata.namespace ?? '')}/${String(metadata.name ?? '')}; ${printKind(apiVersion, kind)}`;
}

/** What does not fit of an object; undefined: all does. Only what is applied must name each item once. */
export function misfits(
  object: unknown,
  schema: ObjectSchema,
  { allowDuplicates = false }: { readonly allowDuplicates?: boolean } = {},
): string | undefined {
  const errors: string[] = [];
  check(object, schema, { path: [], errors, allowDuplicates });
  if (errors.length <= 1) return errors[0];
  return `errors:\n${errors.map((e) => `  ${e}`).join('\n')}`;
}

interface Place {
  readonly path: readonly string[];
  readonly errors: string[];
  readonly allowDuplicates: boolean;
}

function report({ path, errors }: Place, what: string): void {
  errors.push(path.length === 0 ? what : `${printPath(path)}: ${what}`);
}

const below = (at: Place, element: string): Place => ({ ...at, path: [...at.path, element] });

function check(value: unknown, schema: Schema, at: Place): void {
  if (value === null || value === undefined) return;
  switch (schema.kind) {
    case 'object':
    case 'map':
      if (isObject(value) && !(value instanceof GoValue)) checkEntries(value, schema, at);
      else report(at, `expected map, got &{${goText(value)}}`);
      return;
    case 'list':
      if (Array.isArray(value)) checkItems(value, schema, at);
      else report(at, `expected list, got &{${goText(value)}}`);
      return;
    case 'any':
    case 'deduced':
    case 'raw':
      return;
    default:
      checkScalar(value, schema, at);
  }
}

function checkEntries(value: Readonly<Record<string, unknown>>, schema: Schema, at: Place): void {
  for (const key in value) {
    const type = schemaUnder(schema, key);
    if (type === undefined) {
      report(below(at, `f:${key}`), 'field not declared in schema');
      // What else is in it is not looked at.
      return;
    }
    check(value[key], type, below(at, `f:${key}`));
  }
}

function checkItems(list: readonly unknown[], schema: ListSchema, at: Place): void {
  const seen = new Set<string>();
  for (const [i, item] of list.entries()) {
    if (schema.type === 'atomic') {
      check(item, schema.items, below(at, `i:${i}`));
      continue;
    }
    const element = elementOf(item, schema);
    if (element === undefined) {
      report(at, `element ${i}: ${whyNoElement(item, schema)}`);
      return;
    }
    if (seen.has(element) && !at.allowDuplicates) report(at, `duplicate entries for key ${printPath([element])}`);
    seen.add(element);
    check(item, schema.items, below(at, element));
  }
}

function whyNoElement(item: unknown, { type, keys }: ListSchema): string {
  if (type === 'set') {
    if (isObject(item)) return "associative list without keys has an element that's a map type";
    if (Array.isArray(item)) return 'not supported: associative list with lists as elements';
    return "associative list without keys has an element that's an explicit null";
  }
  if (item === null || item === undefined) return 'associative list with keys may not have a null element';
  if (!isObject(item)) return 'associative list with keys may not have non-map elements';
  const names = keys.map((key) => JSON.stringify(key)).join(' ');
  return `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`;
}

function checkScalar(value: unknown, { kind }: Schema, at: Place): void {
  switch (kind) {
    case 'string':
    case 'bytes':
      if (typeof value !== 'string')
        report(at, `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`);
      return;
    case 'boolean':
      if (typeof value !== 'boolean') report(at, `expected boolean, got &{${goText(value)}}`);
      return;
    case 'int32':
    case 'int64':
    case 'double':
      if (typeof value !== 'number' && typeof value !== 'bigint')
        report(at, `expected numeric (int or float), got ${goTypeName(value)}`);
      return;
    default:
      if (typeof value === 'object') report(at, `expected any scalar, got &{${goText(value)}}`);
  }
}
