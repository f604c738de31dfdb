// The way in: a source and the types of its variables become a program, compiled once and evaluated many times.
import type { Expr } from './ast.ts';
import { type Checked, check, type Environment } from './checker.ts';
import { estimateCost } from './cost.ts';
import { CelBudgetError, CelError, CelSyntaxError, printIssues } from './errors.ts';
import { planEvaluation } from './evaluator.ts';
import { parse, tooDeep } from './parser.ts';
import { type Bindings, type Evaluate, Run } from './run.ts';
import { type CelType, dyn, type ObjectType } from './types.ts';
import { validate } from './validators.ts';
import type { Value } from './values.ts';

/** What one evaluation may cost (apiserver/pkg/apis/cel, PerCallLimit). */
const perCallLimit = 1_000_000;

export interface CompileOptions {
  /** The types of the variables, by name; names may be dotted (`authorizer.requestResource`). */
  readonly variables: Readonly<Record<string, CelType>>;
  /** The types of which the expression may make values (`Object.spec{…}`). */
  readonly structs?: (name: string) => ObjectType | undefined;
}

export type Compiled =
  | { readonly program: Program; readonly errors?: undefined; readonly stage?: undefined }
  /** As cel-go prints them: `ERROR: <input>:1:5: undefined field 'x'` with the line and a mark. */
  | {
      readonly program?: undefined;
      readonly errors: string;
      /** What failed: `compilation failed: ERROR: …`. */
      readonly stage: 'compilation' | 'program instantiation';
    };

export type Evaluation =
  | { readonly value: Value; readonly cost: number; readonly error?: undefined }
  | { readonly error: string; readonly cost: number; readonly isOverBudget: boolean; readonly value?: undefined };

interface Plan {
  readonly checked: Checked;
  readonly evaluate: Evaluate;
  /** The type of `self`: of all variables that the sizes of values are known for. */
  readonly root: CelType;
}

export class Program {
  readonly source: string;
  readonly expr: Expr;
  readonly checked: Checked;
  readonly #evaluate: Evaluate;
  readonly #root: CelType;

  constructor(source: string, expr: Expr, plan: Plan) {
    this.source = source;
    this.expr = expr;
    this.checked = plan.checked;
    this.#evaluate = plan.evaluate;
    this.#root = plan.root;
  }

  get resultType(): CelType {
    return this.checked.type;
  }

  /** What one evaluation costs at the most, by the sizes that the types of the variables allow. */
  get estimatedCost(): number {
    return estimateCost(this.expr, this.checked, this.#root);
  }

  /** Whether the expression looks at a variable: `oldSelf`. */
  uses(variable: string): boolean {
    for (const name of this.checked.references.values()) {
      if (name === variable || name.startsWith(`${variable}.`)) return true;
    }
    return false;
  }

  evaluate(bindings: Bindings, { costLimit = perCallLimit }: { readonly costLimit?: number } = {}): Evaluation {
    const run = new Run(bindings, Math.min(costLimit, perCallLimit));
    try {
      return { value: this.#evaluate(run, undefined), cost: run.cost };
    } catch (error) {
      if (error instanceof CelError || error instanceof CelBudgetError) {
        return { error: error.message, cost: run.cost, isOverBudget: error instanceof CelBudgetError };
      }
      // A text longer than the engine can hold, a value nested deeper than its stack is: as when Go panics.
      if (error instanceof RangeError) {
        return { error: `internal error: ${error.message}`, cost: run.cost, isOverBudget: false };
      }
      throw error;
    }
  }
}

/** Mistakes are in the result, in cel-go's words; nothing is thrown. */
export function compileExpression(source: string, options: CompileOptions): Compiled {
  try {
    return compile(source, options);
  } catch (error) {
    // What macros make of it may be deeper than there is stack.
    if (!(error instanceof RangeError)) throw error;
    return { errors: printIssues(source, [tooDeep()]), stage: 'compilation' };
  }
}

function compile(source: string, { variables, structs }: CompileOptions): Compiled {
  let expr: Expr;
  try {
    expr = parse(source);
  } catch (error) {
    if (error instanceof CelSyntaxError) return { errors: printIssues(source, [error.issue]), stage: 'compilation' };
    throw error;
  }
  const environment: Environment = { variables: new Map(Object.entries(variables)), ...(structs && { structs }) };
  const checked = check(expr, environment);
  const issues = checked.issues.length > 0 ? checked.issues : validate(expr, checked);
  if (issues.length > 0) return { errors: printIssues(source, issues), stage: 'compilation' };
  let evaluate: Evaluate;
  try {
    evaluate = planEvaluation(expr, checked, environment);
  } catch (error) {
    // A conversion of a constant that fails does so once and for all.
    if (error instanceof CelError) return { errors: error.message, stage: 'program instantiation' };
    throw error;
  }
  return { program: new Program(source, expr, { checked, evaluate, root: variables.self ?? dyn }) };
}
