// Finds the type of every part of an expression and the functions it calls, or says what is wrong, in cel-go's words.
import { table } from '../apimachinery/table.ts';
import type { CallExpr, Expr, FoldExpr, ListExpr, MapExpr, SelectExpr, StructExpr } from './ast.ts';
import { CelError, type Issue } from './errors.ts';
import { library, typeNames } from './library.ts';
import type { Overload } from './overload.ts';
import { compileRegex } from './regex.ts';
import {
  bool,
  bytes,
  type CelType,
  double,
  dyn,
  errorType,
  int,
  isAssignable,
  isDyn,
  isOptional,
  isPrimitive,
  join,
  listOf,
  mapOf,
  nullType,
  type ObjectType,
  optionalOf,
  printType,
  type Substitution,
  string,
  substitute,
  uint,
} from './types.ts';
import { parseDuration, parseTimestamp } from './values.ts';

export interface Environment {
  /** Names may be dotted: `authorizer.requestResource`. */
  readonly variables: ReadonlyMap<string, CelType>;
  /** Types of which expressions may make values: `Object.spec{…}`. */
  readonly structs?: (name: string) => ObjectType | undefined;
}

/** A call, with the overloads that may be meant: one, unless types are known at run time only. */
export interface ResolvedCall {
  readonly overloads: readonly Overload[];
  /** The target is the namespace of a function (`math.abs`), and no value. */
  readonly isNamespaced: boolean;
  /** No overload needs to look at the values. */
  readonly isExact: boolean;
}

export interface Checked {
  readonly type: CelType;
  readonly types: ReadonlyMap<Expr, CelType>;
  readonly calls: ReadonlyMap<Expr, ResolvedCall>;
  /** Selections and identifiers that are variables, or names of types. */
  readonly references: ReadonlyMap<Expr, string>;
  readonly issues: readonly Issue[];
}

export function check(expr: Expr, environment: Environment): Checked {
  const checker = new Checker(environment);
  const type = checker.check(expr);
  return {
    type: checker.final(type),
    types: checker.types,
    calls: checker.calls,
    references: checker.references,
    issues: checker.issues,
  };
}

interface Scope {
  readonly names: ReadonlyMap<string, CelType>;
  readonly outer: Scope | undefined;
}

const literalTypes = { null: nullType, bool, int, uint, double, string, bytes };

class Checker {
  readonly issues: Issue[] = [];
  readonly types = new Map<Expr, CelType>();
  readonly calls = new Map<Expr, ResolvedCall>();
  readonly references = new Map<Expr, string>();
  readonly #environment: Environment;
  readonly #bound: Substitution = new Map();
  #scope: Scope | undefined;
  #fresh = 0;
  /** Within the arguments of `format` lists may hold what they like. */
  #isMixed = false;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** What is left open is known at run time only. */
  final(type: CelType): CelType {
    const closed = substitute(type, this.#bound);
    return closed.kind === 'parameter' ? dyn : closed;
  }

  check(expr: Expr): CelType {
    const type = this.#typeOf(expr);
    this.types.set(expr, type);
    return type;
  }

  #error(at: number, message: string): CelType {
    this.issues.push({ at, message });
    return errorType;
  }

  #print(type: CelType): string {
    return printType(this.final(type));
  }

  #typeOf(expr: Expr): CelType {
    switch (expr.kind) {
      case 'literal':
        return literalTypes[expr.type];
      case 'ident':
        return this.#reference(expr, expr.name) ?? this.#undeclared(expr.at, expr.name);
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return this.#struct(expr);
      case 'fold':
        return this.#fold(expr);
      case 'bind': {
        const value = this.check(expr.value);
        return this.#within(new Map([[expr.name, value]]), () => this.check(expr.body));
      }
    }
  }

  #undeclared(at: number, name: string): CelType {
    return this.#error(at, `undeclared reference to '${name}' (in container '')`);
  }

  #within<T>(names: ReadonlyMap<string, CelType>, work: () => T): T {
    const outer = this.#scope;
    this.#scope = { names, outer };
    try {
      return work();
    } finally {
      this.#scope = outer;
    }
  }

  #local(name: string): CelType | undefined {
    for (let scope = this.#scope; scope; scope = scope.outer) {
      const type = scope.names.get(name);
      if (type) return type;
    }
    return undefined;
  }

  /** The type of a variable or of a type's name; remembers what it means. */
  #reference(expr: Expr, name: string): CelType | undefined {
    const type = this.#local(name) ?? this.#environment.variables.get(name);
    if (type) {
      this.references.set(expr, name);
      return type;
    }
    const named = typeNames[name];
    if (!named) return undefined;
    this.references.set(expr, name);
    return { kind: 'type', of: named.type };
  }

  #select(expr: SelectExpr): CelType {
    const qualified = expr.testOnly || expr.optional ? undefined : qualifiedName(expr);
    if (qualified !== undefined && this.#local(qualified.split('.')[0]!) === undefined) {
      const known = this.#reference(expr, qualified);
      if (known) return known;
    }
    const operand = this.final(this.check(expr.operand));
    const target = isOptional(operand) ? this.final(operand.parameters[0] ?? dyn) : operand;
    const field = this.#field(target, expr);
    if (expr.testOnly) return bool;
    return expr.optional || isOptional(operand) ? (isDyn(field) && field !== dyn ? field : optionalOf(field)) : field;
  }

  #field(target: CelType, { field, at }: SelectExpr): CelType {
    if (isDyn(target)) return target.kind === 'primitive' && target.name === '!error!' ? errorType : dyn;
    if (target.kind === 'map') {
      if (isAssignable(target.key, string, new Map(this.#bound))) return target.value;
      return this.#error(at, `type '${this.#print(target)}' does not support field selection`);
    }
    if (target.kind === 'object') {
      return target.fields.get(field)?.type ?? this.#error(at, `undefined field '${field}'`);
    }
    return this.#error(at, `type '${this.#print(target)}' does not support field selection`);
  }

  #call(expr: CallExpr): CelType {
    const { name, target, args, at } = expr;
    const namespaced = target ? namespacedFunction(target, name) : undefined;
    const known = namespaced ?? library.get(name);
    const isMember = target !== undefined && !namespaced;
    const given = this.#arguments(isMember ? [target, ...args] : args, isMember && name === 'format');
    const named = namespaced ? `${qualifiedName(target!)}.${name}` : name;
    if (!known) return this.#undeclared(at, named);
    const fitting: Overload[] = [];
    let result: CelType | undefined;
    for (const overload of known) {
      if (overload.isMember !== isMember || overload.parameters.length !== given.length) continue;
      const fit = this.#fit(overload, given, result === undefined);
      if (!fit) continue;
      fitting.push(overload);
      if (result === undefined) result = fit;
      else if (this.#print(result) !== this.#print(fit)) result = dyn;
    }
    if (!result) {
      const shown = given.map((type) => this.#print(type));
      const applied = isMember ? `${shown[0]}.(${shown.slice(1).join(', ')})` : `(${shown.join(', ')})`;
      return this.#error(at, `found no matching overload for '${named}' applied to '${applied}'`);
    }
    const isExact = fitting.length === 1 && !given.some((type) => isDyn(this.final(type)));
    this.calls.set(expr, { overloads: fitting, isNamespaced: namespaced !== undefined, isExact });
    this.#checkLiterals(expr);
    return result;
  }

  #arguments(args: readonly Expr[], areMixed: boolean): CelType[] {
    const before = this.#isMixed;
    this.#isMixed ||= areMixed;
    const types = args.map((arg) => this.check(arg));
    this.#isMixed = before;
    return types;
  }

  /** The result of an overload, if it takes arguments of these types. The parameters that this binds stay bound. */
  #fit(overload: Overload, given: readonly CelType[], keeps: boolean): CelType | undefined {
    const mark = `$${this.#fresh++}`;
    const trial: Substitution = new Map(this.#bound);
    const fits = overload.parameters.every((parameter, i) => isAssignable(renamed(parameter, mark), given[i]!, trial));
    if (!fits) return undefined;
    if (keeps) for (const [name, type] of trial) this.#bound.set(name, type);
    return substitute(renamed(overload.result, mark), trial);
  }

  /** Texts that are read at run time are read here already, where they are in the source. */
  #checkLiterals({ name, args, target }: CallExpr): void {
    const readers = table<(text: string) => unknown>({
      duration: parseDuration,
      timestamp: parseTimestamp,
      matches: compileRegex,
    });
    const read = readers[name];
    const literal = args.at(-1);
    if (!read || literal?.kind !== 'literal' || literal.type !== 'string' || (target && name !== 'matches')) return;
    try {
      read(literal.value as string);
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      this.#error(literal.at, `invalid ${name} argument`);
    }
  }

  #list({ elements }: ListExpr): CelType {
    let element: CelType | undefined;
    for (const { value, optional } of elements) {
      const given = this.check(value);
      element = this.#joined(element, optional ? this.#unwrapped(given, value.at) : given, value.at);
    }
    return listOf(element ?? { kind: 'parameter', name: `E$${this.#fresh++}` });
  }

  #map({ entries }: MapExpr): CelType {
    let key: CelType | undefined;
    let value: CelType | undefined;
    for (const entry of entries) {
      key = this.#joined(key, this.check(entry.key), entry.key.at);
      const given = this.check(entry.value);
      value = this.#joined(value, entry.optional ? this.#unwrapped(given, entry.value.at) : given, entry.value.at);
    }
    const open = (): CelType => ({ kind: 'parameter', name: `E$${this.#fresh++}` });
    return mapOf(key ?? open(), value ?? open());
  }

  #unwrapped(type: CelType, at: number): CelType {
    const given = this.final(type);
    if (isDyn(given)) return given;
    if (isOptional(given)) return given.parameters[0] ?? dyn;
    return this.#error(at, `expected type 'optional_type(${this.#print(given)})' but found '${this.#print(given)}'`);
  }

  /** Lists and maps are of one type throughout. */
  #joined(before: CelType | undefined, next: CelType, at: number): CelType {
    if (!before) return next;
    const trial: Substitution = new Map(this.#bound);
    if (isAssignable(before, next, trial)) return join(before, next, this.#bound);
    if (this.#isMixed) return dyn;
    return this.#error(at, `expected type '${this.#print(before)}' but found '${this.#print(next)}'`);
  }

  #struct({ name, entries, at }: StructExpr): CelType {
    const type = this.#environment.structs?.(name);
    for (const { field, value, optional, at: place } of entries) {
      const checked = this.check(value);
      const given = optional ? this.#unwrapped(checked, value.at) : checked;
      const known = type?.fields.get(field);
      if (type && !known) this.#error(place, `undefined field '${field}'`);
      if (known && !isAssignable(known.type, given, this.#bound)) {
        const shown = `'${this.#print(known.type)}' but provided type is '${this.#print(given)}'`;
        this.#error(place, `expected type of field '${field}' is ${shown}`);
      }
    }
    return type ?? this.#undeclared(at, name);
  }

  #fold(expr: FoldExpr): CelType {
    const range = this.final(this.check(expr.range));
    const variables = this.#variables(expr, range);
    return this.#within(variables, () => {
      if (expr.filter) this.#predicate(expr.filter, expr);
      const body = this.check(expr.body);
      switch (expr.macro) {
        case 'all':
        case 'exists':
        case 'existsOne':
          this.#requireBool(body, expr);
          return bool;
        case 'filter':
          this.#requireBool(body, expr);
          return listOf([...variables.values()][0] ?? dyn);
        case 'map':
        case 'transformList':
          return listOf(body);
        case 'transformMap':
          return mapOf([...variables.values()][0] ?? dyn, body);
        case 'transformMapEntry':
          return body;
        case 'optMap':
          return optionalOf(body);
        case 'optFlatMap':
          return body;
        case 'sortBy':
          return range;
      }
    });
  }

  #predicate(filter: Expr, fold: FoldExpr): void {
    this.#requireBool(this.check(filter), fold);
  }

  #requireBool(type: CelType, { macro, at }: FoldExpr): void {
    const given = this.final(type);
    if (isDyn(given) || isPrimitive(given, 'bool')) return;
    const shown = this.#print(given);
    const operator = macro === 'all' ? '_&&_' : macro === 'exists' ? '_||_' : '_?_:_';
    const applied = operator === '_?_:_' ? `(${shown}, dyn, dyn)` : `(bool, ${shown})`;
    this.#error(at, `found no matching overload for '${operator}' applied to '${applied}'`);
  }

  #variables({ macro, variables, range: { at } }: FoldExpr, range: CelType): ReadonlyMap<string, CelType> {
    const [first = '', second] = variables;
    if (macro === 'optMap' || macro === 'optFlatMap') {
      const inner = isOptional(range) ? (range.parameters[0] ?? dyn) : dyn;
      if (!isOptional(range) && !isDyn(range)) {
        this.#error(at, `found no matching overload for '${macro}' applied to '${this.#print(range)}'`);
      }
      return new Map([[first, inner]]);
    }
    if (range.kind === 'list') {
      return second === undefined
        ? new Map([[first, range.element]])
        : new Map<string, CelType>([
            [first, int],
            [second, range.element],
          ]);
    }
    if (range.kind === 'map') {
      return second === undefined
        ? new Map([[first, range.key]])
        : new Map([
            [first, range.key],
            [second, range.value],
          ]);
    }
    if (!isDyn(range)) {
      const why = '(must be list, map, or dynamic)';
      this.#error(at, `expression of type '${this.#print(range)}' cannot be range of a comprehension ${why}`);
    }
    return new Map(variables.map((name) => [name, isDyn(range) ? range : errorType]));
  }
}

function renamed(type: CelType, mark: string): CelType {
  switch (type.kind) {
    case 'parameter':
      return { kind: 'parameter', name: type.name + mark };
    case 'list':
      return { ...type, element: renamed(type.element, mark) };
    case 'map':
      return { ...type, key: renamed(type.key, mark), value: renamed(type.value, mark) };
    case 'opaque':
      return { ...type, parameters: type.parameters.map((one) => renamed(one, mark)) };
    case 'type':
      return { ...type, of: renamed(type.of, mark) };
    default:
      return type;
  }
}

/** `a.b.c` as a name; undefined for what is none. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return expr.name;
  if (expr.kind !== 'select' || expr.testOnly || expr.optional) return undefined;
  const operand = qualifiedName(expr.operand);
  return operand === undefined ? undefined : `${operand}.${expr.field}`;
}

function namespacedFunction(target: Expr, name: string): readonly Overload[] | undefined {
  const namespace = qualifiedName(target);
  return namespace === undefined ? undefined : library.get(`${namespace}.${name}`);
}
