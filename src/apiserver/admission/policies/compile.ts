// The expressions of a policy, compiled once per version of it; each `variables.x` sees those before it.
import type {
  MatchCondition,
  MutatingAdmissionPolicy,
  ParamKind,
  ValidatingAdmissionPolicy,
  Variable,
} from '../../../api/admissionregistration/v1/types.generated.ts';
import { bool, type CelType, dyn, listOf, nullType, string } from '../../../cel/types.ts';
import type { NamedVariable, SourceExpression } from '../evaluation.ts';
import { compileAdmission, type ExpressionScope } from '../expressions.ts';
import { applyTypes, jsonPatchType } from './patch-types.ts';

export interface NamedExpression extends SourceExpression {
  /** Where it stands: `spec.validations[0].expression`. */
  readonly path: string;
}

export interface CompiledPolicy {
  readonly variables: readonly (NamedExpression & NamedVariable)[];
  readonly validations: readonly { readonly condition: NamedExpression; readonly message?: NamedExpression }[];
  readonly auditAnnotations: readonly NamedExpression[];
  readonly mutations: readonly NamedExpression[];
  readonly matchConditions: readonly NamedExpression[];
}

interface PolicySpec {
  readonly paramKind?: ParamKind;
  readonly variables?: readonly Variable[];
  readonly matchConditions?: readonly MatchCondition[];
}

/** What a configuration that is applied must be. */
const appliedType = applyTypes('Object')!;

type Policy = ValidatingAdmissionPolicy | MutatingAdmissionPolicy;
const compiled = new WeakMap<object, CompiledPolicy>();

/** Of a policy in the cache: objects there never change. */
export function compiledPolicy(policy: Readonly<Policy>): CompiledPolicy {
  let found = compiled.get(policy);
  if (!found) {
    found = compilePolicy(policy);
    compiled.set(policy, found);
  }
  return found;
}

/** `object` is what `object` and `oldObject` are taken for; default: known at run time only. */
export function compilePolicy(
  { spec }: Readonly<Policy>,
  { objectType }: { objectType?: CelType } = {},
): CompiledPolicy {
  const base: ExpressionScope = { hasParams: spec.paramKind !== undefined, ...(objectType && { objectType }) };
  const { variables, scope } = compileVariables(spec, base);
  const compile = (path: string, source: string, results: readonly CelType[], own: ExpressionScope = scope) => ({
    path,
    source,
    ...compileAdmission(source, own, results),
  });
  return {
    variables,
    matchConditions: (spec.matchConditions ?? []).map(({ expression }, i) =>
      compile(`spec.matchConditions[${i}].expression`, expression.trim(), [bool], base),
    ),
    ...('mutations' in spec
      ? { validations: [], auditAnnotations: [], mutations: mutationsOf(spec, scope, compile) }
      : { ...validationsOf(spec, scope, compile), mutations: [] }),
  };
}

type Compile = (path: string, source: string, results: readonly CelType[], own?: ExpressionScope) => NamedExpression;

function validationsOf(
  { validations = [], auditAnnotations = [] }: ValidatingAdmissionPolicy['spec'],
  scope: ExpressionScope,
  compile: Compile,
): Pick<CompiledPolicy, 'validations' | 'auditAnnotations'> {
  return {
    validations: validations.map(({ expression, messageExpression }, i) => ({
      condition: compile(`spec.validations[${i}].expression`, expression, [bool]),
      ...(messageExpression && {
        message: compile(`spec.validations[${i}].messageExpression`, messageExpression, [string], {
          ...scope,
          hasAuthorizer: false,
        }),
      }),
    })),
    auditAnnotations: auditAnnotations.map(({ valueExpression }, i) =>
      compile(`spec.auditAnnotations[${i}].valueExpression`, valueExpression.trim(), [string, nullType]),
    ),
  };
}

function mutationsOf(
  { mutations = [] }: MutatingAdmissionPolicy['spec'],
  scope: ExpressionScope,
  compile: Compile,
): CompiledPolicy['mutations'] {
  const made: ExpressionScope = { ...scope, structs: applyTypes };
  return mutations.map(({ patchType, jsonPatch, applyConfiguration }, i) => {
    const at = `spec.mutations[${i}]`;
    return patchType === 'JSONPatch'
      ? compile(`${at}.jsonPatch.expression`, jsonPatch?.expression ?? '', [listOf(jsonPatchType)], made)
      : compile(`${at}.applyConfiguration.expression`, applyConfiguration?.expression ?? '', [appliedType], made);
  });
}

function compileVariables({ variables = [] }: PolicySpec, base: ExpressionScope) {
  const types: Record<string, CelType> = {};
  const done = variables.map(({ name, expression }, i) => {
    const scope = { ...base, variables: { ...types } };
    const made = compileAdmission(expression, scope);
    types[name] = made.program?.resultType ?? dyn;
    return { name, path: `spec.variables[${i}].expression`, source: expression, ...made };
  });
  return { variables: done, scope: variables.length > 0 ? { ...base, variables: types } : base };
}
