// Numbers of a JSON patch that are written otherwise than JavaScript would write them (`1.0`, `1e3`): put into an object they are
// still what was written, since Go tells a whole number by that, and compares by it.
import { isObject, setKey } from '../json/value.ts';

export class WrittenNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toJSON(): unknown {
    return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(this.text);
  }
}

/** The value with such numbers for those at these paths (`[0].value.spec.ports[0].port`). */
export function withWrittenNumbers(value: unknown, decimals: ReadonlyMap<string, string>, path: string): unknown {
  const text = typeof value === 'number' ? decimals.get(path) : undefined;
  if (text !== undefined && text !== String(value)) return new WrittenNumber(text);
  if (Array.isArray(value)) return value.map((item, i) => withWrittenNumbers(item, decimals, `${path}[${i}]`));
  if (!isObject(value)) return value;
  const marked: Record<string, unknown> = {};
  for (const key in value) setKey(marked, key, withWrittenNumbers(value[key], decimals, `${path}.${key}`));
  return marked;
}

/** The value with plain numbers again, and how they were written, by path. */
export function takeWrittenNumbers(value: unknown): {
  readonly value: unknown;
  readonly decimals: ReadonlyMap<string, string>;
} {
  const decimals = new Map<string, string>();
  const take = (one: unknown, path: string): unknown => {
    if (one instanceof WrittenNumber) {
      decimals.set(path, one.text);
      return Number(one.text);
    }
    if (Array.isArray(one)) return one.map((item, i) => take(item, `${path}[${i}]`));
    if (!isObject(one)) return one;
    const taken: Record<string, unknown> = {};
    for (const key in one) setKey(taken, key, take(one[key], path === '' ? key : `${path}.${key}`));
    return taken;
  };
  return { value: take(value, ''), decimals };
}
