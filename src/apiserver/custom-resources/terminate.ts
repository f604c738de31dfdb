// DELETE of a definition marks it: its instances go first (upstream's storage of CustomResourceDefinitions).
import { withCondition } from '../../api/apiextensions/v1/custom-resource-definition/conditions.ts';
import type { CustomResourceDefinition } from '../../api/apiextensions/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { formatTime } from '../../apimachinery/time.ts';
import type { Deletion } from '../registry/deletion.ts';
import { deletionPending } from './next-status.ts';

/** Holds the finalizer of a definition until its instances are deleted. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

/** Whatever the request asks for. `now` in milliseconds since the epoch. */
export function terminateDefinition(plan: Deletion, old: Readonly<KubeObject>, now: number): Deletion {
  if (old.metadata.deletionTimestamp !== undefined) {
    // The second request is an ordinary one: it says how long to wait.
    if (plan.type !== 'wait' || old.metadata.deletionGracePeriodSeconds !== undefined) return plan;
    const waiting = jsonCopy(old) as KubeObject;
    waiting.metadata.deletionGracePeriodSeconds = 0;
    return { type: 'mark', object: waiting };
  }
  const object = jsonCopy(old) as unknown as CustomResourceDefinition;
  const { metadata } = object;
  const time = formatTime(now);
  metadata.deletionTimestamp = time;
  const finalizers = metadata.finalizers ?? [];
  metadata.finalizers = finalizers.includes(cleanupFinalizer) ? finalizers : [...finalizers, cleanupFinalizer];
  const status = object.status ?? {};
  object.status = { ...status, conditions: withCondition(status.conditions ?? [], deletionPending, time) };
  return { type: 'mark', object };
}
