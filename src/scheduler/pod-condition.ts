// What the scheduler says of pods in their status, of which others write as well.
import type { Pod, PodCondition } from '../api/core/v1/types.generated.ts';
import { isConflict } from '../apimachinery/status.ts';
import { formatTime } from '../apimachinery/time.ts';
import type { ResourceClient } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';

export interface ConditionWrite {
  readonly client: ResourceClient<Pod>;
  readonly clock: Pick<Clock, 'now'>;
  readonly condition: Omit<PodCondition, 'lastTransitionTime' | 'observedGeneration'>;
  /** Also of the status, as a merge patch. */
  readonly status?: object;
  /** Says of a pod that has changed meanwhile that this is no longer true of it. */
  readonly isOver?: (pod: Readonly<Pod>) => boolean;
}

/**
 * Tells one condition, of the pod as it is given (KEP-5067); what others say stays. Rejects with a conflict when the name is another
 * pod's by now.
 */
export async function writeCondition(
  pod: Readonly<Pod>,
  { client, clock, condition, status, isOver }: ConditionWrite,
): Promise<void> {
  const { name, namespace = '', uid, generation } = pod.metadata;
  const observed = generation !== undefined && { observedGeneration: generation };
  const now = formatTime(clock.now());
  for (let current = pod; !isOver?.(current); current = await client.get(name, namespace)) {
    const { conditions = [] } = current.status ?? {};
    const present = conditions.find(({ type }) => type === condition.type);
    const lastTransitionTime = present?.status === condition.status ? (present.lastTransitionTime ?? now) : now;
    const others = conditions.filter((one) => one !== present);
    const { resourceVersion } = current.metadata;
    const told = { ...status, conditions: [...others, { ...condition, ...observed, lastTransitionTime }] };
    const body = { metadata: { uid, resourceVersion }, status: told };
    try {
      await client.patch({ name, namespace, type: 'merge', body }, { subresource: 'status' });
      return;
    } catch (error) {
      if (!isConflict(error) || current.metadata.uid !== uid) throw error;
    }
  }
}
