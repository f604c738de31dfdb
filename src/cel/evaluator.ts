// A checked expression as a function from its variables to its value. Every step is counted.
import { table } from '../apimachinery/table.ts';
import { type CallExpr, type ComprehensionExpr, type Expr, isBinding, type MapExpr, type StructExpr } from './ast.ts';
import { apply, calling, collecting, membership, notStrictlyFalse, otherwise } from './calls.ts';
import type { Checked, Environment } from './checker.ts';
import { CelError } from './errors.ts';
import { checkQualifier, indexOrThrow, keyOf, optionalIndex } from './functions/operators.ts';
import { typeNames } from './library.ts';
import { typeName } from './overload.ts';
import { compileRegex } from './regex.ts';
import {
  asBool,
  attributePlan,
  charged,
  constantPlan,
  type Evaluate,
  type Frame,
  nowhere,
  type Plan,
  type Run,
  valueIn,
} from './run.ts';
import type { ObjectType } from './types.ts';
import {
  ListValue,
  type MapKey,
  MapValue,
  NoJsonError,
  none,
  ObjectValue,
  Optional,
  TypeValue,
  toJson,
  Uint,
  type Value,
} from './values.ts';

/** Throws a CelError for what is constant and cannot be evaluated. */
export function planEvaluation(expr: Expr, checked: Checked, environment: Environment): Evaluate {
  return new Planner(checked, environment).plan(expr).evaluate;
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
        return constantPlan(expr.type === 'uint' ? new Uint(expr.value) : expr.value);
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
      const misnamed: string[] = [];
      let noJson: string | undefined;
      for (const { field, value, optional } of planned) {
        const made = value(run, frame);
        if (optional && made instanceof Optional && made.value === undefined) continue;
        const item = optional && made instanceof Optional ? made.value! : made;
        const key = type.fields.get(field)?.jsonName ?? field;
        try {
          raw[key] = name === 'JSONPatch' ? patchValue(item) : toJson(item);
        } catch (error) {
          // Who makes a patch is told of it once the whole of it is known.
          if (!(error instanceof NoJsonError) || name !== 'JSONPatch') throw error;
          noJson ??= error.message;
        }
        misnamed.push(...misnamedIn(item, `${name}.${key}`));
      }
      return new ObjectValue(type, raw, { misnamed, noJson });
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

/** A patch is no value of another one. */
function patchValue(value: Value): unknown {
  if (value instanceof ObjectValue && value.type.name === 'JSONPatch') {
    throw new NoJsonError('cannot convert to native type: *structpb.Value');
  }
  return toJson(value);
}

/** Objects are named by the fields that they are in, through lists and maps (apiserver/pkg/cel/mutation/dynamic). */
function misnamedIn(value: Value, expected: string): readonly string[] {
  if (value instanceof ListValue) return value.items.flatMap((item) => misnamedIn(item, expected));
  if (value instanceof MapValue) return [...value.entries.values()].flatMap((item) => misnamedIn(item, expected));
  if (!(value instanceof ObjectValue) || !value.type.name.startsWith('Object')) return [];
  const { type, misnamed } = value;
  // What JSONPatch holds may be named as it likes, and begins anew.
  if (type.name === expected || expected.startsWith('JSONPatch.')) return misnamed;
  const why = `expected "${expected}", which matches field name path from root Object type`;
  return [`unexpected type name "${type.name}", ${why}`, ...misnamed];
}
