// Finds the type of every part of an expression and the functions it calls, or says what is wrong, in cel-go's words.
import type { CallExpr, ComprehensionExpr, Expr, ListExpr, MapExpr, SelectExpr, StructExpr } from './ast.ts';
import type { Issue } from './errors.ts';
import { library, typeNames } from './library.ts';
import type { Overload } from './overload.ts';
import {
  bool,
  bytes,
  type CelType,
  double,
  dyn,
  errorType,
  int,
  isDyn,
  isOptional,
  isPrimitive,
  isSame,
  listOf,
  mapOf,
  mostGeneral,
  nullType,
  type ObjectType,
  optionalOf,
  printType,
  type Substitution,
  string,
  substitute,
  uint,
  unify,
} from './types.ts';

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
  checker.check(expr);
  const types = new Map([...checker.types].map(([one, type]) => [one, checker.closed(type)]));
  const { calls, references, issues } = checker;
  return { type: types.get(expr) ?? dyn, types, calls, references, issues };
}

interface Scope {
  readonly names: ReadonlyMap<string, CelType>;
  readonly outer: Scope | undefined;
}

/** The functions of a name, and what they are called with. */
interface Candidates {
  readonly known: readonly Overload[];
  /** The types of the target, if it is a value, and of the arguments. */
  readonly given: readonly CelType[];
  readonly isNamespaced: boolean;
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

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** What is left open is known at run time only. */
  closed(type: CelType): CelType {
    return substitute(type, this.#bound, dyn);
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

  #undeclared(at: number, name: string): CelType {
    return this.#error(at, `undeclared reference to '${name}' (in container '')`);
  }

  #mismatch(at: number, wanted: CelType, given: CelType): CelType {
    return this.#error(at, `expected type '${printType(wanted)}' but found '${printType(given)}'`);
  }

  #open(): CelType {
    return { kind: 'parameter', name: `_var${this.#fresh++}` };
  }

  #resolved(type: CelType): CelType {
    return substitute(type, this.#bound);
  }

  #isAssignable(a: CelType, b: CelType): boolean {
    return unify([a], [b], this.#bound);
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
      case 'comprehension':
        return this.#comprehension(expr);
    }
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
    const operand = this.#resolved(this.check(expr.operand));
    const field = this.#field(isOptional(operand) ? this.#resolved(operand.parameters[0] ?? dyn) : operand, expr);
    if (expr.testOnly) return bool;
    return this.#resolved(expr.optional || isOptional(operand) ? optionalOf(field) : field);
  }

  #field(target: CelType, { field, at }: SelectExpr): CelType {
    switch (target.kind) {
      case 'map':
        return target.value;
      case 'object':
        return target.fields.get(field)?.type ?? this.#error(at, `undefined field '${field}'`);
      case 'parameter':
        this.#isAssignable(dyn, target);
        return dyn;
    }
    if (target.kind === 'opaque' && target.name.startsWith('kubernetes.')) {
      return this.#error(at, `unexpected failed resolution of '${target.name}'`);
    }
    if (!isDyn(target)) this.#error(at, `type '${printType(target)}' does not support field selection`);
    return dyn;
  }

  #call(expr: CallExpr): CelType {
    const { name, target, args, at } = expr;
    const given = args.map((arg) => this.check(arg));
    const namespaced = target && namespacedFunction(target, name);
    if (namespaced) return this.#overload(expr, { known: namespaced, given, isNamespaced: true });
    if (target) given.unshift(this.check(target));
    const known = library.get(name);
    return known ? this.#overload(expr, { known, given, isNamespaced: false }) : this.#undeclared(at, name);
  }

  #overload(expr: CallExpr, candidates: Candidates): CelType {
    const { known, given, isNamespaced } = candidates;
    if (expr.name === '_&&_' || expr.name === '_||_') return this.#logic(expr, given);
    const isMember = expr.target !== undefined && !isNamespaced;
    const fitting: Overload[] = [];
    let result: CelType | undefined;
    for (const overload of known) {
      const fit = overload.isMember === isMember ? this.#fit(overload, given) : undefined;
      if (!fit) continue;
      fitting.push(overload);
      if (result === undefined) result = fit;
      else if (!isPrimitive(result, 'dyn') && !isSame(result, fit)) result = dyn;
    }
    if (!result) return this.#noOverload(expr, candidates);
    const isExact = fitting.length === 1 && !given.some((type) => isDyn(this.closed(type)));
    this.calls.set(expr, { overloads: fitting, isNamespaced, isExact });
    return result;
  }

  #noOverload({ name, target, at }: CallExpr, { given, isNamespaced }: Candidates): CelType {
    const shown = given.map((type) => printType(this.closed(type)));
    const isMember = target !== undefined && !isNamespaced;
    const applied = isMember ? `${shown[0]}.(${shown.slice(1).join(', ')})` : `(${shown.join(', ')})`;
    const named = isNamespaced ? `${qualifiedName(target!)}.${name}` : name;
    return this.#error(at, `found no matching overload for '${named}' applied to '${applied}'`);
  }

  /** `&&` and `||` say which of their sides is wrong. */
  #logic({ args }: CallExpr, given: readonly CelType[]): CelType {
    let result: CelType = bool;
    for (const [i, type] of given.entries()) {
      if (!this.#isAssignable(type, bool)) result = this.#mismatch(args[i]!.at, bool, type);
    }
    return result;
  }

  /** The result of an overload, if it takes arguments of these types. */
  #fit(overload: Overload, given: readonly CelType[]): CelType | undefined {
    const own: Substitution = new Map(overload.typeParameters.map((name) => [name, this.#open()]));
    const parameters = overload.parameters.map((parameter) => substitute(parameter, own));
    if (!unify(given, parameters, this.#bound)) return undefined;
    return this.#resolved(substitute(overload.result, own));
  }

  #list({ elements }: ListExpr): CelType {
    let element: CelType | undefined;
    for (const { value, optional } of elements) {
      const given = this.check(value);
      element = this.#joined(element, optional ? this.#unwrapped(given, value.at) : given);
    }
    return listOf(element ?? this.#open());
  }

  #map({ entries }: MapExpr): CelType {
    let key: CelType | undefined;
    let value: CelType | undefined;
    for (const entry of entries) {
      key = this.#joined(key, this.check(entry.key));
      const given = this.check(entry.value);
      value = this.#joined(value, entry.optional ? this.#unwrapped(given, entry.value.at) : given);
    }
    return mapOf(key ?? this.#open(), value ?? this.#open());
  }

  #unwrapped(given: CelType, at: number): CelType {
    if (isOptional(given)) return given.parameters[0] ?? dyn;
    if (!isDyn(given)) this.#mismatch(at, optionalOf(given), given);
    return given;
  }

  /** What does not go together is told once all the rest is right (validators.ts). */
  #joined(before: CelType | undefined, next: CelType): CelType {
    if (!before) return next;
    return this.#isAssignable(before, next) ? mostGeneral(before, next) : dyn;
  }

  #struct({ name, entries, at }: StructExpr): CelType {
    const type = this.#environment.structs?.(name);
    if (!type) return this.#undeclared(at, name);
    for (const { field, value, optional, at: place } of entries) {
      const checked = this.check(value);
      const known = type.fields.get(field)?.type ?? this.#error(place, `undefined field '${field}'`);
      const given = optional ? this.#unwrapped(checked, value.at) : checked;
      if (this.#isAssignable(known, given)) continue;
      const shown = `'${printType(known)}' but provided type is '${printType(given)}'`;
      this.#error(place, `expected type of field '${field}' is ${shown}`);
    }
    return type;
  }

  #comprehension({ range, variables, accumulator, init, condition, step, result }: ComprehensionExpr): CelType {
    const over = this.check(range);
    const accumulated = this.check(init);
    const names = this.#variables(variables, { over: this.#resolved(over), at: range.at });
    return this.#within(new Map([[accumulator, accumulated]]), () => {
      this.#within(names, () => {
        this.#require(condition, bool);
        this.#require(step, accumulated);
      });
      return this.#resolved(this.check(result));
    });
  }

  #require(expr: Expr, wanted: CelType): void {
    const given = this.check(expr);
    if (!this.#isAssignable(wanted, given)) this.#mismatch(expr.at, wanted, given);
  }

  #variables(
    [first = '', second]: readonly string[],
    { over, at }: { readonly over: CelType; readonly at: number },
  ): ReadonlyMap<string, CelType> {
    const named = (one: CelType, other: CelType) =>
      new Map(second === undefined ? [[first, one]] : [[first, one] as const, [second, other] as const]);
    switch (over.kind) {
      case 'list':
        return named(second === undefined ? over.element : int, over.element);
      case 'map':
        return named(over.key, over.value);
      case 'parameter':
        this.#isAssignable(dyn, over);
        return named(dyn, dyn);
    }
    if (isDyn(over) && !isPrimitive(over, 'any')) return named(dyn, dyn);
    const why = '(must be list, map, or dynamic)';
    this.#error(at, `expression of type '${printType(over)}' cannot be range of a comprehension ${why}`);
    return named(errorType, errorType);
  }
}

/** `a.b.c` as a name; undefined for what is none. */
function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return expr.name;
  if (expr.kind !== 'select' || expr.testOnly || expr.optional) return undefined;
  const operand = qualifiedName(expr.operand);
  return operand === undefined ? undefined : `${operand}.${expr.field}`;
}

function namespacedFunction(target: Expr, name: string): readonly Overload[] | undefined {
  const namespace = qualifiedName(target);
  return namespace === undefined ? undefined : library.get(`${namespace}.${name}`);
}
