// Which containers start again when one ends: by rules of its own (KEP-5307, KEP-5532), its own policy, or the pod's. Pure.
import type { Container, ContainerRestartRule, Pod } from '../../api/core/v1/types.generated.ts';
import { containersOf } from './identity.ts';
import { latest, type ObservedContainer, type ObservedPod } from './observed.ts';

function ruleFor({ restartPolicyRules = [] }: Container, exitCode: number): ContainerRestartRule | undefined {
  return restartPolicyRules.find(
    ({ exitCodes: { operator, values = [] } = { operator: '' } }) =>
      operator === (values.includes(exitCode) ? 'In' : 'NotIn'),
  );
}

/** Whether a container that ended is to start again, as far as it is about that container alone. */
export function shouldRestart(pod: Pod, container: Container, ended: Pick<ObservedContainer, 'exitCode'>): boolean {
  if (ruleFor(container, ended.exitCode)?.action === 'Restart') return true;
  const policy = container.restartPolicy ?? pod.spec?.restartPolicy ?? 'Always';
  return policy === 'Always' || (policy === 'OnFailure' && ended.exitCode !== 0);
}

/** Whether a container of the pod may end in a way that restarts all of them. */
export function mayRestartAll(pod: Pod): boolean {
  return containersOf(pod).some(({ container }) =>
    container.restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'),
  );
}

/** What a pod begins anew with: all of its containers of before are to go, whatever became of them. */
export interface NewBeginning {
  /** The container whose end restarts all; its end is the beginning. */
  readonly cause: ObservedContainer;
  /** Whether a container is one of before; ephemeral ones never are. */
  isOld(container: ObservedContainer): boolean;
  /** Whether a container of before is still the newest of its name. */
  readonly isUnderWay: boolean;
}

/** The last time that all containers were restarted, as far as the runtime still knows of it. */
export function newBeginning(pod: Pod, observed: ObservedPod): NewBeginning | undefined {
  if (!mayRestartAll(pod)) return undefined;
  const own = containersOf(pod).filter(({ kind }) => kind !== 'ephemeral');
  const byName = new Map(own.map(({ container }) => [container.name, container]));
  const causes = observed.containers.filter(({ name, state, exitCode }) => {
    const container = byName.get(name);
    return state === 'exited' && container && ruleFor(container, exitCode)?.action === 'RestartAllContainers';
  });
  const [cause] = causes.sort((a, b) => b.finishedAt - a.finishedAt);
  if (!cause) return undefined;
  const isOld = ({ name, createdAt }: ObservedContainer) => byName.has(name) && createdAt <= cause.finishedAt;
  const newest = [...byName.keys()].map((name) => latest(observed, name));
  return { cause, isOld, isUnderWay: newest.some((one) => one !== undefined && isOld(one)) };
}
