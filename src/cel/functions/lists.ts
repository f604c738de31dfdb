// Kubernetes' functions of lists, cel-go's sets, and optional values.
import { table } from '../../apimachinery/table.ts';
import { compare, equal } from '../compare.ts';
import { CelError } from '../errors.ts';
import { global, member, type Overload } from '../overload.ts';
import { Duration, durationOf, ListValue, none, Optional, Uint, type Value } from '../values.ts';

function cost([list]: readonly Value[]): number {
  return list instanceof ListValue ? list.items.length : 0;
}

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
    if (total instanceof Uint && item instanceof Uint) return new Uint(total.value + item.value);
    if (total instanceof Duration && item instanceof Duration) return durationOf(total.nanos + item.nanos);
    throw new CelError('no such overload');
  }, zero);
}

function kubernetesLists(): Overload[] {
  return [
    ...ordered.map((type) => member(`list<${type}>.isSorted(): bool`, isSorted, cost)),
    ...summed.map((type) => member(`list<${type}>.sum(): ${type}`, (a: ListValue) => sum(a, zeros[type]!), cost)),
    ...ordered.map((type) => member(`list<${type}>.min(): ${type}`, (a: ListValue) => extreme(a, 'min'), cost)),
    ...ordered.map((type) => member(`list<${type}>.max(): ${type}`, (a: ListValue) => extreme(a, 'max'), cost)),
    member('list<A>.indexOf(A): int', (a: ListValue, b: Value) => BigInt(a.items.findIndex((x) => equal(x, b))), cost),
    member(
      'list<A>.lastIndexOf(A): int',
      (a: ListValue, b: Value) => BigInt(a.items.findLastIndex((x) => equal(x, b))),
      cost,
    ),
  ];
}

function productCost([a, b]: readonly Value[]): number {
  return a instanceof ListValue && b instanceof ListValue ? a.items.length * b.items.length : 0;
}

function containsAll(a: ListValue, b: ListValue): boolean {
  return b.items.every((wanted) => a.items.some((item) => equal(item, wanted)));
}

function sets(): Overload[] {
  const intersects = (a: ListValue, b: ListValue) => a.items.some((item) => b.items.some((one) => equal(item, one)));
  const equivalent = (a: ListValue, b: ListValue) => containsAll(a, b) && containsAll(b, a);
  return [
    global('sets.contains(list<A>, list<A>): bool', containsAll, productCost),
    global('sets.equivalent(list<A>, list<A>): bool', equivalent, productCost),
    global('sets.intersects(list<A>, list<A>): bool', intersects, productCost),
  ];
}

function isZero(value: Value): boolean {
  if (value === null || value === false || value === 0n || value === 0 || value === '') return true;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Uint8Array) return value.length === 0;
  if (value instanceof ListValue) return value.items.length === 0;
  if (typeof value === 'object' && 'entries' in value) return value.entries.size === 0;
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
    global('optional.unwrap(list<optional<A>>): list<A>', unwrap),
    member('list<optional<A>>.unwrapOpt(): list<A>', unwrap),
  ];
}

function unwrap({ items }: ListValue): ListValue {
  return new ListValue(
    items.flatMap((item) => (item instanceof Optional && item.value !== undefined ? [item.value] : [])),
  );
}

export function listFunctions(): Overload[] {
  return [...kubernetesLists(), ...sets(), ...optionals()];
}
