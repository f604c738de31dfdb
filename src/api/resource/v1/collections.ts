// Lists, sets and maps of claims and slices: what is too large is not looked into.

import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { repetitions } from '../../validation/values.ts';

type Validate<T> = (item: T, path: string) => FieldError[];

export function validateList<T>(list: readonly T[] = [], path: string, max: number, item: Validate<T>): FieldError[] {
  if (list.length > max) return [fieldError.tooMany(path, list.length, max)];
  return list.flatMap((one, i) => item(one, `${path}[${i}]`));
}

interface SetRules<T> {
  readonly max: number;
  readonly item: Validate<T>;
  /** What no two items have in common. */
  readonly key: (item: T) => string;
}

/** Items that are there twice are told after what is wrong with each. */
export function validateSet<T>(
  given: readonly T[] | null | undefined,
  path: string,
  { max, item, key }: SetRules<T>,
): FieldError[] {
  const list = given ?? [];
  const errors = validateList(list, path, max, item);
  if (list.length > max) return errors;
  const keys = list.map(key);
  const again = [...repetitions(keys)].map((i) => fieldError.duplicate(`${path}[${i}]`, keys[i]));
  return [...errors, ...again];
}

interface MapRules<T> {
  readonly max: number;
  /** In bytes; longer ones are cut in the middle where they are named. */
  readonly maxKey: number;
  readonly key: (key: string, path: string) => FieldError[];
  readonly item: Validate<T>;
}

export function validateMap<T>(
  map: Readonly<Record<string, T>> = {},
  path: string,
  { max, maxKey, key, item }: MapRules<T>,
): FieldError[] {
  const entries = Object.entries(map);
  if (entries.length > max) return [fieldError.tooMany(path, entries.length, max)];
  return entries.flatMap(([name, value]) => {
    const at = `${path}[${cut(name, maxKey)}]`;
    return [...key(name, at), ...item(value, at)];
  });
}

function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const rest = max - 3;
  return `${text.slice(0, (rest + 1) >> 1)}...${text.slice(text.length - (rest >> 1))}`;
}
