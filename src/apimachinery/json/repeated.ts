// What stands under a key that is repeated in one object: JSON.parse keeps the last value, Go reads one after the other into the
// same field.
import { isObject, setKey } from './value.ts';

export class Repeated {
  readonly #values: unknown[];

  constructor(values: readonly unknown[]) {
    this.#values = [...values];
  }

  /** As they stand in the text, at least two. */
  get values(): readonly unknown[] {
    return this.#values;
  }

  /** In place: a key may be repeated as often as a body has room for. */
  add(value: unknown): void {
    this.#values.push(value);
  }
}

/** Sets a key of an object that is being read, or adds to what it has. */
export function setOrRepeat(object: Record<string, unknown>, key: string, value: unknown): void {
  const known = Object.hasOwn(object, key) ? object[key] : undefined;
  if (known instanceof Repeated) known.add(value);
  else setKey(object, key, known === undefined ? value : new Repeated([known, value]));
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
