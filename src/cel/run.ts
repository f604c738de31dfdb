// One evaluation of an expression, and what of it is known beforehand.
import { ownValue } from '../apimachinery/table.ts';
import { CelBudgetError, CelError } from './errors.ts';
import type { Value } from './values.ts';

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

/**
 * Elements that adding lists may copy in one evaluation. Upstream's sums share the lists that they are made of, and cost one
 * whatever their size: what doubles a list again and again would take all memory here.
 */
export const mostCopied = 10_000_000;

/** One evaluation. */
export class Run {
  cost = 0;
  #copied = 0;
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

  /** Counts the cost and throws CelBudgetError only when that much would be too much. */
  checkAffordable(cost: number): void {
    if (this.cost + cost > this.#limit) this.step(cost);
  }

  /** Counts copied elements of lists, which cost nothing as long as they are not far too many. */
  copy(elements: number): void {
    this.#copied += elements;
    if (this.#copied > mostCopied) throw new CelBudgetError();
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

export interface Plan {
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

export function constantPlan(value: Value): Plan {
  return { evaluate: () => value, constant: value };
}

/** For what is evaluated while planning: constants look at nothing. */
export const nowhere = new Run({}, Number.POSITIVE_INFINITY);

export function attributePlan(find: Evaluate, cost: 0 | 1): Plan {
  if (cost === 0) return { evaluate: find, attribute: { find, cost } };
  const evaluate: Evaluate = (run, frame) => {
    const value = find(run, frame);
    run.step();
    return value;
  };
  return { evaluate, attribute: { find, cost } };
}

/** Costs so many units more, once its value is there. */
export function charged(make: Evaluate, cost: number): Evaluate {
  return (run, frame) => {
    const made = make(run, frame);
    run.step(cost);
    return made;
  };
}

/** The value of a variable, worked out when it is first asked for. Throws again what that threw (CelError). */
export function valueIn(frame: Frame): Value {
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

/** Throws CelError for any other type. */
export function asBool(value: Value): boolean {
  if (typeof value !== 'boolean') throw new CelError('no such overload');
  return value;
}
