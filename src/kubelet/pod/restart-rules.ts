// Pods all of whose containers start again when one ends in a certain way (KEP-5532). Pure.
import { mayRestartAll, restartRuleFor } from '../../api/core/v1/pod/restart.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { containersOf } from './containers.ts';
import { latest, type ObservedContainer, type ObservedPod } from './observed.ts';

/** A pod all of whose containers were restarted: those of before are to go, whatever became of them. */
export interface NewBeginning {
  /** How often that was so; containers made from now on are marked with it. */
  readonly podRestarts: number;
  /** The container whose end caused the last one, while the runtime has it. */
  readonly cause: ObservedContainer | undefined;
  /** Whether a container is one of before; ephemeral ones never are. */
  isOld(container: ObservedContainer): boolean;
  /** Whether a container of before is still the newest of its name. */
  readonly isUnderWay: boolean;
}

/** Undefined for a pod that was never restarted as a whole, as far as the runtime knows. */
export function newBeginning(pod: Pod, observed: ObservedPod): NewBeginning | undefined {
  if (!mayRestartAll(pod.spec)) return undefined;
  const own = containersOf(pod).filter(({ kind }) => kind !== 'ephemeral');
  const byName = new Map(own.map(({ container }) => [container.name, container]));
  const isCause = ({ name, state, exitCode }: ObservedContainer) => {
    const container = byName.get(name);
    return state === 'exited' && container && restartRuleFor(container, exitCode)?.action === 'RestartAllContainers';
  };
  const cause = observed.containers.filter(isCause).sort((a, b) => b.podRestarts - a.podRestarts)[0];
  const known = observed.containers.map((one) => one.podRestarts);
  const podRestarts = Math.max(cause ? cause.podRestarts + 1 : 0, ...known);
  if (podRestarts === 0) return undefined;
  const isOld = (one: ObservedContainer) => byName.has(one.name) && one.podRestarts < podRestarts;
  const newest = [...byName.keys()].map((name) => latest(observed, name));
  return { podRestarts, cause, isOld, isUnderWay: newest.some((one) => one !== undefined && isOld(one)) };
}
