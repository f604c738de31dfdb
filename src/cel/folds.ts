// The macros that go through the elements of a list or a map.

import type { FoldMacro } from './ast.ts';
import { compare } from './compare.ts';
import { CelError } from './errors.ts';
import { asBool, type Evaluate, type Frame, type Run } from './evaluator.ts';
import { ListValue, type MapKey, MapValue, none, ObjectValue, Optional, type Value } from './values.ts';

export interface FoldOptions {
  readonly macro: FoldMacro;
  readonly variables: readonly string[];
  readonly range: Value;
  readonly filter: Evaluate | undefined;
  readonly body: Evaluate;
  readonly run: Run;
  readonly frame: Frame | undefined;
}

/** One round of a fold: its variables, and what the first of them stands for. */
interface Round {
  readonly first: Value;
  readonly frame: Frame;
}

export function runFold(options: FoldOptions): Value {
  const { macro, range, body, run } = options;
  switch (macro) {
    case 'optMap':
    case 'optFlatMap':
      return foldOptional(options);
    case 'all':
      return !decides(options, false);
    case 'exists':
      return decides(options, true);
    case 'existsOne': {
      let count = 0;
      for (const { frame } of rounds(options)) if (asBool(body(run, frame))) count++;
      return count === 1;
    }
    case 'filter':
      return filtered(options);
    case 'map':
    case 'transformList': {
      const items: Value[] = [];
      for (const { frame } of kept(options)) items.push(body(run, frame));
      return new ListValue(items);
    }
    case 'transformMap': {
      const made = new Map<MapKey, Value>();
      for (const { first, frame } of kept(options)) made.set(first as MapKey, body(run, frame));
      return new MapValue(made);
    }
    case 'transformMapEntry':
      return entriesOf(options);
    case 'sortBy':
      return sorted(options, range);
  }
}

function* rounds({ range, variables, frame: outer, run }: FoldOptions): Generator<Round> {
  const [name = '', second] = variables;
  const round = (first: Value, other: () => Value): Round => {
    run.step();
    const frame = { name, value: first, outer };
    return { first, frame: second === undefined ? frame : { name: second, value: other(), outer: frame } };
  };
  if (range instanceof ListValue) {
    for (const [i, item] of range.items.entries())
      yield second === undefined ? round(item, () => null) : round(BigInt(i), () => item);
  } else if (range instanceof MapValue) {
    for (const [key, value] of range.entries) yield round(key, () => value);
  } else if (range instanceof ObjectValue) {
    for (const key of range.names()) yield round(key, () => range.get(key) ?? null);
  } else throw new CelError('no such overload');
}

function* kept(options: FoldOptions): Generator<Round> {
  const { filter, run } = options;
  for (const round of rounds(options)) if (!filter || asBool(filter(run, round.frame))) yield round;
}

/** Whether one round says `decisive`; an error counts only where none does. */
function decides(options: FoldOptions, decisive: boolean): boolean {
  const { body, run } = options;
  let failed: CelError | undefined;
  for (const { frame } of rounds(options)) {
    try {
      if (asBool(body(run, frame)) === decisive) return true;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      failed ??= error;
    }
  }
  if (failed) throw failed;
  return false;
}

function filtered(options: FoldOptions): Value {
  const { body, run } = options;
  const items: Value[] = [];
  for (const { first, frame } of rounds(options)) if (asBool(body(run, frame))) items.push(first);
  return new ListValue(items);
}

function entriesOf(options: FoldOptions): Value {
  const { body, run } = options;
  const made = new Map<MapKey, Value>();
  for (const { frame } of kept(options)) {
    const entry = body(run, frame);
    if (!(entry instanceof MapValue)) throw new CelError('no such overload');
    for (const [key, value] of entry.entries) {
      if (made.has(key)) throw new CelError(`insert failed: key ${String(key)} already exists`);
      made.set(key, value);
    }
  }
  return new MapValue(made);
}

function sorted(options: FoldOptions, range: Value): Value {
  if (!(range instanceof ListValue)) throw new CelError('no such overload');
  const { body, run } = options;
  const keyed = [...rounds(options)].map(({ first, frame }) => ({ first, key: body(run, frame) }));
  return new ListValue(keyed.sort((a, b) => compare(a.key, b.key)).map(({ first }) => first));
}

function foldOptional({ macro, range, variables: [name = ''], frame: outer, body, run }: FoldOptions): Value {
  if (!(range instanceof Optional)) throw new CelError('no such overload');
  if (range.value === undefined) return none;
  const value = body(run, { name, value: range.value, outer });
  return macro === 'optMap' ? new Optional(value) : value;
}
