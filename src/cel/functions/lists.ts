// Kubernetes' functions of lists, cel-go's sets, and optional values.
import { table } from '../../apimachinery/table.ts';
import { compare, equal } from '../compare.ts';
import { CelBudgetError, CelError } from '../errors.ts';
import { global, member, type Overload, typeName } from '../overload.ts';
import { mostCopied } from '../run.ts';
import { Duration, durationOf, ListValue, none, Optional, oldest, Timestamp, Uint, type Value } from '../values.ts';

const ordered = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];
const summed = ['int', 'uint', 'double', 'duration'];

function isSorted({ items }: ListValue): boolean {
  return items.every((item, i) => i === 0 || compare(items[i - 1]!, item) <= 0);
}

function extreme({ items }: ListValue, which: 'min' | 'max'): Value {
  const [first, ...rest] = items;
  if (first === undefined) throw new CelError(`${which} called on empty list`);
  const sign = which === 'min' ? -1 : 1;
  return rest.reduce((best, item) => (compare(item, best) * sign > 0 ? item : best), first);
}

const zeros = table<Value>({ int: 0n, uint: new Uint(0n), double: 0, duration: new Duration(0n) });

function sum({ items }: ListValue, zero: Value): Value {
  return items.reduce((total, item) => {
    if (typeof total === 'bigint' && typeof item === 'bigint') {
      if (BigInt.asIntN(64, total + item) !== total + item) throw new CelError('integer overflow');
      return total + item;
    }
    if (typeof total === 'number' && typeof item === 'number') return total + item;
    if (total instanceof Uint && item instanceof Uint) {
      if (total.value + item.value >= 1n << 64n) throw new CelError('unsigned integer overflow');
      return new Uint(total.value + item.value);
    }
    if (total instanceof Duration && item instanceof Duration) return durationOf(total.nanos + item.nanos);
    throw new CelError('no such overload');
  }, zero);
}

function kubernetesLists(): Overload[] {
  return [
    ...ordered.map((type) => member(`list<${type}>.isSorted(): bool`, isSorted)),
    ...summed.map((type) => member(`list<${type}>.sum(): ${type}`, (a: ListValue) => sum(a, zeros[type]!))),
    ...ordered.map((type) => member(`list<${type}>.min(): ${type}`, (a: ListValue) => extreme(a, 'min'))),
    ...ordered.map((type) => member(`list<${type}>.max(): ${type}`, (a: ListValue) => extreme(a, 'max'))),
    member('list<A>.indexOf(A): int', (a: ListValue, b: Value) => BigInt(a.items.findIndex((x) => equal(x, b)))),
    member('list<A>.lastIndexOf(A): int', (a: ListValue, b: Value) =>
      BigInt(a.items.findLastIndex((x) => equal(x, b))),
    ),
  ];
}

function containsAll(a: ListValue, b: ListValue): boolean {
  return b.items.every((wanted) => a.items.some((item) => equal(item, wanted)));
}

function sets(): Overload[] {
  const intersects = (a: ListValue, b: ListValue) => a.items.some((item) => b.items.some((one) => equal(item, one)));
  const equivalent = (a: ListValue, b: ListValue) => containsAll(a, b) && containsAll(b, a);
  return [
    global('sets.contains(list<A>, list<A>): bool', containsAll),
    global('sets.equivalent(list<A>, list<A>): bool', equivalent),
    global('sets.intersects(list<A>, list<A>): bool', intersects),
  ];
}

/** cel-go's list functions, version 3. */
function extendedLists(): Overload[] {
  return [
    member('list<T>.slice(int, int): list<T>', slice),
    member('list<list<T>>.flatten(): list<T>', ({ items }: ListValue) => new ListValue(flat(items, 1n))),
    member('list<dyn>.flatten(int): list<dyn>', ({ items }: ListValue, depth: bigint) => {
      if (depth < 0n) throw new CelError('level must be non-negative');
      return new ListValue(flat(items, depth));
    }),
    ...ordered.map((type) => member(`list<${type}>.sort(): list<${type}>`, (a: ListValue) => sortedBy(a, a))),
    ...ordered.map((type) => member(`list<T>.@sortByAssociatedKeys(list<${type}>): list<T>`, sortedBy)),
    global('lists.range(int): list<int>', range),
    member('list<T>.reverse(): list<T>', ({ items }: ListValue) => new ListValue(items.toReversed())),
    member('list<T>.distinct(): list<T>', distinct),
    member('list<T>.first(): optional<T>', ({ items }: ListValue) => optionalItem(items[0])),
    member('list<T>.last(): optional<T>', ({ items }: ListValue) => optionalItem(items.at(-1))),
  ];
}

function slice({ items }: ListValue, start: bigint, end: bigint): ListValue {
  const refuse = (why: string) => new CelError(`cannot slice(${start}, ${end}), ${why}`);
  if (start < 0n || end < 0n) throw refuse('negative indexes not supported');
  if (start > end) throw refuse('start index must be less than or equal to end index');
  if (end > BigInt(items.length)) throw refuse(`list is length ${items.length}`);
  return new ListValue(items.slice(Number(start), Number(end)));
}

function flat(items: readonly Value[], depth: bigint, into: Value[] = []): Value[] {
  for (const item of items) {
    if (item instanceof ListValue && depth > 0n) flat(item.items, depth - 1n, into);
    // A list that holds another many times over may be as long as one likes.
    else if (into.push(item) > mostCopied) throw new CelBudgetError();
  }
  return into;
}

const isComparable = (value: Value) => !['list', 'map', 'null_type', 'type', 'optional_type'].includes(typeName(value));

function sortedBy(list: ListValue, keys: ListValue): ListValue {
  const [first] = keys.items;
  if (first === undefined) return list;
  if (!isComparable(first)) throw new CelError('list elements must be comparable');
  const type = typeName(first);
  if (!keys.items.every((key) => typeName(key) === type)) throw new CelError('list elements must have the same type');
  const keyed = list.items.map((item, i) => ({ item, key: keys.items[i]! }));
  return new ListValue(keyed.sort((a, b) => compare(a.key, b.key)).map(({ item }) => item));
}

/** As many numbers as the list of a range may hold. */
const longestRange = 1_000_000n;

function range(size: bigint): ListValue {
  if (size < 0n) throw new CelError(`lists.range: size must be non-negative, got ${size}`);
  if (size > longestRange) throw new CelError(`lists.range: size ${size} exceeds maximum allowed (${longestRange})`);
  return new ListValue(Array.from({ length: Number(size) }, (_, i) => BigInt(i)));
}

function distinct({ items }: ListValue): ListValue {
  const kept: Value[] = [];
  for (const item of items) if (!kept.some((one) => equal(one, item))) kept.push(item);
  return new ListValue(kept);
}

function optionalItem(item: Value | undefined): Optional {
  return item === undefined ? none : new Optional(item);
}

function isZero(value: Value): boolean {
  if (value === null || value === false || value === 0n || value === 0 || value === '') return true;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Uint8Array) return value.length === 0;
  if (value instanceof ListValue) return value.items.length === 0;
  if (typeof value === 'object' && 'entries' in value) return value.entries.size === 0;
  if (value instanceof Timestamp) return value.nanos === oldest;
  return value instanceof Duration && value.nanos === 0n;
}

function valueIn(optional: Optional): Value {
  if (optional.value === undefined) throw new CelError('optional.none() dereference');
  return optional.value;
}

function optionals(): Overload[] {
  return [
    global('optional.of(A): optional<A>', (a: Value) => new Optional(a)),
    global('optional.ofNonZeroValue(A): optional<A>', (a: Value) => (isZero(a) ? none : new Optional(a))),
    global('optional.none(): optional<A>', () => none),
    member('optional<A>.hasValue(): bool', (a: Optional) => a.value !== undefined),
    member('optional<A>.value(): A', valueIn),
    member('optional<A>.or(optional<A>): optional<A>', (a: Optional, b: Optional) => (a.value === undefined ? b : a)),
    member('optional<A>.orValue(A): A', (a: Optional, b: Value) => a.value ?? (a.value === null ? null : b)),
    global('optional.unwrap(list<optional<A>>): list<A>', (a: ListValue) => unwrap(a, 'optional.unwrap')),
    member('list<optional<A>>.unwrapOpt(): list<A>', (a: ListValue) => unwrap(a, 'unwrapOpt')),
  ];
}

function unwrap({ items }: ListValue, name: string): ListValue {
  return new ListValue(
    items.flatMap((item) => {
      if (!(item instanceof Optional)) throw new CelError(`no such overload: ${name}(list)`);
      return item.value === undefined ? [] : [item.value];
    }),
  );
}

export function listFunctions(): Overload[] {
  return [...kubernetesLists(), ...extendedLists(), ...sets(), ...optionals()];
}
