// The decisions of one ValidatingAdmissionPolicy on one request, under one parameter.
import type { ValidatingAdmissionPolicy } from '../../../api/admissionregistration/v1/types.generated.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { typeName } from '../../../cel/overload.ts';
import type { AdmissionRequest, AdmissionView } from '../admission.ts';
import { admissionBindings } from '../expressions.ts';
import { type CompiledPolicy, compiledPolicy, PolicyEvaluation } from './compile.ts';

/** A validation that failed, or could not be evaluated. */
export interface Denial {
  /** Which of the validations. */
  readonly index: number;
  readonly message: string;
  /** Undefined where evaluation failed. */
  readonly reason?: string;
}

export interface PolicyResult {
  readonly denials: readonly Denial[];
  readonly auditAnnotations: readonly { readonly key: string; readonly value: string }[];
  /** Audit annotations that could not be evaluated: they deny, whatever the binding's actions. */
  readonly auditErrors: readonly string[];
}

const nothing: PolicyResult = { denials: [], auditAnnotations: [], auditErrors: [] };
const longestMessage = 5 * 1024;
const longestAnnotation = 10 * 1024;

export interface PolicyCase {
  readonly policy: Readonly<ValidatingAdmissionPolicy>;
  readonly params: Readonly<KubeObject> | null | undefined;
  readonly request: AdmissionRequest;
  readonly view: AdmissionView;
}

export function evaluatePolicy({ policy, params, request, view }: PolicyCase): PolicyResult {
  const compiled = compiledPolicy(policy);
  const evaluation = new PolicyEvaluation(compiled, admissionBindings(request, view, { params }));
  const ignoresErrors = policy.spec.failurePolicy === 'Ignore';
  const conditions = checkConditions(compiled, evaluation);
  if (conditions.error !== undefined) {
    return ignoresErrors ? nothing : { ...nothing, denials: [{ index: 0, message: conditions.error }] };
  }
  if (!conditions.matches) return nothing;
  const denials: Denial[] = [];
  for (const [index, { condition, message }] of compiled.validations.entries()) {
    const { value, error } = evaluation.evaluate(condition);
    if (error !== undefined) {
      if (!ignoresErrors) denials.push({ index, message: error });
    } else if (value !== true) {
      const { reason = 'Invalid', message: fixed, expression } = policy.spec.validations![index]!;
      const said = message && evaluation.evaluate(message).value;
      denials.push({ index, reason, message: messageOf(said, fixed) ?? `failed expression: ${expression.trim()}` });
    }
  }
  return { denials, ...annotate(compiled, evaluation, { policy, ignoresErrors }) };
}

/** One condition that is false decides, whatever is wrong with others. */
export function checkConditions(
  { matchConditions }: CompiledPolicy,
  evaluation: PolicyEvaluation,
): { readonly matches: boolean; readonly error?: string } {
  const errors: string[] = [];
  for (const condition of matchConditions) {
    const { value, error } = evaluation.evaluate(condition);
    if (error !== undefined) errors.push(error);
    else if (value !== true) return { matches: false };
  }
  if (errors.length === 0) return { matches: true };
  return { matches: false, error: errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]` };
}

/** What the expression says, if it is one line of text; else the fixed text. */
function messageOf(said: unknown, fixed: string | undefined): string | undefined {
  if (typeof said === 'string') {
    const text = said.trim();
    if (text !== '' && text.length <= longestMessage && !text.includes('\n')) return text;
  }
  return fixed?.trim() || undefined;
}

function annotate(
  { auditAnnotations }: CompiledPolicy,
  evaluation: PolicyEvaluation,
  { policy, ignoresErrors }: { readonly policy: Readonly<ValidatingAdmissionPolicy>; readonly ignoresErrors: boolean },
): Pick<PolicyResult, 'auditAnnotations' | 'auditErrors'> {
  const made: { key: string; value: string }[] = [];
  const auditErrors: string[] = [];
  for (const [i, expression] of auditAnnotations.entries()) {
    const { key } = policy.spec.auditAnnotations![i]!;
    const { value, error } = evaluation.evaluate(expression);
    if (error !== undefined) {
      if (!ignoresErrors) auditErrors.push(error);
    } else if (typeof value === 'string') {
      const text = value.trim().slice(0, longestAnnotation);
      if (text !== '') made.push({ key, value: text });
    } else if (value !== null) {
      const what = `resulted in unsupported return type: ${typeName(value)}. Return type must be either string or null.`;
      auditErrors.push(`valueExpression '${expression.source}' ${what}`);
    }
  }
  return { auditAnnotations: made, auditErrors };
}
