// What stands under a key that is repeated in one object: JSON.parse keeps the last value, Go reads one after the other into the
// same field.
import { isObject, setKey } from './value.ts';

export class Repeated {
  /** As they stand in the text, at least two. */
  readonly values: readonly unknown[];

  constructor(values: readonly unknown[]) {
    this.values = values;
  }
}

/** The values of a key, whether it is repeated or not. */
export function valuesOf(value: unknown): readonly unknown[] {
  return value instanceof Repeated ? value.values : [value];
}

/** One value after another under a key. */
export function repeatedOf(values: readonly unknown[]): unknown {
  return values.length === 1 ? values[0] : new Repeated(values);
}

/** The value without repetition: of each key the last value, as JSON.parse has it. */
export function lastOf(value: unknown): unknown {
  if (value instanceof Repeated) return lastOf(value.values.at(-1));
  if (Array.isArray(value)) return value.map(lastOf);
  if (!isObject(value)) return value;
  const last: Record<string, unknown> = {};
  for (const key in value) setKey(last, key, lastOf(value[key]));
  return last;
}
