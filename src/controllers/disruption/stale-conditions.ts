// An eviction says in the pod's status that it is the target of a disruption, and then deletes the pod. Where it never came to
// that, the pod is none after a while.
import { isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { ignoreNotFound } from '../../apimachinery/status.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { pods } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController, type SyncResult } from '../controller.ts';

/** Milliseconds. */
const staleAfter = 120_000;

export function staleDisruptions(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const informer = informers.informer<Pod>(pods);
  const podClient = client.resource<Pod>(pods);
  const name = 'disruption-controller stale conditions';
  const controller = new KeyedController({ name, context, waitFor: [informer], workers: 1, sync });
  const look = (pod: Readonly<Pod>) => {
    if (staleIn(pod, clock.now()) !== undefined) controller.queue.add(objectKey(pod));
  };
  informer.addHandler({ added: look, updated: look });

  async function sync(key: string): Promise<SyncResult | undefined> {
    const [namespace = '', podName = ''] = key.split('/');
    const pod = informer.lister.get(podName, namespace);
    const left = pod && staleIn(pod, clock.now());
    if (!pod || left === undefined) return undefined;
    if (left > 0) return { requeueAfter: left };
    const conditions = jsonCopy(pod.status?.conditions ?? []).map((condition) =>
      condition.type === 'DisruptionTarget'
        ? { type: condition.type, status: 'False', lastTransitionTime: formatTime(clock.now()) }
        : condition,
    );
    const status = { ...pod.status, conditions };
    await podClient.update({ ...jsonCopy(pod), status }, { subresource: 'status' }).catch(ignoreNotFound);
    return undefined;
  }

  return controller;
}

/**
 * Milliseconds until a pod's mark is stale; undefined for a pod without a mark, and for one whose mark stays: it is going, it has
 * ended, or its node is about to end it.
 */
export function staleIn(pod: Readonly<Pod>, now: number): number | undefined {
  const mark = pod.status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  if (mark?.status !== 'True' || mark.reason === 'TerminationByKubelet') return undefined;
  if (pod.metadata.deletionTimestamp || isPodTerminal(pod)) return undefined;
  return Math.max(0, Date.parse(mark.lastTransitionTime ?? formatTime(now)) + staleAfter - now);
}
