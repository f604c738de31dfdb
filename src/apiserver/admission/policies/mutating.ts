// MutatingAdmissionPolicy: changes that expressions work out, as configurations that are applied or as JSON patches.

import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
} from '../../../api/admissionregistration/v1/types.generated.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { StatusError } from '../../../apimachinery/status.ts';
import { naming } from '../../naming.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionRound, AdmissionView } from '../admission.ts';
import { takeBack } from '../equivalent.ts';
import { isExempt } from '../matching.ts';
import { refusalOf } from '../refusal.ts';
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

/** What keeps a policy from changing what it should. */
interface Failure {
  readonly policy: Policy;
  readonly binding?: Binding;
  readonly message: string;
  /** Of the refusal; default Forbidden. */
  readonly reason?: 'Invalid';
}

async function mutate(policies: readonly Policy[], round: AdmissionRound, view: AdmissionView): Promise<void> {
  const bindings = view.all<Binding>('mutatingadmissionpolicybindings', group);
  const failures: Failure[] = [];
  for (const policy of policies) {
    failures.push(...(await naming(policy, () => mutateBy({ policy, bindings, round, view }))));
  }
  const counting = failures.filter(({ policy }) => policy.spec.failurePolicy !== 'Ignore');
  if (counting.length > 0) throw refusal(counting, round.request);
}

interface PolicyAsked {
  readonly policy: Policy;
  /** Of all policies. */
  readonly bindings: readonly Binding[];
  readonly round: AdmissionRound;
  readonly view: AdmissionView;
}

async function mutateBy({ policy, bindings, round, view }: PolicyAsked): Promise<readonly Failure[]> {
  const { request } = round;
  const seen = await matchedRequest(policy.spec.matchConstraints, request, view);
  const own = bindings.filter((one) => naming(one, () => one.spec.policyName === policy.metadata.name));
  if (!seen || own.length === 0) return [];
  const definition = paramDefinitionOf(policy.spec.paramKind, view);
  if (definition instanceof ConfigurationError) {
    return [{ policy, message: `failed to configure policy: ${definition.message}` }];
  }
  const { applyPolicy } = await import('./mutate.ts');
  const failures: Failure[] = [];
  for (const binding of own) {
    if (!(await naming(binding, () => matchedRequest(binding.spec.matchResources, request, view)))) continue;
    try {
      for (const params of collectParams({ definition, paramRef: binding.spec.paramRef, request, view })) {
        const { isChanged, errors } = await applyPolicy({ policy, params, request: seen, view });
        failures.push(...errors.map((message) => ({ policy, binding, message, reason: 'Invalid' as const })));
        if (!isChanged) continue;
        if (seen !== request) replaceObject(request, await takeBack(seen, request), view);
        round.askAgain();
      }
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      failures.push({ policy, binding, message: `failed to configure binding: ${error.message}` });
    }
  }
  return failures;
}

/** All that went wrong, in the words of the first. */
function refusal(failures: readonly Failure[], request: AdmissionRequest): StatusError {
  const messages = failures.map(({ policy, binding, message }) => {
    const who = policy.metadata.name;
    const named = binding ? `'${who}' with binding '${binding.metadata.name}'` : JSON.stringify(who);
    return `policy ${named} denied request: ${message}`;
  });
  const [message = ''] = messages;
  const { status } = refusalOf(request, message);
  const details = { ...status.details, causes: messages.map((one) => ({ message: one })) };
  return new StatusError({ ...status, message, reason: failures[0]?.reason ?? 'Forbidden', details });
}
