// Expressions that are stored in webhook configurations and policies must compile: nothing is stored that cannot work.
import type {
  MatchCondition,
  MutatingAdmissionPolicy,
  ValidatingAdmissionPolicy,
} from '../../api/admissionregistration/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import { invalid } from '../../apimachinery/status.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import type { NamedExpression } from './policies/compile.ts';

interface Configured {
  readonly spec?: unknown;
  readonly webhooks?: readonly { readonly matchConditions?: readonly MatchCondition[] }[];
}

const group = 'admissionregistration.k8s.io';

export const expressionCheck: AdmissionPlugin = {
  name: 'AdmissionExpressions',
  resources: [
    'validatingwebhookconfigurations',
    'mutatingwebhookconfigurations',
    'validatingadmissionpolicies',
    'mutatingadmissionpolicies',
  ].map((resource) => `${resource}.${group}`),
  validate(request) {
    const { definition, object, old, subresource, operation } = request;
    if (definition.group !== group || subresource !== '' || !object) return;
    if (operation === 'UPDATE' && !changes(object as Configured, old as Configured)) return;
    return check(request, object as Configured);
  },
};

function changes(object: Configured, old: Configured): boolean {
  return !jsonEqual([object.spec, object.webhooks], [old.spec, old.webhooks]);
}

async function check({ definition, name, object }: AdmissionRequest, { webhooks, spec }: Configured): Promise<void> {
  const errors: FieldError[] = [];
  if (definition.resource.endsWith('policies') && spec) errors.push(...(await checkPolicy(object as never)));
  const conditions = (webhooks ?? []).flatMap(({ matchConditions = [] }, i) =>
    matchConditions.map(({ expression }, j) => ({
      expression,
      path: `webhooks[${i}].matchConditions[${j}].expression`,
    })),
  );
  if (conditions.length > 0) {
    const [{ compileAdmission }, { bool }] = await Promise.all([
      import('./expressions.ts'),
      import('../../cel/types.ts'),
    ]);
    for (const { expression, path } of conditions) {
      const source = expression.trim();
      errors.push(...refusal({ path, source, ...compileAdmission(source, {}, [bool]) }));
    }
  }
  if (errors.length > 0) throw invalid(definition, name, errors);
}

async function checkPolicy(policy: ValidatingAdmissionPolicy | MutatingAdmissionPolicy): Promise<FieldError[]> {
  const { compilePolicy } = await import('./policies/compile.ts');
  const { variables, matchConditions, validations, auditAnnotations, mutations } = compilePolicy(policy);
  const all = [
    ...matchConditions,
    ...variables,
    ...validations.flatMap(({ condition, message }) => (message ? [condition, message] : [condition])),
    ...auditAnnotations,
    ...mutations,
  ];
  return all.flatMap(refusal);
}

function refusal({ path, source, error, isInternal }: NamedExpression): FieldError[] {
  if (error === undefined) return [];
  return [isInternal ? { type: 'InternalError', field: path, detail: error } : fieldError.invalid(path, source, error)];
}
