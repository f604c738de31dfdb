// Simple JSON paths (`.spec.list[0].name`, `.metadata.annotations.a\.b`, `.status.conditions[?(@.type=="Ready")].status`):
// the subset of kubectl's that printer columns use.

import { isObject, setKey } from '../../../apimachinery/json/value.ts';
import { ownValue } from '../../../apimachinery/table.ts';

export type PathStep =
  | { readonly type: 'field'; readonly name: string }
  | { readonly type: 'index'; readonly index: number }
  | { readonly type: 'all' }
  | { readonly type: 'filter'; readonly path: readonly PathStep[]; readonly operator: string; readonly value: unknown };

const identifier = /^(?:\\.|[^.[\]\\])+/;

/** Undefined where the path cannot be read. */
export function parseJsonPath(text: string): readonly PathStep[] | undefined {
  const steps: PathStep[] = [];
  let rest = text;
  while (rest !== '') {
    const step = readStep(rest);
    if (!step) return undefined;
    if (step.step) steps.push(step.step);
    rest = rest.slice(step.length);
  }
  return steps;
}

function readStep(text: string): { readonly step: PathStep | undefined; readonly length: number } | undefined {
  if (text === '.') return { step: undefined, length: 1 };
  if (text.startsWith('.[')) return { step: undefined, length: 1 };
  if (text.startsWith('.')) {
    const name = identifier.exec(text.slice(1))?.[0];
    if (!name) return undefined;
    const length = name.length + 1;
    return { step: name === '*' ? { type: 'all' } : { type: 'field', name: name.replace(/\\(.)/g, '$1') }, length };
  }
  const filter =
    /^\[\?\(\s*@((?:\\.|[^=!<>\s])*)\s*(==|!=|<=|>=|<|>)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s)]+)\s*\)\]/.exec(
      text,
    );
  if (filter) {
    const path = parseJsonPath(filter[1]!);
    if (!path) return undefined;
    return {
      step: { type: 'filter', path, operator: filter[2]!, value: literal(filter[3]!) },
      length: filter[0].length,
    };
  }
  const bracket = /^\[\s*(?:(-?\d+)|(\*)|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*\]/.exec(text);
  if (!bracket) return undefined;
  const [whole, index, star, single, double] = bracket;
  const length = whole.length;
  if (index !== undefined) return { step: { type: 'index', index: Number(index) }, length };
  if (star !== undefined) return { step: { type: 'all' }, length };
  return { step: { type: 'field', name: (single ?? double ?? '').replace(/\\(.)/g, '$1') }, length };
}

function literal(text: string): unknown {
  if (/^["']/.test(text)) return text.slice(1, -1).replace(/\\(.)/g, '$1');
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}

/** All values that the path leads to; none where something on the way is missing. */
export function findValues(value: unknown, path: readonly PathStep[]): unknown[] {
  let found: unknown[] = [value];
  for (const step of path) found = found.flatMap((one) => take(one, step));
  return found;
}

function take(value: unknown, step: PathStep): unknown[] {
  switch (step.type) {
    case 'field':
      return isObject(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case 'index': {
      if (!Array.isArray(value)) return [];
      const index = step.index < 0 ? value.length + step.index : step.index;
      return index in value ? [value[index]] : [];
    }
    case 'all':
      return Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
    case 'filter':
      return (Array.isArray(value) ? value : []).filter((item: unknown) => passes(findValues(item, step.path), step));
  }
}

function passes(
  [left]: readonly unknown[],
  { operator, value }: { readonly operator: string; readonly value: unknown },
): boolean {
  if (left === undefined) return false;
  switch (operator) {
    case '==':
      return left === value;
    case '!=':
      return left !== value;
    default:
      break;
  }
  if (typeof left !== typeof value || (typeof left !== 'number' && typeof left !== 'string')) return false;
  const order = left < (value as typeof left) ? -1 : left > (value as typeof left) ? 1 : 0;
  if (order === 0) return operator.endsWith('=');
  return operator.startsWith('<') === order < 0;
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
