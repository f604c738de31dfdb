// Expressions that are evaluated together and paid for together: the conditions of a webhook, the validations of a policy.
import { aggregate } from '../../apimachinery/aggregate.ts';
import { CelError } from '../../cel/errors.ts';
import type { Bindings } from '../../cel/run.ts';
import type { Value } from '../../cel/values.ts';
import type { CompiledExpression } from './expressions.ts';

/** What all match conditions of a webhook or a policy may cost for one request (RuntimeCELCostBudgetMatchConditions). */
const conditionsBudget = 2_500_000;
/** What any other stage of a policy may cost for one request and one parameter (RuntimeCELCostBudget). */
const stageBudget = 10_000_000;

export interface SourceExpression extends CompiledExpression {
  readonly source: string;
}

export interface NamedVariable extends CompiledExpression {
  readonly name: string;
}

export type Outcome =
  | { readonly value: Value; readonly error?: undefined }
  | { readonly error: string; readonly value?: undefined };

/** Or that there was not budget enough: then nothing that was evaluated counts. */
export type Stage =
  | { readonly outcomes: readonly Outcome[]; readonly left: number; readonly error?: undefined }
  | { readonly error: string; readonly outcomes?: undefined; readonly left?: undefined };

class OutOfBudgetError extends Error {
  override readonly name = 'OutOfBudgetError';
}

export interface StageOptions {
  readonly bindings: Bindings;
  /** Each is worked out when it is first looked at, and sees those before it. */
  readonly variables?: readonly NamedVariable[];
  readonly budget?: number;
}

/** Evaluates all, in their order, whatever comes of one. */
export function evaluateStage(
  expressions: readonly SourceExpression[],
  { bindings, variables = [], budget = stageBudget }: StageOptions,
): Stage {
  let left = budget;
  const all: Record<string, Value | (() => Value)> = { ...bindings };
  const run = ({ program, error }: CompiledExpression): Outcome => {
    if (!program) return { error: error ?? 'compilation failed' };
    const done = program.evaluate(all, { costLimit: left });
    if (done.cost > left) throw new OutOfBudgetError();
    left -= done.cost;
    return done.error === undefined ? { value: done.value } : { error: done.error };
  };
  for (const variable of variables) all[`variables.${variable.name}`] = onceWorkedOut(variable, run);
  try {
    const outcomes = expressions.map((expression): Outcome => {
      const { value, error } = run(expression);
      if (error === undefined) return { value };
      if (!expression.program) return { error: `compilation error: ${error}` };
      return { error: `expression '${expression.source}' resulted in error: ${error}` };
    });
    return { outcomes, left };
  } catch (error) {
    if (!(error instanceof OutOfBudgetError)) throw error;
    return { error: 'validation failed due to running out of cost budget, no further validation rules will be run' };
  }
}

function onceWorkedOut(variable: NamedVariable, run: (expression: CompiledExpression) => Outcome): () => Value {
  let known: Value | undefined;
  return () => {
    if (known !== undefined) return known;
    const { value, error } = run(variable);
    if (error !== undefined) {
      throw new CelError(`composited variable ${JSON.stringify(variable.name)} fails to evaluate: ${error}`);
    }
    known = value;
    return value;
  };
}

export type ConditionsResult =
  | { readonly matches: boolean; readonly error?: undefined }
  | { readonly error: string; readonly matches?: undefined };

/** Whether all match conditions hold. One that is false decides, whatever is wrong with others. */
export function evaluateConditions(
  conditions: readonly SourceExpression[],
  options: Omit<StageOptions, 'budget'>,
): ConditionsResult {
  const { outcomes, error } = evaluateStage(conditions, { ...options, budget: conditionsBudget });
  if (error !== undefined) return { error };
  if (outcomes.some((one) => one.error === undefined && one.value !== true)) return { matches: false };
  const errors = outcomes.flatMap((one) => one.error ?? []);
  return errors.length === 0 ? { matches: true } : { error: aggregate(errors) };
}
