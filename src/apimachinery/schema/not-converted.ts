// Why a value does not fit a type, in the words of runtime.UnstructuredConverter: upstream makes an object of maps and lists
// with it, and not of text, where a strategic merge patch or an apply gave them.
import { isObject } from '../json/value.ts';
import { goTypeOf, type Schema } from './schema.ts';

/** `cannot restore slice from string`, `unrecognized type: int32`, … */
export function notConverted(value: unknown, schema: Schema): string {
  const given = goKindOf(value);
  switch (schema.kind) {
    case 'object':
      return `cannot restore struct from: ${given}`;
    case 'map':
      return `cannot restore map from ${given}`;
    case 'list':
    case 'bytes':
      return `cannot restore slice from ${given}`;
    default:
      return isConvertible(given, schema.kind)
        ? `cannot convert ${given} to ${goTypeOf(schema)}`
        : `unrecognized type: ${goTypeOf({ kind: schema.kind })}`;
  }
}

/** Go knows how, but would lose or make something: JSON has no such conversion. */
function isConvertible(given: string, kind: Schema['kind']): boolean {
  if (kind === 'string') return given === 'int64';
  return kind !== 'boolean' && (given === 'int64' || given === 'float64');
}

function goKindOf(value: unknown): string {
  if (Array.isArray(value)) return 'slice';
  if (isObject(value)) return 'map';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  return typeof value === 'bigint' || Number.isSafeInteger(value) ? 'int64' : 'float64';
}
