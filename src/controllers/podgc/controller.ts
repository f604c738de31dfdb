// Every 20 s deletes pods that nobody else would.
import { isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import type { Node, Pod } from '../../api/core/v1/types.generated.ts';
import { ignoreNotFound, isNotFound } from '../../apimachinery/status.ts';
import { nodes, pods } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController } from '../controller.ts';
import { inTurn } from '../shared/in-turn.ts';
import { type Disruption, markEnding } from '../shared/pod-ending.ts';
import { podsToCollect } from './reconcile.ts';

const interval = 20_000;
const nodeGone: Disruption = { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' };

/** Terminated pods that are kept in all, as upstream's default has it. */
const terminatedPodThreshold = 12_500;

export function podGarbageCollector(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const podInformer = informers.informer<Pod>(pods);
  const nodeInformer = informers.informer<Node>(nodes);
  const podClient = client.resource<Pod>(pods);
  const missedSince = new Map<string, number>();
  const name = 'pod-garbage-collector-controller';
  const waitFor = [podInformer, nodeInformer];
  const controller = new KeyedController({ name, context, waitFor, workers: 1, sync });
  podInformer.addHandler({ synced: () => controller.queue.add('all') });

  async function sync() {
    const all = podInformer.lister.list();
    // What was missed for so long is not to be so because the time was set.
    const now = clock.monotonic();
    const node = (nodeName: string) => nodeInformer.lister.get(nodeName);
    await noteMissing(all, now);
    const doomed = podsToCollect({ pods: all, node, missedSince, now, threshold: terminatedPodThreshold });
    await inTurn(doomed, (pod) => collect(pod).catch(ignoreNotFound));
    return { requeueAfter: interval };
  }

  /** A pod that has not ended has failed: a Job counts it before it is gone. */
  async function collect(pod: Readonly<Pod>): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    const disruption = missedSince.has(pod.spec.nodeName ?? '') ? nodeGone : undefined;
    if (!isPodTerminal(pod)) await markEnding(podClient, pod, { disruption, phase: 'Failed', now: clock.now() });
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    await podClient.delete(name, namespace, { gracePeriodSeconds: 0, ...preconditions });
  }

  /** The cache may be behind: the server is asked about each node that seems to be gone. */
  async function noteMissing(all: readonly Readonly<Pod>[], now: number): Promise<void> {
    const used = new Set(all.flatMap((pod) => pod.spec.nodeName || []));
    for (const known of missedSince.keys()) {
      if (!used.has(known) || nodeInformer.lister.get(known)) missedSince.delete(known);
    }
    for (const nodeName of used) {
      if (missedSince.has(nodeName) || nodeInformer.lister.get(nodeName)) continue;
      const missing = await client
        .resource<Node>(nodes)
        .get(nodeName)
        .then(() => false, isNotFound);
      if (missing) missedSince.set(nodeName, now);
    }
  }

  return controller;
}
