// What upstream's strategic merge fails with when a patch does not fit the type, word by word.
import { goText, goTypeName } from '../json/go-text.ts';
import type { JsonObject } from '../json/value.ts';
import { goTypeOf, type Schema, scalarSchema } from '../schema/schema.ts';

/** The patch does not fit the type. */
export class PatchTypeError extends Error {}

const expectedTypes = { list: '[]interface {}', map: 'map[string]interface {}' };

export function badArgument(expected: keyof typeof expectedTypes, value: unknown): PatchTypeError {
  return new PatchTypeError(
    `expected a ${expectedTypes[expected]}, but received a ${value === null ? '%!s(<nil>)' : goTypeName(value)}`,
  );
}

export function noMergeKey(item: JsonObject, mergeKey: string): PatchTypeError {
  return new PatchTypeError(`map: ${goText(item)} does not contain declared merge key: ${mergeKey}`);
}

/** A `$patch` that says nothing known. */
export function badDirective(directive: unknown, map: JsonObject): PatchTypeError {
  const isPrintable = typeof directive === 'string' || typeof directive === 'object';
  const type = isPrintable && directive !== null ? goText(directive) : `%!s(${typed(directive)})`;
  return new PatchTypeError(`unknown patch type: ${type} in map: ${goText(map)}`);
}

const typed = (value: unknown) => (value === null ? '<nil>' : `${goTypeName(value)}=${goText(value)}`);

/** Go's kind of a type, whatever its name: `struct`, `slice`, `map`, `string`. */
export function goKindOf({ kind }: Schema): string {
  if (kind === 'object' || kind === 'raw') return 'struct';
  if (kind === 'list') return 'slice';
  return kind === 'map' ? 'map' : goTypeOf(scalarSchema(kind));
}
