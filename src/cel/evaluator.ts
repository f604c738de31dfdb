// A checked expression as a function from its variables to its value. Every step is counted.
import { ownValue, table } from '../apimachinery/table.ts';
import { type CallExpr, type ComprehensionExpr, type Expr, isBinding, type MapExpr, type StructExpr } from './ast.ts';
import { callCost } from './call-cost.ts';
import type { Checked, Environment, ResolvedCall } from './checker.ts';
import { equal } from './compare.ts';
import { CelBudgetError, CelError } from './errors.ts';
import { checkQualifier, indexOrThrow, keyOf, optionalIndex } from './functions/operators.ts';
import { typeNames } from './library.ts';
import { isOf, typeName } from './overload.ts';
import { compileRegex } from './regex.ts';
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

/** A variable of a macro; what is around it. */
export interface Frame {
  readonly name: string;
  readonly outer: Frame | undefined;
  value: Value;
  /** Looking at it fails. */
  failed?: CelError | undefined;
  /** Makes the value when it is first looked at. */
  make?: (() => Value) | undefined;
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

/** Throws a CelError for what is constant and cannot be evaluated. */
export function planEvaluation(expr: Expr, checked: Checked, environment: Environment): Evaluate {
  return new Planner(checked, environment).plan(expr).evaluate;
}

interface Plan {
  readonly evaluate: Evaluate;
  /** Known before: it costs nothing. */
  readonly constant?: Value;
  /** A variable or what is found below one, or below another value: looking further costs one step for each name. */
  readonly attribute?: {
    readonly find: Evaluate;
    /** What it costs to look at it whatever the names. */
    readonly cost: 0 | 1;
  };
}

const conversions = new Set([
  'bool',
  'bytes',
  'double',
  'dyn',
  'duration',
  'int',
  'string',
  'timestamp',
  'type',
  'uint',
]);

/** Functions whose second argument is a regular expression. */
const patterned = new Set(['matches', 'find', 'findAll']);

function constantPlan(value: Value): Plan {
  return { evaluate: () => value, constant: value };
}

class Planner {
  readonly #checked: Checked;
  readonly #environment: Environment;

  constructor(checked: Checked, environment: Environment) {
    this.#checked = checked;
    this.#environment = environment;
  }

  plan(expr: Expr): Plan {
    const name = this.#checked.references.get(expr);
    if (name !== undefined) return this.#reference(name);
    switch (expr.kind) {
      case 'literal':
        return constantPlan(expr.type === 'uint' ? new Uint(expr.value as bigint) : expr.value);
      case 'ident':
        return this.#reference(expr.name);
      case 'select': {
        const { operand, field, testOnly, optional } = expr;
        const look = (value: Value) => selected(value, field, { testOnly, optional });
        return this.#below(this.plan(operand), look, { isTest: testOnly });
      }
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr.elements.map(({ value, optional }) => ({ value: this.plan(value), optional })));
      case 'map':
        return this.#map(expr);
      case 'struct':
        return { evaluate: this.#struct(expr) };
      case 'comprehension':
        return { evaluate: isBinding(expr) ? this.#binding(expr) : this.#comprehension(expr) };
    }
  }

  #evaluate(expr: Expr): Evaluate {
    return this.plan(expr).evaluate;
  }

  #reference(name: string): Plan {
    const type = this.#environment.variables.has(name) ? undefined : typeNames[name];
    const typeValue = type && new TypeValue(type.name);
    const find: Evaluate = (run, frame) => {
      for (let at = frame; at; at = at.outer) if (at.name === name) return valueIn(at);
      return typeValue ?? run.variable(name);
    };
    if (typeValue) return { evaluate: find, constant: typeValue };
    return attributePlan(find, 1);
  }

  /** What a value holds under a name or an index. Testing whether it is there costs nothing beyond what is around it. */
  #below(
    operand: Plan,
    look: (value: Value, run: Run, frame: Frame | undefined) => Value,
    { isTest = false } = {},
  ): Plan {
    const { find, cost } = operand.attribute ?? { find: operand.evaluate, cost: 1 };
    const below: Evaluate = (run, frame) => {
      const value = find(run, frame);
      const found = look(value, run, frame);
      // What is optional and not there was not looked at.
      if (found !== none) run.step();
      return found;
    };
    if (!isTest) return attributePlan(below, cost);
    return {
      evaluate: (run, frame) => {
        const found = below(run, frame);
        run.step(cost - 1);
        return found;
      },
    };
  }

  #call(expr: CallExpr): Plan {
    const { name, args, target } = expr;
    switch (name) {
      case '_&&_':
        return { evaluate: this.#logic(args, false) };
      case '_||_':
        return { evaluate: this.#logic(args, true) };
      case '_?_:_':
        return this.#choice(args);
      case '_[_]':
      case '_[?_]':
        return this.#index(expr);
    }
    const call = this.#checked.calls.get(expr);
    if (!call) throw new Error(`the call of ${name} is not resolved`);
    const given = (target && !call.isNamespaced ? [target, ...args] : args).map((arg) => this.plan(arg));
    if (name === '@not_strictly_false') return { evaluate: notStrictlyFalse(given[0]!.evaluate) };
    if (target && (name === 'or' || name === 'orValue')) return { evaluate: otherwise(name, given) };
    const [first, second] = given;
    if (conversions.has(name) && given.length === 1 && first!.constant !== undefined) {
      return constantPlan(apply(call, [first!.constant]));
    }
    if (name === '@in' && second!.constant instanceof ListValue) {
      const plan = membership(first!, second!.constant);
      if (plan) return plan;
    }
    const evaluates = given.map(({ evaluate }) => evaluate);
    // Patterns that stand in the source are read once, and refused at once.
    if (patterned.has(name) && typeof second?.constant === 'string') compileRegex(second.constant);
    const isCollecting = args[0]?.kind === 'ident' && args[0].name === '@result';
    return { evaluate: isCollecting ? collecting(name, call, evaluates) : calling(call, evaluates) };
  }

  #choice(args: readonly Expr[]): Plan {
    const [condition, yes, no] = args.map((arg) => this.plan(arg)) as [Plan, Plan, Plan];
    const [whenTrue, whenFalse] = [yes, no].map((plan) => plan.attribute?.find ?? plan.evaluate) as [
      Evaluate,
      Evaluate,
    ];
    return attributePlan(
      (run, frame) => (asBool(condition.evaluate(run, frame)) ? whenTrue : whenFalse)(run, frame),
      0,
    );
  }

  #index({ name, args }: CallExpr): Plan {
    const [container, index] = args.map((arg) => this.plan(arg)) as [Plan, Plan];
    const find = index.attribute?.find ?? index.evaluate;
    const isOptional = name === '_[?_]';
    if (index.constant !== undefined) checkQualifier(index.constant);
    return this.#below(container, (value, run, frame) => {
      if (value === none) return none;
      const at = find(run, frame);
      return isOptional || value instanceof Optional ? optionalIndex(value, at) : indexOrThrow(value, at);
    });
  }

  /** `&&` and `||`: what decides alone decides, whatever is wrong with the other side. */
  #logic(args: readonly Expr[], decisive: boolean): Evaluate {
    const [left, right] = args.map((arg) => this.#evaluate(arg)) as [Evaluate, Evaluate];
    return (run, frame) => {
      let failed: unknown;
      try {
        if (asBool(left(run, frame)) === decisive) return decisive;
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        failed = error;
      }
      if (failed === undefined) return asBool(right(run, frame));
      try {
        if (asBool(right(run, frame)) === decisive) return decisive;
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
      }
      throw failed;
    };
  }

  #list(elements: readonly { readonly value: Plan; readonly optional: boolean }[]): Plan {
    const make: Evaluate = (run, frame) => {
      const items: Value[] = [];
      for (const { value, optional } of elements) {
        const item = value.evaluate(run, frame);
        if (!optional) items.push(item);
        else if (!(item instanceof Optional))
          throw new CelError('cannot initialize optional list element from non-optional value');
        else if (item.value !== undefined) items.push(item.value);
      }
      return new ListValue(items);
    };
    const isConstant = elements.every(({ value, optional }) => value.constant !== undefined && !optional);
    return isConstant ? constantPlan(make(nowhere, undefined)) : { evaluate: charged(make, 10) };
  }

  #map({ entries }: MapExpr): Plan {
    const planned = entries.map(({ key, value, optional }) => ({
      key: this.plan(key),
      value: this.plan(value),
      optional,
    }));
    const make: Evaluate = (run, frame) => {
      const made = new Map<MapKey, Value>();
      for (const { key, value, optional } of planned) {
        const given = key.evaluate(run, frame);
        const name = keyOf(given);
        if (name === undefined) throw new CelError('unsupported key type');
        const item = value.evaluate(run, frame);
        if (!optional) made.set(name, item);
        else if (!(item instanceof Optional))
          throw new CelError('cannot initialize optional entry from non-optional value');
        else if (item.value === undefined) made.delete(name);
        else made.set(name, item.value);
      }
      return new MapValue(made);
    };
    const isConstant = planned.every(
      ({ key, value, optional }) => key.constant !== undefined && value.constant !== undefined && !optional,
    );
    return isConstant ? constantPlan(make(nowhere, undefined)) : { evaluate: charged(make, 30) };
  }

  #struct({ name, entries }: StructExpr): Evaluate {
    const type = this.#environment.structs?.(name) as ObjectType;
    const planned = entries.map(({ field, value, optional }) => ({ field, value: this.#evaluate(value), optional }));
    return charged((run, frame) => {
      const raw: Record<string, unknown> = {};
      for (const { field, value, optional } of planned) {
        const made = value(run, frame);
        if (optional && made instanceof Optional && made.value === undefined) continue;
        const item = optional && made instanceof Optional ? made.value! : made;
        raw[type.fields.get(field)?.jsonName ?? field] = toJson(item);
      }
      return new ObjectValue(type, raw);
    }, 40);
  }

  #binding({ accumulator, init, result }: ComprehensionExpr): Evaluate {
    const make = this.#evaluate(init);
    const body = this.#evaluate(result);
    return (run, outer) => body(run, { name: accumulator, value: null, make: () => make(run, outer), outer });
  }

  #comprehension({ range, variables, accumulator, init, condition, step, result }: ComprehensionExpr): Evaluate {
    const over = this.#evaluate(range);
    const start = this.plan(init).constant!;
    const [goesOn, next, end] = [condition, step, result].map((one) => this.#evaluate(one)) as [
      Evaluate,
      Evaluate,
      Evaluate,
    ];
    return (run, outer) => {
      const values = over(run, outer);
      const accumulated: Frame = { name: accumulator, value: fresh(start), outer };
      for (const frame of rounds(values, variables, accumulated)) {
        if (goesOn(run, frame) === false) break;
        try {
          accumulated.value = next(run, frame);
          accumulated.failed = undefined;
        } catch (error) {
          if (!(error instanceof CelError)) throw error;
          accumulated.failed = error;
        }
      }
      return end(run, accumulated);
    };
  }
}

/** For what is evaluated while planning: constants look at nothing. */
const nowhere = new Run({}, Number.POSITIVE_INFINITY);

function attributePlan(find: Evaluate, cost: 0 | 1): Plan {
  if (cost === 0) return { evaluate: find, attribute: { find, cost } };
  const evaluate: Evaluate = (run, frame) => {
    const value = find(run, frame);
    run.step();
    return value;
  };
  return { evaluate, attribute: { find, cost } };
}

function charged(make: Evaluate, cost: number): Evaluate {
  return (run, frame) => {
    const made = make(run, frame);
    run.step(cost);
    return made;
  };
}

function valueIn(frame: Frame): Value {
  if (frame.make) {
    const { make } = frame;
    frame.make = undefined;
    try {
      frame.value = make();
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      frame.failed = error;
    }
  }
  if (frame.failed) throw frame.failed;
  return frame.value;
}

/** What is collected into is made anew for each evaluation. */
function fresh(start: Value): Value {
  if (start instanceof ListValue) return new ListValue([]);
  return start instanceof MapValue ? new MapValue(new Map()) : start;
}

function* rounds(values: Value, [name = '', second]: readonly string[], outer: Frame): Generator<Frame> {
  const round = (first: Value, other: Value): Frame => {
    const frame: Frame = { name, value: first, outer };
    return second === undefined ? frame : { name: second, value: other, outer: frame };
  };
  if (values instanceof ListValue) {
    for (const [i, item] of values.items.entries())
      yield second === undefined ? round(item, null) : round(BigInt(i), item);
  } else if (values instanceof MapValue) {
    for (const [key, value] of values.entries) yield round(key, value);
  } else if (values instanceof ObjectValue) {
    for (const key of values.names()) yield round(key, second === undefined ? null : (values.get(key) ?? null));
  } else throw new CelError(`got '${goTypes[typeName(values)] ?? typeName(values)}', expected iterable type`);
}

/** What cel-go calls the types of values. */
const goTypes = table<string>({
  bool: 'types.Bool',
  bytes: 'types.Bytes',
  double: 'types.Double',
  'google.protobuf.Duration': 'types.Duration',
  'google.protobuf.Timestamp': 'types.Timestamp',
  int: 'types.Int',
  null_type: 'types.Null',
  optional_type: '*types.Optional',
  string: 'types.String',
  type: '*types.Type',
  uint: 'types.Uint',
});

function choose({ overloads, isExact }: ResolvedCall, values: readonly Value[]) {
  const overload = isExact
    ? overloads[0]
    : overloads.find(({ parameters }) => parameters.every((type, i) => isOf(values[i]!, type)));
  if (overload) return overload;
  const [{ name } = { name: '' }] = overloads;
  // Operators do not say what they were given, nor do functions with one implementation for all types.
  if (/^[_@!-]/.test(name) || ['matches', 'find', 'findAll'].includes(name)) throw new CelError('no such overload');
  if (name === 'size' || name === 'sort') throw new CelError(`no such overload: ${name}`);
  throw new CelError(`no such overload: ${name}(${values.map(typeName).join(', ')})`);
}

function apply(call: ResolvedCall, values: readonly Value[]): Value {
  return choose(call, values).call(...values);
}

function calling(call: ResolvedCall, args: readonly Evaluate[]): Evaluate {
  return (run, frame) => {
    const values = args.map((arg) => arg(run, frame));
    const { name, call: apply } = choose(call, values);
    const result = apply(...values);
    run.step(callCost(name, values, result));
    return result;
  };
}

/** What macros collect grows in place: nothing else can see it. */
function collecting(name: string, call: ResolvedCall, [accumulated, ...added]: readonly Evaluate[]): Evaluate {
  const plain = calling(call, [accumulated!, ...added]);
  return (run, frame) => {
    if (name !== '_+_' || !(peek(frame) instanceof ListValue)) return plain(run, frame);
    const list = accumulated!(run, frame) as ListValue;
    const more = added[0]!(run, frame);
    if (!(more instanceof ListValue)) throw new CelError('no such overload');
    (list.items as Value[]).push(...more.items);
    run.step();
    return list;
  };
}

function peek(frame: Frame | undefined): Value | undefined {
  for (let at = frame; at; at = at.outer) if (at.name === '@result') return at.failed ? undefined : at.value;
  return undefined;
}

function notStrictlyFalse(argument: Evaluate): Evaluate {
  return (run, frame) => {
    let value: Value = true;
    try {
      value = argument(run, frame) !== false;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
    }
    run.step();
    return value;
  };
}

/** `or` and `orValue` look at what else there is only where there is nothing. */
function otherwise(name: 'or' | 'orValue', [first, second]: readonly Plan[]): Evaluate {
  return (run, frame) => {
    const optional = first!.evaluate(run, frame);
    if (!(optional instanceof Optional)) throw new CelError('no such overload');
    if (optional.value === undefined) return second!.evaluate(run, frame);
    return name === 'or' ? optional : optional.value;
  };
}

/** In a list of constants: looking there costs nothing beyond the value. */
function membership(value: Plan, { items }: ListValue): Plan | undefined {
  if (items.length === 0) return constantPlan(false);
  const isPlain = (item: Value) => typeof item !== 'object' || item === null || item instanceof Uint;
  if (!items.every((item) => isPlain(item) && item !== null)) return undefined;
  const texts = items.every((item) => typeof item === 'string') ? new Set<Value>(items) : undefined;
  return {
    evaluate: (run, frame) => {
      const wanted = value.evaluate(run, frame);
      return texts ? texts.has(wanted) : items.some((item) => equal(item, wanted));
    },
  };
}

function asBool(value: Value): boolean {
  if (typeof value !== 'boolean') throw new CelError('no such overload');
  return value;
}

interface Selection {
  readonly testOnly: boolean;
  readonly optional: boolean;
}

function selected(value: Value, field: string, { testOnly, optional }: Selection): Value {
  if (value instanceof Optional) {
    const found = value.value === undefined ? undefined : fieldOf(value.value, field, { isTest: true });
    if (testOnly) return found !== undefined;
    return found === undefined ? none : new Optional(found);
  }
  const found = fieldOf(value, field, { isTest: testOnly || optional });
  if (testOnly) return found !== undefined;
  if (optional) return found === undefined ? none : new Optional(found);
  if (found === undefined) throw new CelError(`no such key: ${field}`);
  return found;
}

/** Undefined where there is no such field. Throws CelError for values without fields. */
function fieldOf(value: Value, field: string, { isTest }: { readonly isTest: boolean }): Value | undefined {
  if (value instanceof ObjectValue) return value.get(field);
  if (value instanceof MapValue) return value.entries.get(field);
  if (isTest) return undefined;
  if (value instanceof ListValue) throw new CelError("unsupported index type 'string' in list");
  throw new CelError(`no such key: ${field}`);
}
