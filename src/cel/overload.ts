// Functions are declared in one line each: `string.startsWith(string): bool` beside what they do.
import { table } from '../apimachinery/table.ts';
import {
  bool,
  bytes,
  type CelType,
  double,
  duration,
  dyn,
  int,
  listOf,
  mapOf,
  nullType,
  opaque,
  string,
  timestamp,
  uint,
} from './types.ts';
import {
  Duration,
  ListValue,
  MapValue,
  ObjectValue,
  Opaque,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from './values.ts';

// biome-ignore lint/suspicious/noExplicitAny: an overload is only called with values of the types it declares
type Implementation = (...args: any[]) => Value;

export interface Overload {
  readonly name: string;
  /** Called as `target.name(…)`; the target is the first parameter. */
  readonly isMember: boolean;
  readonly parameters: readonly CelType[];
  /** `T` of the parameters and the result. */
  readonly typeParameters: readonly string[];
  readonly result: CelType;
  readonly call: Implementation;
}

const names = table<CelType>({
  bool,
  bytes,
  double,
  duration,
  dyn,
  int,
  null: nullType,
  string,
  timestamp,
  uint,
  Quantity: opaque('kubernetes.Quantity'),
  URL: opaque('kubernetes.URL'),
  IP: opaque('net.IP'),
  CIDR: opaque('net.CIDR'),
  Format: opaque('kubernetes.NamedFormat'),
  Semver: opaque('kubernetes.Semver'),
  Authorizer: opaque('kubernetes.authorization.Authorizer'),
  PathCheck: opaque('kubernetes.authorization.PathCheck'),
  GroupCheck: opaque('kubernetes.authorization.GroupCheck'),
  ResourceCheck: opaque('kubernetes.authorization.ResourceCheck'),
  Decision: opaque('kubernetes.authorization.Decision'),
});

/** `list<map<string, T>>`; a single capital letter is a parameter. */
function parseType(text: string): CelType {
  const open = text.indexOf('<');
  if (open < 0) {
    const known = names[text];
    if (!known && !/^[A-Z]$/.test(text)) throw new Error(`no such type: ${text}`);
    return known ?? { kind: 'parameter', name: text };
  }
  const parameters = splitTypes(text.slice(open + 1, -1)).map(parseType);
  const [first = dyn, second = dyn] = parameters;
  switch (text.slice(0, open)) {
    case 'list':
      return listOf(first);
    case 'map':
      return mapOf(first, second);
    case 'type':
      return { kind: 'type', of: first };
    default:
      return { kind: 'opaque', name: 'optional_type', parameters };
  }
}

function splitTypes(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let current = '';
  for (const char of text) {
    if (char === '<') depth++;
    if (char === '>') depth--;
    if (char === ',' && depth === 0) {
      parts.push(current.trim());
      current = '';
    } else current += char;
  }
  if (current.trim() !== '') parts.push(current.trim());
  return parts;
}

/** A function: `size(string): int`, `_+_(int, int): int`, `math.abs(int): int`. */
export function global(signature: string, call: Implementation): Overload {
  const [, name = '', parameters = '', result = ''] = /^(.+?)\((.*)\): (.+)$/.exec(signature) ?? [];
  return {
    name,
    isMember: false,
    parameters: splitTypes(parameters).map(parseType),
    typeParameters: typeParametersOf(signature),
    result: parseType(result),
    call,
  };
}

/** A method: `string.startsWith(string): bool`. */
export function member(signature: string, call: Implementation): Overload {
  const dot = signature.lastIndexOf('.', signature.indexOf('('));
  const rest = global(signature.slice(dot + 1), call);
  const parameters = [parseType(signature.slice(0, dot)), ...rest.parameters];
  return { ...rest, isMember: true, parameters, typeParameters: typeParametersOf(signature) };
}

function typeParametersOf(signature: string): readonly string[] {
  return [...new Set(signature.match(/\b[A-Z]\b/g))];
}

/** The name of a value's type, as `type(x)` gives it. */
export function typeName(value: Value): string {
  if (value === null) return 'null_type';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'string':
      return 'string';
  }
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof Uint) return 'uint';
  if (value instanceof ListValue) return 'list';
  if (value instanceof MapValue) return 'map';
  if (value instanceof ObjectValue) return value.type.name;
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp';
  if (value instanceof Duration) return 'google.protobuf.Duration';
  if (value instanceof TypeValue) return 'type';
  return value instanceof Optional ? 'optional_type' : value.typeName;
}

/** Whether a value is of a type, as far as choosing an overload goes: the first element speaks for its list. */
export function isOf(value: Value, type: CelType): boolean {
  switch (type.kind) {
    case 'primitive':
      return isOfPrimitive(value, type.name);
    case 'list':
      return value instanceof ListValue && (value.items.length === 0 || isOf(value.items[0]!, type.element));
    case 'map':
      return value instanceof MapValue || value instanceof ObjectValue;
    case 'object':
      return value === null || (value instanceof ObjectValue && value.type.name === type.name);
    case 'opaque':
      if (type.name === 'optional_type') return value instanceof Optional;
      return value instanceof Opaque && value.typeName === type.name;
    case 'type':
      return value instanceof TypeValue;
    case 'parameter':
      return true;
  }
}

function isOfPrimitive(value: Value, name: string): boolean {
  switch (name) {
    case 'dyn':
    case 'any':
    case '!error!':
      return true;
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return typeof value === 'bigint';
    case 'double':
      return typeof value === 'number';
    case 'string':
      return typeof value === 'string';
    case 'uint':
      return value instanceof Uint;
    case 'bytes':
      return value instanceof Uint8Array;
    case 'timestamp':
      return value instanceof Timestamp;
    case 'duration':
      return value instanceof Duration;
    default:
      return value === null;
  }
}
