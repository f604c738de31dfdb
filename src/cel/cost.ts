// What an expression may cost at the most, from the sizes that the schema of `self` allows (cel-go's checker/cost and
// Kubernetes' library/cost): rules that no request could afford are refused before they are stored.
import { type CallExpr, type ComprehensionExpr, type Expr, isBinding, type ListExpr, type MapExpr } from './ast.ts';
import type { Checked } from './checker.ts';
import { type Amount, add, costOf, fixed, nothing, sizeOf, times, union, unknown } from './cost-amounts.ts';
import { type CallContext, estimateCall } from './cost-calls.ts';
import { pathTypeOf } from './schema.ts';
import { type CelType, dyn, isOptional, isPrimitive } from './types.ts';

/** The most that one evaluation of a checked expression costs. `root` is the type of `self`. */
export function estimateCost(expr: Expr, checked: Checked, root: CelType): number {
  return new Estimator(checked, root).cost(expr).max;
}

/** Where a value is found: a variable, then fields, `@items`, `@keys` and `@values`. */
export type Path = readonly string[];

/** The sizes of what a list or a map holds. */
interface Entries {
  readonly isList: boolean;
  readonly key: Amount;
  readonly value: Amount;
}

interface Local {
  readonly path: Path;
  readonly size?: Amount | undefined;
  readonly entries?: Entries | undefined;
}

class Estimator {
  readonly #checked: Checked;
  readonly #root: CelType;
  readonly #locals = new Map<string, Local[]>();
  readonly #paths = new Map<Expr, Path>();
  readonly #sizes = new Map<Expr, Amount>();
  readonly #entries = new Map<Expr, Entries>();

  constructor(checked: Checked, root: CelType) {
    this.#checked = checked;
    this.#root = root;
  }

  cost(expr: Expr): Amount {
    const name = this.#checked.references.get(expr);
    if (name !== undefined) return this.#reference(expr, name);
    switch (expr.kind) {
      case 'literal':
        return nothing;
      case 'ident':
        return this.#reference(expr, expr.name);
      case 'select': {
        const below = this.cost(expr.operand);
        if (expr.testOnly) return below;
        if (expr.optional) return add(below, fixed(1));
        this.#paths.set(expr, [...this.#path(expr.operand), expr.field]);
        return isSelectable(this.#type(expr.operand)) ? add(below, fixed(1)) : below;
      }
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return add(fixed(40), ...expr.entries.map(({ value }) => this.cost(value)));
      case 'comprehension':
        return isBinding(expr) ? this.#binding(expr) : this.#comprehension(expr);
    }
  }

  #type(expr: Expr): CelType {
    return this.#checked.types.get(expr) ?? dyn;
  }

  #reference(expr: Expr, name: string): Amount {
    this.#paths.set(expr, this.#local(name)?.path ?? [name]);
    return fixed(1);
  }

  #local(name: string): Local | undefined {
    return this.#locals.get(name)?.at(-1);
  }

  #within<T>(locals: Readonly<Record<string, Local>>, work: () => T): T {
    const all = Object.entries(locals);
    for (const [name, local] of all) this.#locals.set(name, [...(this.#locals.get(name) ?? []), local]);
    try {
      return work();
    } finally {
      for (const [name] of all) this.#locals.get(name)?.pop();
    }
  }

  #path(expr: Expr): Path {
    const local = expr.kind === 'ident' ? this.#local(expr.name) : undefined;
    return local?.path ?? this.#paths.get(expr) ?? [];
  }

  /** Undefined where nothing says how large a value may be. */
  #size(expr: Expr): Amount | undefined {
    const known = this.#sizes.get(expr) ?? literalSize(expr);
    if (known) return known;
    const declared = this.#declared(this.#path(expr));
    if (declared) {
      this.#sizes.set(expr, declared);
      return declared;
    }
    if (isScalar(this.#type(expr))) return fixed(1);
    return expr.kind === 'ident' ? this.#local(expr.name)?.size : undefined;
  }

  #declared(path: Path): Amount | undefined {
    const [first] = path;
    if (first === undefined) return undefined;
    const type = pathTypeOf(this.#root, path.slice(1));
    return type && { min: 0, max: sizeOf(type) };
  }

  #entriesOf(expr: Expr): Entries | undefined {
    const known = this.#entries.get(expr);
    if (known || expr.kind !== 'ident') return known;
    return this.#local(expr.name)?.entries;
  }

  #keep(expr: Expr, size: Amount | undefined, entries?: Entries): void {
    if (size) this.#sizes.set(expr, size);
    if (entries) this.#entries.set(expr, entries);
  }

  #list(expr: ListExpr): Amount {
    const values = expr.elements.map(({ value }) => value);
    const costs = values.map((value) => this.cost(value));
    this.#entries.set(expr, { isList: true, key: fixed(1), value: this.#largest(values) });
    return add(fixed(10), ...costs);
  }

  #map(expr: MapExpr): Amount {
    const costs = expr.entries.flatMap(({ key, value }) => [this.cost(key), this.cost(value)]);
    const [key, value] = [expr.entries.map((one) => one.key), expr.entries.map((one) => one.value)];
    this.#entries.set(expr, { isList: false, key: this.#largest(key), value: this.#largest(value) });
    return add(fixed(30), ...costs);
  }

  #largest(exprs: readonly Expr[]): Amount {
    const sizes = exprs.map((one) => this.#size(one) ?? unknown);
    return sizes.length === 0 ? nothing : sizes.reduce(union);
  }

  #binding(expr: ComprehensionExpr): Amount {
    const { range, init, accumulator, result } = expr;
    const before = add(this.cost(range), this.cost(init));
    const local = { path: this.#path(init), size: this.#size(init), entries: this.#entriesOf(init) };
    const inner = this.#within({ [accumulator]: local }, () => this.cost(result));
    this.#keep(expr, this.#size(result), this.#entriesOf(result));
    return add(before, inner);
  }

  #comprehension(expr: ComprehensionExpr): Amount {
    const { range, init, accumulator, condition, step, result } = expr;
    const before = add(this.cost(range), this.cost(init));
    const accumulated = { path: this.#path(init), size: this.#size(init), entries: this.#entriesOf(init) };
    const { round, end, collected } = this.#within({ [accumulator]: accumulated }, () => {
      const round = this.#within(this.#variables(expr), () => add(this.cost(condition), this.cost(step)));
      return { round, end: this.cost(result), collected: this.#entriesOf(step) };
    });
    const count = this.#size(range) ?? unknown;
    if (init.kind === 'literal') this.#keep(expr, this.#size(init));
    else this.#keep(expr, count, collected);
    return add(before, end, times(count, round));
  }

  #variables({ range, variables: [first = '', second] }: ComprehensionExpr): Readonly<Record<string, Local>> {
    const entries = this.#entriesOf(range);
    const isList = entries ? entries.isList : this.#type(range).kind === 'list';
    const path = this.#path(range);
    const value = { path: [...path, isList ? '@items' : '@values'], size: entries?.value };
    const key = { path: [...path, isList ? '@indices' : '@keys'], size: entries?.key };
    if (second !== undefined) return { [first]: key, [second]: value };
    return { [first]: isList ? value : key };
  }

  #call(expr: CallExpr): Amount {
    const { name, target, args } = expr;
    if (name === 'dyn') {
      const cost = add(fixed(1), this.cost(args[0]!));
      this.#keep(expr, this.#size(args[0]!), this.#entriesOf(args[0]!));
      return cost;
    }
    const costs = args.map((arg) => this.cost(arg));
    const call = this.#checked.calls.get(expr);
    const subject = target && !call?.isNamespaced ? target : undefined;
    const before = subject ? this.cost(subject) : nothing;
    if (name === '_&&_' || name === '_||_') {
      return { min: costs[0]!.min, max: add(...costs).max };
    }
    if (name === '_?_:_') return this.#choice(expr, costs);
    const context = this.#context(subject ? [subject, ...args] : args);
    const estimates = (call?.overloads ?? []).map((overload) => estimateCall(overload, context));
    const own = estimates.map(({ cost }) => cost).reduce(union, estimates[0]?.cost ?? fixed(1));
    const sizes = estimates.flatMap(({ size }) => (size ? [size] : []));
    this.#keepResult(expr, sizes.length > 0 ? sizes.reduce(union) : undefined);
    return add(before, own, ...costs);
  }

  #keepResult(expr: CallExpr, size: Amount | undefined): void {
    const { name, args } = expr;
    const [first, second] = args;
    if (name === '_[_]') {
      const container = this.#type(first!).kind;
      const below = container === 'list' ? '@items' : container === 'map' ? '@values' : undefined;
      if (below) {
        this.#paths.set(expr, [...this.#path(first!), below]);
        this.#keep(expr, this.#entriesOf(first!)?.value ?? this.#size(expr));
        return;
      }
    }
    if (name === '_+_') this.#keep(expr, undefined, bothEntries(this.#entriesOf(first!), this.#entriesOf(second!)));
    this.#keep(expr, size ?? this.#size(expr));
  }

  #choice(expr: CallExpr, [condition, yes, no]: readonly Amount[]): Amount {
    const [, whenTrue, whenFalse] = expr.args as [Expr, Expr, Expr];
    const size = union(this.#size(whenTrue) ?? unknown, this.#size(whenFalse) ?? unknown);
    this.#keep(expr, size, bothEntries(this.#entriesOf(whenTrue), this.#entriesOf(whenFalse)));
    return add(condition!, union(yes!, no!));
  }

  #context(exprs: readonly Expr[]): CallContext {
    return {
      exprs,
      types: exprs.map((one) => this.#type(one)),
      sizes: exprs.map((one) => this.#size(one) ?? unknown),
      itemSize: (i) => {
        const path = this.#path(exprs[i]!);
        return path.length === 0 ? undefined : this.#declared([...path, '@items']);
      },
    };
  }
}

function bothEntries(a: Entries | undefined, b: Entries | undefined): Entries | undefined {
  return a && b && { isList: a.isList, key: union(a.key, b.key), value: union(a.value, b.value) };
}

function isSelectable({ kind }: CelType): boolean {
  return kind === 'map' || kind === 'object' || kind === 'parameter';
}

function literalSize(expr: Expr): Amount | undefined {
  if (expr.kind === 'list') return fixed(expr.elements.length);
  if (expr.kind === 'map') return fixed(expr.entries.length);
  return expr.kind === 'literal' ? costOf(expr.value) : undefined;
}

function isScalar(type: CelType): boolean {
  if (isOptional(type)) return isScalar(type.parameters[0] ?? dyn);
  return (['bool', 'double', 'duration', 'int', 'timestamp', 'uint'] as const).some((name) => isPrimitive(type, name));
}
