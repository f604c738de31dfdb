// Whether a container that ended starts again: by rules of its own (KEP-5307, KEP-5532), its own policy, or the Pod's. Pure.
import type { Container, ContainerRestartRule, PodSpec } from '../types.generated.ts';
import { containersWithPaths } from './scope.ts';

/** The first of a container's rules that is about this exit code. */
export function restartRuleFor(
  { restartPolicyRules = [] }: Pick<Container, 'restartPolicyRules'>,
  exitCode: number,
): ContainerRestartRule | undefined {
  return restartPolicyRules.find(
    ({ exitCodes: { operator, values = [] } = { operator: '' } }) =>
      operator === (values.includes(exitCode) ? 'In' : 'NotIn'),
  );
}

/** As far as it is about that container alone. */
export function restartsAfter(spec: PodSpec | undefined, container: Container, exitCode: number): boolean {
  if (restartRuleFor(container, exitCode)?.action === 'Restart') return true;
  const policy = container.restartPolicy ?? spec?.restartPolicy ?? 'Always';
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

/** Whether a container may end in a way that restarts all of the Pod's. */
export function mayRestartAll(spec: PodSpec | undefined): boolean {
  return containersWithPaths(spec ?? { containers: [] }, '').some(({ container }) =>
    container.restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'),
  );
}
