// A checked expression as a function from its variables to its value. Every step is counted.
import { ownValue } from '../apimachinery/table.ts';
import type { CallExpr, Expr, FoldExpr, MapExpr, SelectExpr, StructExpr } from './ast.ts';
import type { Checked, Environment, ResolvedCall } from './checker.ts';
import { CelBudgetError, CelError } from './errors.ts';
import { runFold } from './folds.ts';
import { keyOf } from './functions/operators.ts';
import { typeNames } from './library.ts';
import { isOf } from './overload.ts';
import type { ObjectType } from './types.ts';
import {
  ListValue,
  type MapKey,
  MapValue,
  none,
  ObjectValue,
  Optional,
  TypeValue,
  toJson,
  Uint,
  type Value,
} from './values.ts';

/** Values by the names of variables; a function is called when its variable is first looked at, and once. */
export type Bindings = Readonly<Record<string, Value | (() => Value)>>;

/** The variables of macros, innermost first. */
export interface Frame {
  readonly name: string;
  readonly value: Value;
  readonly outer: Frame | undefined;
}

/** One evaluation. */
export class Run {
  cost = 0;
  readonly #limit: number;
  readonly #bindings: Bindings;
  readonly #made = new Map<string, Value>();

  constructor(bindings: Bindings, limit: number) {
    this.#bindings = bindings;
    this.#limit = limit;
  }

  /** Throws CelBudgetError when it is too much. */
  step(cost = 1): void {
    this.cost += cost;
    if (this.cost > this.#limit) throw new CelBudgetError();
  }

  variable(name: string): Value {
    const bound: Value | (() => Value) | undefined = ownValue(this.#bindings, name);
    if (bound === undefined) throw new CelError(`no such attribute(s): ${name}`);
    if (typeof bound !== 'function') return bound;
    const made = this.#made.get(name);
    if (made !== undefined) return made;
    const value: Value = bound();
    this.#made.set(name, value);
    return value;
  }
}

export type Evaluate = (run: Run, frame: Frame | undefined) => Value;

export function planEvaluation(expr: Expr, checked: Checked, environment: Environment): Evaluate {
  return new Planner(checked, environment).plan(expr);
}

class Planner {
  readonly #checked: Checked;
  readonly #environment: Environment;

  constructor(checked: Checked, environment: Environment) {
    this.#checked = checked;
    this.#environment = environment;
  }

  plan(expr: Expr): Evaluate {
    const name = this.#checked.references.get(expr);
    if (name !== undefined) return this.#reference(name);
    switch (expr.kind) {
      case 'literal': {
        const value: Value = expr.type === 'uint' ? new Uint(expr.value as bigint) : expr.value;
        return () => value;
      }
      case 'ident':
        return this.#reference(expr.name);
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr.elements.map(({ value, optional }) => ({ value: this.plan(value), optional })));
      case 'map':
        return this.#map(expr);
      case 'struct':
        return this.#struct(expr);
      case 'fold':
        return this.#fold(expr);
      case 'bind': {
        const value = this.plan(expr.value);
        const body = this.plan(expr.body);
        return (run, outer) => body(run, { name: expr.name, value: value(run, outer), outer });
      }
    }
  }

  #reference(name: string): Evaluate {
    const type = this.#environment.variables.has(name) ? undefined : typeNames[name];
    const typeValue = type && new TypeValue(type.name);
    return (run, frame) => {
      run.step();
      for (let at = frame; at; at = at.outer) if (at.name === name) return at.value;
      return typeValue ?? run.variable(name);
    };
  }

  #select({ operand, field, testOnly, optional }: SelectExpr): Evaluate {
    const target = this.plan(operand);
    return (run, frame) => {
      const value = target(run, frame);
      run.step();
      if (value instanceof Optional) {
        const found = value.value === undefined ? undefined : fieldOf(value.value, field);
        if (testOnly) return found !== undefined;
        return found === undefined ? none : new Optional(found);
      }
      const found = fieldOf(value, field);
      if (testOnly) return found !== undefined;
      if (optional) return found === undefined ? none : new Optional(found);
      if (found === undefined) throw new CelError(`no such key: ${field}`);
      return found;
    };
  }

  #call(expr: CallExpr): Evaluate {
    const { name, args, target } = expr;
    if (name === '_&&_') return this.#logic(args, false);
    if (name === '_||_') return this.#logic(args, true);
    if (name === '_?_:_') {
      const [condition, yes, no] = args.map((arg) => this.plan(arg)) as [Evaluate, Evaluate, Evaluate];
      return (run, frame) => {
        run.step();
        return (asBool(condition(run, frame)) ? yes : no)(run, frame);
      };
    }
    const call = this.#checked.calls.get(expr);
    if (!call) throw new Error(`the call of ${name} is not resolved`);
    const given = target && !call.isNamespaced ? [target, ...args] : args;
    return this.#function(
      call,
      given.map((arg) => this.plan(arg)),
    );
  }

  #function({ overloads, isExact }: ResolvedCall, args: readonly Evaluate[]): Evaluate {
    const [only] = overloads;
    return (run, frame) => {
      const values = args.map((arg) => arg(run, frame));
      const overload = isExact
        ? only
        : overloads.find(({ parameters }) => parameters.every((type, i) => isOf(values[i]!, type)));
      if (!overload) throw new CelError('no such overload');
      run.step(1 + (overload.cost?.(values) ?? 0));
      return overload.call(...values);
    };
  }

  /** `&&` and `||`: what decides alone decides, whatever is wrong with the other side. */
  #logic(args: readonly Expr[], decisive: boolean): Evaluate {
    const [left, right] = args.map((arg) => this.plan(arg)) as [Evaluate, Evaluate];
    return (run, frame) => {
      run.step();
      let failed: unknown;
      try {
        if (asBool(left(run, frame)) === decisive) return decisive;
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        failed = error;
      }
      const value = asBool(right(run, frame));
      if (failed !== undefined && value !== decisive) throw failed;
      return value;
    };
  }

  #list(elements: readonly { readonly value: Evaluate; readonly optional: boolean }[]): Evaluate {
    return (run, frame) => {
      run.step(10);
      const items: Value[] = [];
      for (const { value, optional } of elements) {
        const item = value(run, frame);
        if (!optional) items.push(item);
        else if (item instanceof Optional && item.value !== undefined) items.push(item.value);
      }
      return new ListValue(items);
    };
  }

  #map({ entries }: MapExpr): Evaluate {
    const planned = entries.map(({ key, value, optional }) => ({
      key: this.plan(key),
      value: this.plan(value),
      optional,
    }));
    return (run, frame) => {
      run.step(30);
      const made = new Map<MapKey, Value>();
      for (const { key, value, optional } of planned) {
        const name = keyOf(key(run, frame));
        if (name === undefined) throw new CelError('unsupported key type');
        const item = value(run, frame);
        if (optional && !(item instanceof Optional && item.value !== undefined)) continue;
        if (made.has(name)) throw new CelError(`Failed with repeated key: ${name}`);
        made.set(name, optional ? ((item as Optional).value ?? null) : item);
      }
      return new MapValue(made);
    };
  }

  #struct({ name, entries }: StructExpr): Evaluate {
    const type = this.#environment.structs?.(name) as ObjectType;
    const planned = entries.map(({ field, value, optional }) => ({ field, value: this.plan(value), optional }));
    return (run, frame) => {
      run.step(40);
      const raw: Record<string, unknown> = {};
      for (const { field, value, optional } of planned) {
        const made = value(run, frame);
        if (optional && made instanceof Optional && made.value === undefined) continue;
        const item = optional && made instanceof Optional ? made.value! : made;
        raw[type.fields.get(field)?.jsonName ?? field] = toJson(item);
      }
      return new ObjectValue(type, raw);
    };
  }

  #fold(expr: FoldExpr): Evaluate {
    const range = this.plan(expr.range);
    const body = this.plan(expr.body);
    const filter = expr.filter && this.plan(expr.filter);
    const { macro, variables } = expr;
    return (run, frame) => {
      run.step();
      return runFold({ macro, variables, range: range(run, frame), body, filter, run, frame });
    };
  }
}

export function asBool(value: Value): boolean {
  if (typeof value !== 'boolean') throw new CelError('no such overload');
  return value;
}

/** Undefined where there is no such field. Throws CelError for values without fields. */
function fieldOf(value: Value, field: string): Value | undefined {
  if (value instanceof ObjectValue) return value.get(field);
  if (value instanceof MapValue) return value.entries.get(field);
  throw new CelError(value === null ? `no such key: ${field}` : 'no such overload');
}
