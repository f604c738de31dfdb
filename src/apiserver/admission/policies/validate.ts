// The decisions of one ValidatingAdmissionPolicy on one request, under one parameter.
import type { ValidatingAdmissionPolicy } from '../../../api/admissionregistration/v1/types.generated.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { typeName } from '../../../cel/overload.ts';
import type { AdmissionRequest, AdmissionView } from '../admission.ts';
import { evaluateConditions, evaluateStage, type StageOptions } from '../evaluation.ts';
import { admissionBindings, conditionBindings } from '../expressions.ts';
import { type CompiledPolicy, compiledPolicy } from './compile.ts';

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
  const ignoresErrors = policy.spec.failurePolicy === 'Ignore';
  const failed = (message: string): PolicyResult =>
    ignoresErrors ? nothing : { ...nothing, denials: [{ index: 0, message }] };
  const conditions = evaluateConditions(compiled.matchConditions, {
    bindings: conditionBindings(request, view, { params }),
    variables: compiled.variables,
  });
  if (conditions.error !== undefined) return failed(conditions.error);
  if (!conditions.matches) return nothing;
  const options: StageOptions = {
    bindings: admissionBindings(request, view, { params }),
    variables: compiled.variables,
  };
  const denials = denialsOf(policy, compiled, options);
  if (denials.error !== undefined) return failed(denials.error);
  const annotations = annotate(policy, compiled, options);
  if (annotations.error !== undefined) return failed(annotations.error);
  const { made, errors } = annotations;
  return {
    denials: denials.made.filter(({ reason }) => reason !== undefined || !ignoresErrors),
    auditAnnotations: made,
    auditErrors: [...(ignoresErrors ? [] : errors.evaluation), ...errors.type],
  };
}

type Denials = { readonly made: readonly Denial[]; readonly error?: undefined } | { readonly error: string };

/** Messages are worked out of all validations, whether they fail or not, and with what these left of the budget. */
function denialsOf(
  { spec: { validations = [] } }: Readonly<ValidatingAdmissionPolicy>,
  compiled: CompiledPolicy,
  options: StageOptions,
): Denials {
  const { outcomes, left, error } = evaluateStage(
    compiled.validations.map(({ condition }) => condition),
    options,
  );
  if (error !== undefined) return { error };
  const expressions = compiled.validations.flatMap(({ message }) => message ?? []);
  const messages = evaluateStage(expressions, { ...options, budget: left });
  const said = new Map(expressions.map((expression, i) => [expression, messages.outcomes?.[i]?.value]));
  const made: Denial[] = [];
  for (const [index, { value, error }] of outcomes.entries()) {
    const { reason = 'Invalid', message: fixed, expression } = validations[index]!;
    if (error !== undefined) made.push({ index, message: error });
    else if (messages.error !== undefined) {
      made.push({ index, message: `failed messageExpression: ${messages.error}` });
    } else if (value !== true) {
      const own = compiled.validations[index]!.message;
      const message = messageOf(own && said.get(own), fixed) ?? `failed expression: ${expression.trim()}`;
      made.push({ index, reason, message });
    }
  }
  return { made };
}

/** What the expression says, if it is one line of text; else the fixed text. */
function messageOf(said: unknown, fixed: string | undefined): string | undefined {
  if (typeof said === 'string') {
    const text = said.trim();
    if (text !== '' && text.length <= longestMessage && !text.includes('\n')) return text;
  }
  return fixed?.trim() || undefined;
}

interface Annotations {
  readonly made: PolicyResult['auditAnnotations'];
  /** Of expressions that could not be evaluated, and of values that are no text. */
  readonly errors: { readonly evaluation: readonly string[]; readonly type: readonly string[] };
  readonly error?: undefined;
}

function annotate(
  { spec }: Readonly<ValidatingAdmissionPolicy>,
  { auditAnnotations }: CompiledPolicy,
  options: StageOptions,
): Annotations | { readonly error: string } {
  const { authorizer, 'authorizer.requestResource': ofResource, ...bindings } = options.bindings;
  const { outcomes, error } = evaluateStage(auditAnnotations, { ...options, bindings });
  if (error !== undefined) return { error };
  const made: { key: string; value: string }[] = [];
  const errors: { readonly evaluation: string[]; readonly type: string[] } = { evaluation: [], type: [] };
  for (const [i, { value, error }] of outcomes.entries()) {
    const { key, valueExpression } = spec.auditAnnotations![i]!;
    if (error !== undefined) errors.evaluation.push(error);
    else if (typeof value === 'string') {
      const text = value.trim().slice(0, longestAnnotation);
      if (text !== '') made.push({ key, value: text });
    } else if (value !== null) {
      const what = `resulted in unsupported return type: ${typeName(value)}. Return type must be either string or null.`;
      errors.type.push(`valueExpression '${valueExpression}' ${what}`);
    }
  }
  return { made, errors };
}
