// ValidatingAdmissionPolicy: policies take effect where a binding puts them to use.

import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../api/admissionregistration/v1/types.generated.ts';
import { escapeHtml } from '../../../apimachinery/json/go-text.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { StatusError } from '../../../apimachinery/status.ts';
import { table } from '../../../apimachinery/table.ts';
import { naming } from '../../naming.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from '../admission.ts';
import { isExempt } from '../matching.ts';
import { whenDecided } from '../pending-decisions.ts';
import { refusalOf } from '../refusal.ts';
import { ConfigurationError, collectParams, matchedRequest, paramDefinitionOf } from './matching.ts';
import type { PolicyResult } from './validate.ts';

const group = 'admissionregistration.k8s.io';
type Policy = Readonly<KubeObject & ValidatingAdmissionPolicy>;
type Binding = Readonly<KubeObject & ValidatingAdmissionPolicyBinding>;

export const validatingPolicies: AdmissionPlugin = {
  name: 'ValidatingAdmissionPolicy',
  validate(request, view) {
    if (view.count('validatingadmissionpolicybindings', group) === 0 || isExempt(request)) return;
    return validate(view.all<Policy>('validatingadmissionpolicies', group), request, view);
  },
};

/** Why a request is refused, and by whom. */
interface Refusal {
  readonly policy: Policy;
  readonly binding?: Binding;
  readonly message: string;
  readonly reason?: string | undefined;
}

async function validate(policies: readonly Policy[], request: AdmissionRequest, view: AdmissionView): Promise<void> {
  const bindings = view.all<Binding>('validatingadmissionpolicybindings', group);
  const refusals: Refusal[] = [];
  for (const policy of policies) {
    refusals.push(...(await naming(policy, () => refusalsOf({ policy, bindings, request, view }))));
  }
  const [first] = refusals;
  if (first) throw refusal(first, request);
}

interface PolicyAsked {
  readonly policy: Policy;
  /** Of all policies. */
  readonly bindings: readonly Binding[];
  readonly request: AdmissionRequest;
  readonly view: AdmissionView;
}

/** Warns and annotates, too, where the policy's bindings ask for that. */
async function refusalsOf({ policy, bindings, request, view }: PolicyAsked): Promise<readonly Refusal[]> {
  if (!policy.spec.matchConstraints) return [];
  const seen = await matchedRequest(policy.spec.matchConstraints, request, view);
  if (!seen) return [];
  const own = bindings.filter((one) => naming(one, () => one.spec.policyName === policy.metadata.name));
  const definition = own.length > 0 ? paramDefinitionOf(policy.spec.paramKind, view) : undefined;
  if (definition instanceof ConfigurationError) {
    if (policy.spec.failurePolicy === 'Ignore') return [];
    return [{ policy, message: `failed to configure policy: ${definition.message}` }];
  }
  const { evaluatePolicy } = await import('./validate.ts');
  const refusals: Refusal[] = [];
  const annotations = new Map<string, Set<string>>();
  for (const binding of own) {
    if (!(await naming(binding, () => matchedRequest(binding.spec.matchResources, request, view)))) continue;
    try {
      for (const params of collectParams({ definition, paramRef: binding.spec.paramRef, request, view })) {
        const result = await whenDecided(() => evaluatePolicy({ policy, params, request: seen, view }));
        refusals.push(...naming(binding, () => actOn(result, { policy, binding, request })));
        for (const { key, value } of result.auditAnnotations) {
          annotations.set(key, (annotations.get(key) ?? new Set()).add(value));
        }
      }
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      if (policy.spec.failurePolicy === 'Ignore') continue;
      refusals.push({ policy, binding, message: `failed to configure binding: ${error.message}` });
    }
  }
  for (const [key, values] of annotations) {
    request.auditAnnotations.set(`${policy.metadata.name}/${key}`, [...values].join(', '));
  }
  return refusals;
}

const auditKey = 'validation.policy.admission.k8s.io/validation_failure';

/** Does what the binding asks for where a validation failed; gives what is to be refused. */
function actOn(
  { denials, auditErrors }: PolicyResult,
  { policy, binding, request }: { policy: Policy; binding: Binding; request: AdmissionRequest },
): Refusal[] {
  const refusals: Refusal[] = [];
  const { validationActions } = binding.spec;
  const policyName = policy.metadata.name;
  const bindingName = binding.metadata.name;
  for (const { index, message, reason } of denials) {
    if (validationActions.includes('Deny')) refusals.push({ policy, binding, message, reason });
    if (validationActions.includes('Warn')) {
      const who = `ValidatingAdmissionPolicy '${policyName}' with binding '${bindingName}'`;
      request.warnings.add(`Validation failed for ${who}: ${message}`);
    }
    if (validationActions.includes('Audit')) {
      const failure = { message, policy: policyName, binding: bindingName, expressionIndex: index, validationActions };
      // The first is told: an annotation that is there stays.
      if (!request.auditAnnotations.has(auditKey))
        request.auditAnnotations.set(auditKey, escapeHtml(JSON.stringify([failure])));
    }
  }
  return [...refusals, ...auditErrors.map((message) => ({ policy, binding, message }))];
}

const codes = table<number>({
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
  Invalid: 422,
});

function refusal({ policy, binding, message, reason = 'Invalid' }: Refusal, request: AdmissionRequest): StatusError {
  const bound = binding ? ` with binding '${binding.metadata.name}'` : '';
  const why = `ValidatingAdmissionPolicy '${policy.metadata.name}'${bound} denied request: ${message}`;
  const { status } = refusalOf(request, why);
  const details = { ...status.details, causes: [{ message: why }] };
  return new StatusError({ ...status, reason, code: codes[reason] ?? 422, details });
}
