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
  /** Known at run time only. */
  | 'dyn'
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
  /** Whether expressions may make values of it: `Object.spec{…}`. */
  readonly constructible?: boolean;
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
  /** `T` in a signature. */
  | { readonly kind: 'parameter'; readonly name: string };

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
  return type.kind === 'primitive' && (type.name === 'dyn' || type.name === '!error!');
}

export function isPrimitive(type: CelType, name: Primitive): boolean {
  return type.kind === 'primitive' && type.name === name;
}

export function isOptional(type: CelType): type is OpaqueType {
  return type.kind === 'opaque' && type.name === 'optional_type';
}

/** As cel-go prints types in messages: `list(string)`, `map(string, int)`, `optional_type(int)`. */
export function printType(type: CelType): string {
  switch (type.kind) {
    case 'primitive':
    case 'parameter':
    case 'object':
      return type.name;
    case 'list':
      return `list(${printType(type.element)})`;
    case 'map':
      return `map(${printType(type.key)}, ${printType(type.value)})`;
    case 'opaque':
      return type.parameters.length === 0 ? type.name : `${type.name}(${type.parameters.map(printType).join(', ')})`;
    case 'type':
      return `type(${printType(type.of)})`;
  }
}

/** What stands for the parameters of a signature. */
export type Substitution = Map<string, CelType>;

export function substitute(type: CelType, by: Substitution): CelType {
  switch (type.kind) {
    case 'parameter': {
      const bound = by.get(type.name);
      return bound ? substitute(bound, by) : type;
    }
    case 'list':
      return { ...type, element: substitute(type.element, by) };
    case 'map':
      return { ...type, key: substitute(type.key, by), value: substitute(type.value, by) };
    case 'opaque':
      return { ...type, parameters: type.parameters.map((one) => substitute(one, by)) };
    case 'type':
      return { ...type, of: substitute(type.of, by) };
    default:
      return type;
  }
}

/** Whether a value of type `from` may stand where `to` is asked for; binds parameters of both on the way. */
export function isAssignable(to: CelType, from: CelType, by: Substitution): boolean {
  const wanted = substitute(to, by);
  const given = substitute(from, by);
  if (wanted === given || isDyn(wanted) || isDyn(given)) return true;
  if (wanted.kind === 'parameter') {
    if (given.kind !== 'parameter' || given.name !== wanted.name) by.set(wanted.name, given);
    return true;
  }
  if (given.kind === 'parameter') {
    by.set(given.name, wanted);
    return true;
  }
  // null stands for an object or an opaque value that is not there.
  if (isPrimitive(given, 'null') && (wanted.kind === 'object' || wanted.kind === 'opaque')) return true;
  if (isPrimitive(wanted, 'null') && (given.kind === 'object' || given.kind === 'opaque')) return true;
  return isSameShape(wanted, given, by);
}

function isSameShape(wanted: CelType, given: CelType, by: Substitution): boolean {
  if (wanted.kind === 'primitive' && given.kind === 'primitive') return wanted.name === given.name;
  if (wanted.kind === 'list' && given.kind === 'list') return isAssignable(wanted.element, given.element, by);
  if (wanted.kind === 'map' && given.kind === 'map') {
    return isAssignable(wanted.key, given.key, by) && isAssignable(wanted.value, given.value, by);
  }
  if (wanted.kind === 'object' && given.kind === 'object') return wanted.name === given.name;
  if (wanted.kind === 'opaque' && given.kind === 'opaque') {
    if (wanted.name !== given.name) return false;
    return wanted.parameters.every((one, i) => isAssignable(one, given.parameters[i] ?? dyn, by));
  }
  return wanted.kind === 'type' && given.kind === 'type';
}

/** The one type that holds both, `dyn` where there is none. */
export function join(a: CelType, b: CelType, by: Substitution): CelType {
  if (isDyn(a) || isDyn(b)) return isDyn(a) ? a : b;
  const trial = new Map(by);
  if (!isAssignable(a, b, trial)) return dyn;
  for (const [name, type] of trial) by.set(name, type);
  return isPrimitive(a, 'null') ? b : a;
}
