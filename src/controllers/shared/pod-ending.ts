// What a controller says in a pod's status before it deletes it.
import type { Pod, PodCondition } from '../../api/core/v1/types.generated.ts';
import { formatTime } from '../../apimachinery/time.ts';
import type { ResourceClient } from '../../client/types.ts';

/** The condition DisruptionTarget: Jobs and users can tell such an end from a failure of the pod's own (KEP-3329). */
export interface Disruption {
  readonly reason: string;
  readonly message: string;
}

export interface PodEnding {
  readonly disruption?: Disruption | undefined;
  readonly phase?: 'Failed';
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Writes what the status lacks. Rejects with a StatusError: NotFound where the pod is gone, Conflict where it has changed. */
export async function markEnding(client: ResourceClient<Pod>, pod: Readonly<Pod>, ending: PodEnding): Promise<void> {
  const { name, namespace, uid, resourceVersion } = pod.metadata;
  const conditions = ending.disruption && withDisruption(pod, ending.disruption, ending.now);
  const phase = ending.phase === pod.status?.phase ? undefined : ending.phase;
  if (!conditions && !phase) return;
  const body = {
    metadata: { uid, resourceVersion },
    status: { ...(conditions && { conditions }), ...(phase && { phase }) },
  };
  const target = { name, ...(namespace !== undefined && { namespace }) };
  await client.patch({ ...target, type: 'merge', body }, { subresource: 'status' });
}

function withDisruption(pod: Readonly<Pod>, disruption: Disruption, now: number): PodCondition[] | undefined {
  const { reason, message } = disruption;
  const present = pod.status?.conditions ?? [];
  const old = present.find(({ type }) => type === 'DisruptionTarget');
  const isTrue = old?.status === 'True';
  if (isTrue && old.reason === reason && old.message === message) return undefined;
  const lastTransitionTime = (isTrue && old.lastTransitionTime) || formatTime(now);
  const { generation } = pod.metadata;
  const observed = generation !== undefined && { observedGeneration: generation };
  const condition = { type: 'DisruptionTarget', ...observed, status: 'True', reason, message, lastTransitionTime };
  return [...present.filter((one) => one !== old), condition];
}
