// What a JSON path leads to (`.spec.list[0].name`, `.status.conditions[?(@.type=="Ready")].status`), as client-go finds it; and
// plain paths of field names.

import { isObject, setKey } from '../../../apimachinery/json/value.ts';
import { ownValue } from '../../../apimachinery/table.ts';
import { type Filter, type PathStep, parseJsonPath, type Slice } from './json-path-parser.ts';

export { type PathStep, parseJsonPath };

/** The path does not fit the value; an exception within this file only. */
class PathMismatch extends Error {}

/** All values that the path leads to; none where something on the way is missing, or where a step does not fit what it meets. */
export function findValues(value: unknown, path: readonly PathStep[]): unknown[] {
  try {
    return walk([value], path);
  } catch (error) {
    if (error instanceof PathMismatch) return [];
    throw error;
  }
}

function walk(values: readonly unknown[], path: readonly PathStep[]): unknown[] {
  let found = [...values];
  for (const step of path) found = take(found, step);
  return found;
}

function take(values: readonly unknown[], step: PathStep): unknown[] {
  const present = values.filter((value) => value !== null && value !== undefined);
  switch (step.type) {
    case 'field':
      return present
        .filter((value) => isObject(value) && Object.hasOwn(value, step.name))
        .map((value) => (value as Record<string, unknown>)[step.name]);
    case 'all':
      return present.flatMap(childrenOf);
    case 'recursive':
      return present.flatMap(descend);
    case 'slice':
      return present.flatMap((value) => slice(value, step));
    case 'union':
      return step.parts.flatMap((part) => walk(values, part));
    case 'filter':
      return values.flatMap((value) => filter(value, step));
    case 'literal':
      return values.map(() => step.value);
    case 'word':
      throw new PathMismatch(`unrecognized identifier ${step.text}`);
  }
}

/** Of a text its bytes, as Go has it. */
function childrenOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'string') return [...Buffer.from(value)];
  return isObject(value) ? Object.values(value) : [];
}

function descend(value: unknown): unknown[] {
  const children = childrenOf(value);
  return children.length === 0 ? [] : [value, ...children.flatMap(descend)];
}

function slice(value: unknown, { from = 0, to, isIndex, step = 1 }: Slice): unknown[] {
  if (!Array.isArray(value)) throw new PathMismatch('not array or slice');
  const { length } = value;
  const start = from < 0 ? from + length : from;
  let end = to ?? length;
  if (end < 0 || (end === 0 && isIndex)) end += length;
  if (start === end) return [];
  if (start < 0 || start >= length || end < 0 || end > length) throw new PathMismatch('array index out of bounds');
  if (start > end) throw new PathMismatch('starting index is greater than ending index');
  if (step <= 0) throw new PathMismatch('step must be > 0');
  return value.slice(start, end).filter((_, i) => i % step === 0);
}

function filter(value: unknown, { left, operator, right }: Filter): unknown[] {
  if (!Array.isArray(value)) throw new PathMismatch('not array or slice and cannot be filtered');
  return value.filter((item: unknown) => {
    if (operator === 'exists') return findValues(item, left).length > 0;
    const [a, ...moreLeft] = walk([item], left);
    if (a === undefined) return false;
    const [b, ...moreRight] = moreLeft.length > 0 ? [] : walk([item], right);
    if (moreLeft.length > 0 || moreRight.length > 0) throw new PathMismatch('can only compare one element at a time');
    return b !== undefined && compares(a, operator, b);
  });
}

/** Values of different types are not compared, nor are maps and lists; whole numbers and others are of different types. */
function compares(a: unknown, operator: string, b: unknown): boolean {
  const kind = kindOf(a);
  if (kind === undefined || kind !== kindOf(b)) throw new PathMismatch('incompatible types for comparison');
  if (kind === 'boolean' && operator !== '==' && operator !== '!=')
    throw new PathMismatch('invalid type for comparison');
  const [left, right] = [a as string | number, b as string | number];
  switch (operator) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    default:
      throw new PathMismatch(`unrecognized filter operator ${operator}`);
  }
}

function kindOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  if (typeof value === 'bigint') return 'integer';
  return typeof value === 'string' || typeof value === 'boolean' ? typeof value : undefined;
}

/** The one value at a path of field names (`.spec.replicas`); undefined where there is none. */
export function valueAt(object: unknown, path: string): unknown {
  let value = object;
  for (const name of path.replace(/^\./, '').split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/** Sets the value at a path of field names, making the objects on the way. Changes the object in place. */
export function setValueAt(object: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.replace(/^\./, '').split('.');
  const last = names.pop()!;
  let target = object;
  for (const name of names) {
    if (!isObject(ownValue(target, name))) setKey(target, name, {});
    target = target[name] as Record<string, unknown>;
  }
  setKey(target, last, value);
}
