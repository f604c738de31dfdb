// Arithmetic, comparison, membership and indexing (cel-spec, standard definitions).
import { table } from '../../apimachinery/table.ts';
import { compare, equal, fieldsOf, sameKeys } from '../compare.ts';
import { CelError } from '../errors.ts';
import { global, type Overload, typeName } from '../overload.ts';
import {
  type Duration,
  durationOf,
  ListValue,
  type MapKey,
  MapValue,
  none,
  ObjectValue,
  Optional,
  type Timestamp,
  timestampOf,
  Uint,
  type Value,
} from '../values.ts';
import { printDouble } from './conversions.ts';

function checkedInt(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw new CelError('integer overflow');
  return value;
}

function checkedUint(value: bigint): Uint {
  if (BigInt.asUintN(64, value) !== value) throw new CelError('unsigned integer overflow');
  return new Uint(value);
}

function divisor(value: bigint, what: 'divide' | 'modulus'): bigint {
  if (value === 0n) throw new CelError(what === 'divide' ? 'division by zero' : 'modulus by zero');
  return value;
}

function arithmetic(): Overload[] {
  return [
    global('_+_(int, int): int', (a: bigint, b: bigint) => checkedInt(a + b)),
    global('_+_(uint, uint): uint', (a: Uint, b: Uint) => checkedUint(a.value + b.value)),
    global('_+_(double, double): double', (a: number, b: number) => a + b),
    global('_+_(string, string): string', (a: string, b: string) => a + b),
    global('_+_(bytes, bytes): bytes', (a: Uint8Array, b: Uint8Array) => new Uint8Array(Buffer.concat([a, b]))),
    global('_+_(list<A>, list<A>): list<A>', addLists),
    global('_+_(duration, duration): duration', (a: Duration, b: Duration) => durationOf(a.nanos + b.nanos)),
    global('_+_(timestamp, duration): timestamp', (a: Timestamp, b: Duration) =>
      timestampOf(a.nanos + b.nanos, a.offset),
    ),
    global('_+_(duration, timestamp): timestamp', (a: Duration, b: Timestamp) =>
      timestampOf(a.nanos + b.nanos, b.offset),
    ),
    // The order decides what is made of values whose type is open: it is cel-go's.
    global('_-_(double, double): double', (a: number, b: number) => a - b),
    global('_-_(duration, duration): duration', (a: Duration, b: Duration) => durationOf(a.nanos - b.nanos)),
    global('_-_(int, int): int', (a: bigint, b: bigint) => checkedInt(a - b)),
    global('_-_(timestamp, duration): timestamp', (a: Timestamp, b: Duration) =>
      timestampOf(a.nanos - b.nanos, a.offset),
    ),
    global('_-_(timestamp, timestamp): duration', (a: Timestamp, b: Timestamp) => durationOf(a.nanos - b.nanos)),
    global('_-_(uint, uint): uint', (a: Uint, b: Uint) => checkedUint(a.value - b.value)),
    global('_*_(int, int): int', (a: bigint, b: bigint) => checkedInt(a * b)),
    global('_*_(uint, uint): uint', (a: Uint, b: Uint) => checkedUint(a.value * b.value)),
    global('_*_(double, double): double', (a: number, b: number) => a * b),
    global('_/_(int, int): int', (a: bigint, b: bigint) => checkedInt(a / divisor(b, 'divide'))),
    global('_/_(uint, uint): uint', (a: Uint, b: Uint) => checkedUint(a.value / divisor(b.value, 'divide'))),
    global('_/_(double, double): double', (a: number, b: number) => a / b),
    global('_%_(int, int): int', (a: bigint, b: bigint) => a % divisor(b, 'modulus')),
    global('_%_(uint, uint): uint', (a: Uint, b: Uint) => checkedUint(a.value % divisor(b.value, 'modulus'))),
    global('-_(double): double', (a: number) => -a),
    global('-_(int): int', (a: bigint) => checkedInt(-a)),
    global('!_(bool): bool', (a: boolean) => !a),
  ];
}

/** Sets do not repeat elements; lists that are maps take later elements for earlier ones of the same keys. */
function addLists(a: ListValue, b: ListValue): ListValue {
  if (a.listType === 'set') {
    const added = b.items.filter((item) => !a.items.some((present) => equal(present, item)));
    return new ListValue([...a.items, ...added], 'set');
  }
  if (a.listType === 'map') {
    const items = [...a.items];
    for (const item of b.items) {
      const at = items.findIndex((present) => sameKeys(present, item, a.mapKeys));
      if (at < 0) items.push(item);
      else items[at] = item;
    }
    return new ListValue(items, 'map', a.mapKeys);
  }
  return new ListValue([...a.items, ...b.items]);
}

const ordered = ['bool', 'int', 'uint', 'double', 'string', 'bytes', 'timestamp', 'duration'];
const numeric = ['int', 'uint', 'double'];

function comparisons(): Overload[] {
  const operators = table<(order: number) => boolean>({
    '_<_': (n) => n < 0,
    '_<=_': (n) => n <= 0,
    '_>_': (n) => n > 0,
    '_>=_': (n) => n >= 0,
  });
  const pairs = [
    ...ordered.map((type) => [type, type]),
    ...numeric.flatMap((a) => numeric.filter((b) => b !== a).map((b) => [a, b])),
  ];
  return Object.entries(operators).flatMap(([name, test]) =>
    pairs.map(([a, b]) => {
      const call = (x: Value, y: Value) => !isNaNPair(x, y) && test(compare(x, y));
      return global(`${name}(${a}, ${b}): bool`, call);
    }),
  );
}

function isNaNPair(a: Value, b: Value): boolean {
  return Number.isNaN(a) || Number.isNaN(b);
}

const qualifierTypes = table<string>({
  bytes: 'types.Bytes',
  'google.protobuf.Duration': 'types.Duration',
  'google.protobuf.Timestamp': 'types.Timestamp',
  type: '*types.Type',
});

/** Throws CelError for what is no index of anything, in cel-go's words. */
export function checkQualifier(index: Value): void {
  const type = qualifierTypes[typeName(index)];
  if (type) throw new CelError(`invalid qualifier type: ${type}`);
}

/** The element at an index; undefined when there is none. */
function elementAt(container: Value, index: Value): Value | undefined {
  if (container instanceof ListValue) {
    const at = integerIndex(index);
    if (at === undefined) throw new CelError(`unsupported index type '${typeName(index)}' in list`);
    return container.items[at];
  }
  checkQualifier(index);
  const key = keyOf(index);
  if (container instanceof MapValue) return key === undefined ? undefined : container.entries.get(key);
  if (container instanceof ObjectValue && typeof index === 'string') return container.get(index);
  return undefined;
}

function integerIndex(index: Value): number | undefined {
  if (typeof index === 'bigint') return Number(index);
  if (index instanceof Uint) return Number(index.value);
  return typeof index === 'number' && Number.isInteger(index) ? index : undefined;
}

/** How a value is a key: numbers of all types that say the same are the same key. */
export function keyOf(value: Value): MapKey | undefined {
  if (typeof value === 'string' || typeof value === 'bigint' || typeof value === 'boolean') return value;
  if (value instanceof Uint) return value.value;
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined;
}

function printKey(index: Value): string {
  if (index instanceof Uint) return String(index.value);
  return typeof index === 'number' ? printDouble(index, 21) : String(index);
}

/** `container[index]`. Throws CelError where there is no such element. */
export function indexOrThrow(container: Value, index: Value): Value {
  const found = elementAt(container, index);
  if (found !== undefined) return found;
  if (container instanceof ListValue) throw new CelError(`index out of bounds: ${keyOf(index)}`);
  throw new CelError(`no such key: ${printKey(index)}`);
}

export function optionalIndex(container: Value, index: Value): Value {
  const inner = container instanceof Optional ? container.value : container;
  const found = inner === undefined || inner === null ? undefined : elementAt(inner, index);
  return found === undefined ? none : new Optional(found);
}

function isIn(value: Value, container: Value): boolean {
  if (container instanceof ListValue) return container.items.some((item) => equal(item, value));
  const key = keyOf(value);
  if (container instanceof MapValue || container instanceof ObjectValue) {
    return key !== undefined && fieldsOf(container).has(key);
  }
  throw new CelError('no such overload');
}

/** Macros collect into a map of their own, which grows in place. */
function inserted(map: MapValue, more: Iterable<readonly [Value, Value]>): MapValue {
  const entries = map.entries as Map<MapKey, Value>;
  for (const [given, value] of more) {
    const key = keyOf(given);
    if (key === undefined) throw new CelError(`unsupported key type: ${typeName(given)}`);
    if (entries.has(key)) throw new CelError(`insert failed: key ${String(key)} already exists`);
    entries.set(key, value);
  }
  return map;
}

/** Logic and choice look at their operands only as far as they must: the evaluator does them itself. */
function evaluatedElsewhere(): never {
  throw new Error('this operator is never called as a function');
}

export function operators(): Overload[] {
  return [
    global('_&&_(bool, bool): bool', evaluatedElsewhere),
    global('_||_(bool, bool): bool', evaluatedElsewhere),
    global('_?_:_(bool, A, A): A', evaluatedElsewhere),
    global('@not_strictly_false(bool): bool', evaluatedElsewhere),
    global('cel.@mapInsert(map<K, V>, K, V): map<K, V>', (map: MapValue, key: Value, value: Value) =>
      inserted(map, [[key, value]]),
    ),
    global('cel.@mapInsert(map<K, V>, map<K, V>): map<K, V>', (map: MapValue, more: MapValue) =>
      inserted(map, more.entries),
    ),
    ...arithmetic(),
    ...comparisons(),
    global('_==_(A, A): bool', equal),
    global('_!=_(A, A): bool', (a: Value, b: Value) => !equal(a, b)),
    global('_[_](list<A>, int): A', indexOrThrow),
    global('_[_](map<A, B>, A): B', indexOrThrow),
    global('_[_](optional<list<A>>, int): optional<A>', optionalIndex),
    global('_[_](optional<map<A, B>>, A): optional<B>', optionalIndex),
    global('_[?_](list<A>, int): optional<A>', optionalIndex),
    global('_[?_](map<A, B>, A): optional<B>', optionalIndex),
    global('_[?_](optional<list<A>>, int): optional<A>', optionalIndex),
    global('_[?_](optional<map<A, B>>, A): optional<B>', optionalIndex),
    global('@in(A, list<A>): bool', isIn),
    global('@in(A, map<A, B>): bool', isIn),
  ];
}
