// Calls of functions whose overloads are known, or chosen by the values; and calls that look at their arguments themselves.
import { callCost, resultCost } from './call-cost.ts';
import type { ResolvedCall } from './checker.ts';
import { equal } from './compare.ts';
import { CelError } from './errors.ts';
import { isOf, typeName } from './overload.ts';
import { constantPlan, type Evaluate, type Frame, type Plan } from './run.ts';
import { ListValue, Optional, Uint, type Value } from './values.ts';

/** Functions with one implementation for all types, which does not say what it was given. */
const plainly = ['matches', 'find', 'findAll', 'startsWith', 'endsWith', 'contains'];

function choose({ overloads, isExact }: ResolvedCall, values: readonly Value[]) {
  // null passes for values of many types, and is none of them.
  const overload =
    isExact && !values.includes(null)
      ? overloads[0]
      : overloads.find(({ parameters }) => parameters.every((type, i) => isOf(values[i]!, type)));
  if (overload) return overload;
  const [{ name } = { name: '' }] = overloads;
  // Operators do not say what they were given, either.
  if (['size', 'sort', '@sortByAssociatedKeys'].includes(name)) throw new CelError(`no such overload: ${name}`);
  if (/^[_@!-]/.test(name) || plainly.includes(name)) throw new CelError('no such overload');
  throw new CelError(`no such overload: ${name}(${values.map(typeName).join(', ')})`);
}

export function apply(call: ResolvedCall, values: readonly Value[]): Value {
  return choose(call, values).call(...values);
}

export function calling(call: ResolvedCall, args: readonly Evaluate[]): Evaluate {
  return (run, frame) => {
    const values = args.map((arg) => arg(run, frame));
    const { name, call: apply } = choose(call, values);
    const cost = isOpen(call) ? 1 : callCost(name, values);
    // What may take quadratic time is not begun where it cannot be paid for.
    if (cost !== undefined) run.checkAffordable(cost);
    if (name === '_+_') run.copy(copiedBy(values));
    const result = apply(...values);
    run.step(cost ?? resultCost(name, result));
    return result;
  };
}

/** cel-go asks the overload what it costs to sort: where there are several, nobody does. */
function isOpen({ overloads, isExact }: ResolvedCall): boolean {
  return (
    !isExact &&
    overloads.length > 1 &&
    (overloads[0]!.name === 'sort' || overloads[0]!.name === '@sortByAssociatedKeys')
  );
}

/** Adding lists makes a third of all their elements. */
function copiedBy([a, b]: readonly Value[]): number {
  return a instanceof ListValue && b instanceof ListValue ? a.items.length + b.items.length : 0;
}

/** What macros collect grows in place: nothing else can see it. */
export function collecting(name: string, call: ResolvedCall, [accumulated, ...added]: readonly Evaluate[]): Evaluate {
  const plain = calling(call, [accumulated!, ...added]);
  return (run, frame) => {
    if (name !== '_+_' || !(peek(frame) instanceof ListValue)) return plain(run, frame);
    const list = accumulated!(run, frame) as ListValue;
    const more = added[0]!(run, frame);
    if (!(more instanceof ListValue)) throw new CelError('no such overload');
    for (const item of more.items) (list.items as Value[]).push(item);
    run.step();
    return list;
  };
}

function peek(frame: Frame | undefined): Value | undefined {
  for (let at = frame; at; at = at.outer) if (at.name === '@result') return at.failed ? undefined : at.value;
  return undefined;
}

/** `@not_strictly_false`: an error is no reason to end a comprehension. */
export function notStrictlyFalse(argument: Evaluate): Evaluate {
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
export function otherwise(name: 'or' | 'orValue', [first, second]: readonly Plan[]): Evaluate {
  return (run, frame) => {
    const optional = first!.evaluate(run, frame);
    if (!(optional instanceof Optional)) throw new CelError('no such overload');
    if (optional.value === undefined) return second!.evaluate(run, frame);
    return name === 'or' ? optional : optional.value;
  };
}

/** In a list of constants: looking there costs nothing beyond the value. */
export function membership(value: Plan, { items }: ListValue): Plan | undefined {
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
