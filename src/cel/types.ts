// The types of expressions and variables, and how cel-go prints and compares them.

export type Primitive =
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | 'timestamp'
  | 'duration'
  /** The type of types, whatever they are. */
  | 'type'
  /** Known at run time only. */
  | 'dyn'
  /** The same, but that no comprehension goes over it: a claim of a token. */
  | 'any'
  /** Of an expression that is wrong already: fits everywhere, so that one mistake is told once. */
  | '!error!';

export interface ListType {
  readonly kind: 'list';
  readonly element: CelType;
  /** How values from JSON compare and add up (x-kubernetes-list-type). */
  readonly listType?: 'set' | 'map';
  readonly mapKeys?: readonly string[];
  /** The most elements there may be, for cost. */
  readonly maxSize?: number;
}

export interface MapType {
  readonly kind: 'map';
  readonly key: CelType;
  readonly value: CelType;
  readonly maxSize?: number;
}

export interface ObjectType {
  readonly kind: 'object';
  readonly name: string;
  /** By the name in expressions (escaped). */
  readonly fields: ReadonlyMap<string, ObjectField>;
  /** How many bytes it takes in JSON at the least, for cost; default 2. */
  readonly minSize?: number;
}

export interface ObjectField {
  readonly type: CelType;
  /** The name in JSON. */
  readonly jsonName: string;
}

export interface OpaqueType {
  readonly kind: 'opaque';
  /** `kubernetes.Quantity`, `optional_type`. */
  readonly name: string;
  readonly parameters: readonly CelType[];
}

export type CelType =
  | { readonly kind: 'primitive'; readonly name: Primitive; readonly maxSize?: number }
  | ListType
  | MapType
  | ObjectType
  | OpaqueType
  | { readonly kind: 'type'; readonly of: CelType }
  | Parameter;

/** `T` in a signature, or what is not known yet. */
export interface Parameter {
  readonly kind: 'parameter';
  readonly name: string;
}

function primitive(name: Primitive): CelType {
  return { kind: 'primitive', name };
}

export const bool = primitive('bool');
export const int = primitive('int');
export const uint = primitive('uint');
export const double = primitive('double');
export const string = primitive('string');
export const bytes = primitive('bytes');
export const nullType = primitive('null');
export const timestamp = primitive('timestamp');
export const duration = primitive('duration');
export const dyn = primitive('dyn');
export const any = primitive('any');
export const errorType = primitive('!error!');

export const listOf = (element: CelType): ListType => ({ kind: 'list', element });
export const mapOf = (key: CelType, value: CelType): MapType => ({ kind: 'map', key, value });
export const optionalOf = (value: CelType): OpaqueType => ({
  kind: 'opaque',
  name: 'optional_type',
  parameters: [value],
});
export const opaque = (name: string): OpaqueType => ({ kind: 'opaque', name, parameters: [] });

export function objectType(name: string, fields: Readonly<Record<string, CelType>>): ObjectType {
  const entries = Object.entries(fields).map(([field, type]) => [field, { type, jsonName: field }] as const);
  return { kind: 'object', name, fields: new Map(entries) };
}

export function isDyn(type: CelType): boolean {
  return type.kind === 'primitive' && (type.name === 'dyn' || type.name === 'any' || type.name === '!error!');
}

export function isPrimitive(type: CelType, name: Primitive): boolean {
  return type.kind === 'primitive' && type.name === name;
}

export function isOptional(type: CelType): type is OpaqueType {
  return type.kind === 'opaque' && type.name === 'optional_type';
}

/** As cel-go prints types in messages: `list(string)`, `map(string, int)`, `optional_type(int)`. */
export function printType(type: CelType): string {
  return printNamed(type, (name) => name);
}

const runtimeNames: Partial<Record<Primitive, string>> = {
  null: 'null_type',
  duration: 'google.protobuf.Duration',
  timestamp: 'google.protobuf.Timestamp',
};

/** As Kubernetes tells what an expression evaluates to: by the names that types have at run time. */
export function printRuntimeType(type: CelType): string {
  return printNamed(type, (name) => runtimeNames[name] ?? name);
}

function printNamed(type: CelType, nameOf: (name: Primitive) => string): string {
  const print = (inner: CelType) => printNamed(inner, nameOf);
  switch (type.kind) {
    case 'primitive':
      return nameOf(type.name);
    case 'parameter':
    case 'object':
      return type.name;
    case 'list':
      return `list(${print(type.element)})`;
    case 'map':
      return `map(${print(type.key)}, ${print(type.value)})`;
    case 'opaque':
      return type.parameters.length === 0 ? type.name : `${type.name}(${type.parameters.map(print).join(', ')})`;
    case 'type':
      return `type(${print(type.of)})`;
  }
}

/** What stands for the parameters of signatures. */
export type Substitution = Map<string, CelType>;

/** Parameters that nothing stands for stay, or become `unbound`. */
export function substitute(type: CelType, by: Substitution, unbound?: CelType): CelType {
  const inner = (one: CelType) => substitute(one, by, unbound);
  switch (type.kind) {
    case 'parameter': {
      const bound = by.get(type.name);
      return bound ? inner(bound) : (unbound ?? type);
    }
    case 'list':
      return { ...type, element: inner(type.element) };
    case 'map':
      return { ...type, key: inner(type.key), value: inner(type.value) };
    case 'opaque':
      return type.parameters.length === 0 ? type : { ...type, parameters: type.parameters.map(inner) };
    case 'type':
      return { ...type, of: inner(type.of) };
    default:
      return type;
  }
}

/**
 * Whether values of some types may stand where those of others are asked for: then `by` learns what makes them, and else
 * nothing. It holds what the whole expression has found out, too much for a copy at each call.
 */
export function unify(given: readonly CelType[], wanted: readonly CelType[], by: Substitution): boolean {
  const learnt: Substitution = new Map();
  const trial: Bindings = {
    get: (name) => learnt.get(name) ?? by.get(name),
    set: (name, type) => learnt.set(name, type),
  };
  if (!areAssignable(given, wanted, trial)) return false;
  for (const [name, type] of learnt) by.set(name, type);
  return true;
}

type Bindings = Pick<Substitution, 'get'> & { set(name: string, type: CelType): unknown };

function areAssignable(a: readonly CelType[], b: readonly CelType[], by: Bindings): boolean {
  return a.length === b.length && a.every((one, i) => isAssignable(one, b[i]!, by));
}

function isAssignable(a: CelType, b: CelType, by: Bindings): boolean {
  if (b.kind === 'parameter') {
    const found = standFor(b, a, by);
    if (found !== 'open') return found === 'fits';
  }
  if (a.kind === 'parameter') return standFor(a, b, by) === 'fits';
  if (isDyn(a) || isDyn(b)) return true;
  // null stands for an object or an opaque value that is not there.
  if (isPrimitive(a, 'null')) return isNullable(b);
  if (isPrimitive(b, 'null')) return isNullable(a);
  if (a.kind !== b.kind || nameOf(a) !== nameOf(b)) return false;
  return a.kind === 'type' || areAssignable(partsOf(a), partsOf(b), by);
}

/** Lets a type stand for a parameter. `open`: it cannot, but the parameter may yet stand for it. */
function standFor(parameter: Parameter, type: CelType, by: Bindings): 'fits' | 'differs' | 'open' {
  if (isSame(parameter, type)) return 'fits';
  const bound = by.get(parameter.name);
  if (!bound) {
    if (occursIn(parameter, type, by)) return 'open';
    by.set(parameter.name, type);
    return 'fits';
  }
  if (isSame(bound, type)) return 'fits';
  if (!isAssignable(type, bound, by)) return 'differs';
  const general = mostGeneral(type, bound);
  if (!occursIn(parameter, general, by)) by.set(parameter.name, general);
  return 'fits';
}

function occursIn(parameter: Parameter, type: CelType, by: Bindings): boolean {
  if (type.kind === 'parameter') {
    if (type.name === parameter.name) return true;
    const bound = by.get(type.name);
    return bound !== undefined && occursIn(parameter, bound, by);
  }
  return partsOf(type).some((part) => occursIn(parameter, part, by));
}

function partsOf(type: CelType): readonly CelType[] {
  switch (type.kind) {
    case 'list':
      return [type.element];
    case 'map':
      return [type.key, type.value];
    case 'opaque':
      return type.parameters;
    case 'type':
      return [type.of];
    default:
      return [];
  }
}

function nameOf(type: CelType): string {
  return 'name' in type ? type.name : '';
}

function isNullable(type: CelType): boolean {
  if (type.kind === 'primitive') return ['null', 'timestamp', 'duration'].includes(type.name);
  return type.kind === 'object' || type.kind === 'opaque';
}

export function isSame(a: CelType, b: CelType): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || nameOf(a) !== nameOf(b)) return false;
  const others = partsOf(b);
  const parts = partsOf(a);
  return parts.length === others.length && parts.every((part, i) => isSame(part, others[i]!));
}

/** Of two types that go together the one that says less. */
export function mostGeneral(a: CelType, b: CelType): CelType {
  return isNoMoreSpecific(a, b) ? a : b;
}

function saysNothing(type: CelType): boolean {
  return type.kind === 'parameter' || isPrimitive(type, 'dyn') || isPrimitive(type, 'any');
}

function isNoMoreSpecific(a: CelType, b: CelType): boolean {
  if (saysNothing(a)) return true;
  if (saysNothing(b)) return false;
  if (a.kind !== b.kind || nameOf(a) !== nameOf(b)) return false;
  const others = partsOf(b);
  return a.kind === 'type' || partsOf(a).every((part, i) => isNoMoreSpecific(part, others[i]!));
}
