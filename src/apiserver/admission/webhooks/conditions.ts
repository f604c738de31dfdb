// The match conditions of a webhook. Loaded when the first is met.
import type { MatchCondition } from '../../../api/admissionregistration/v1/types.generated.ts';
import { bool } from '../../../cel/types.ts';
import type { AdmissionRequest, AdmissionView } from '../admission.ts';
import { type ConditionsResult, evaluateConditions, type SourceExpression } from '../evaluation.ts';
import { compileAdmission, conditionBindings } from '../expressions.ts';

const compiled = new WeakMap<readonly MatchCondition[], readonly SourceExpression[]>();

/** The list is compiled once. */
export function webhookConditionsHold(
  conditions: readonly MatchCondition[],
  request: AdmissionRequest,
  view: AdmissionView,
): ConditionsResult {
  let programs = compiled.get(conditions);
  if (!programs) {
    programs = conditions.map(({ expression }) => ({
      source: expression,
      ...compileAdmission(expression.trim(), {}, [bool]),
    }));
    compiled.set(conditions, programs);
  }
  return evaluateConditions(programs, { bindings: conditionBindings(request, view) });
}
