// The conditions of a webhook or policy that are expressions: all must hold.
import type { MatchCondition } from '../../api/admissionregistration/v1/types.generated.ts';
import type { Bindings } from '../../cel/run.ts';
import { bool } from '../../cel/types.ts';
import { type CompiledExpression, compileAdmission } from './expressions.ts';

/** What all match conditions of one webhook may cost (RuntimeCELCostBudgetMatchConditions). */
const budget = 2_500_000;

export type ConditionsResult =
  | { readonly matches: boolean; readonly error?: undefined }
  | { readonly error: string; readonly matches?: undefined };

const compiled = new WeakMap<readonly MatchCondition[], readonly CompiledExpression[]>();

/** One condition that is false decides, whatever is wrong with others. The list is compiled once. */
export function evaluateConditions(
  conditions: readonly MatchCondition[],
  bindings: Bindings,
  { hasParams = false }: { readonly hasParams?: boolean } = {},
): ConditionsResult {
  let programs = compiled.get(conditions);
  if (!programs) {
    programs = conditions.map(({ expression }) => compileAdmission(expression.trim(), { hasParams }, [bool]));
    compiled.set(conditions, programs);
  }
  const errors: string[] = [];
  let left = budget;
  for (const [i, { program, error }] of programs.entries()) {
    const { expression } = conditions[i]!;
    if (!program) {
      errors.push(`compilation error: ${error}`);
      continue;
    }
    const done = program.evaluate(bindings, { costLimit: left });
    left -= done.cost;
    if (done.error !== undefined) errors.push(`expression '${expression}' resulted in error: ${done.error}`);
    else if (done.value !== true) return { matches: false };
  }
  if (errors.length === 0) return { matches: true };
  return { error: errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]` };
}
