// MutatingAdmissionPolicy: changes that expressions work out, as configurations that are applied or as JSON patches.
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
} from '../../../api/admissionregistration/v1/types.generated.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { forbidden, StatusError } from '../../../apimachinery/status.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionRound, AdmissionView } from '../admission.ts';
import { takeBack } from '../equivalent.ts';
import { isExempt } from '../matching.ts';
import { replaceObject } from '../replace-object.ts';
import { ConfigurationError, collectParams, matchedRequest, paramDefinitionOf } from './matching.ts';

const group = 'admissionregistration.k8s.io';
type Policy = Readonly<KubeObject & MutatingAdmissionPolicy>;
type Binding = Readonly<KubeObject & MutatingAdmissionPolicyBinding>;

export const mutatingPolicies: AdmissionPlugin = {
  name: 'MutatingAdmissionPolicy',
  mutate(round, view) {
    const { request } = round;
    if (view.count('mutatingadmissionpolicybindings', group) === 0 || isExempt(request) || !request.object) return;
    const policies = view
      .all<Policy>('mutatingadmissionpolicies', group)
      // In the second round only who asks to be asked again.
      .filter(({ spec }) => !round.isSecond || spec.reinvocationPolicy === 'IfNeeded');
    if (policies.length > 0) return mutate(policies, round, view);
  },
};

async function mutate(policies: readonly Policy[], round: AdmissionRound, view: AdmissionView): Promise<void> {
  const { request } = round;
  const bindings = view.all<Binding>('mutatingadmissionpolicybindings', group);
  for (const policy of policies) {
    const seen = await matchedRequest(policy.spec.matchConstraints, request, view);
    if (!seen) continue;
    const { applyPolicy, MutationError } = await import('./mutate.ts');
    const own = bindings.filter(({ spec }) => spec.policyName === policy.metadata.name);
    const definition = own.length > 0 ? paramDefinitionOf(policy.spec.paramKind, view) : undefined;
    if (definition instanceof ConfigurationError) {
      if (policy.spec.failurePolicy === 'Ignore') continue;
      throw refusal(`failed to configure policy: ${definition.message}`, { policy, request });
    }
    for (const binding of own) {
      if (!(await matchedRequest(binding.spec.matchResources, request, view))) continue;
      try {
        for (const params of collectParams({ definition, paramRef: binding.spec.paramRef, request, view })) {
          if (!applyPolicy({ policy, params, request: seen, view })) continue;
          if (seen !== request) replaceObject(request, await takeBack(seen, request), view);
          round.askAgain();
        }
      } catch (error) {
        const isExpected = error instanceof ConfigurationError || error instanceof MutationError;
        if (!isExpected) throw error;
        if (policy.spec.failurePolicy !== 'Ignore') throw refusal(error.message, { policy, binding, request });
      }
    }
  }
}

function refusal(
  message: string,
  { policy, binding, request }: { policy: Policy; binding?: Binding; request: AdmissionRequest },
): StatusError {
  const bound = binding ? ` with binding '${binding.metadata.name}'` : '';
  const why = `policy '${policy.metadata.name}'${bound} denied request: ${message}`;
  const { definition, object } = request;
  const { status } = forbidden(definition, request.name || (object?.metadata?.name ?? ''), why);
  return new StatusError({ ...status, reason: 'Invalid', code: 422 });
}
