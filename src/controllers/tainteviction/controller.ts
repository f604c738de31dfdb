// Evicts pods from nodes whose NoExecute taints they do not tolerate, or no longer.
import type { Node, Pod, Taint } from '../../api/core/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { ignoreNotFound } from '../../apimachinery/status.ts';
import { nodes, pods } from '../../client/resources.ts';
import {
  type Controller,
  type ControllerContext,
  KeyedController,
  recorderOf,
  type SyncResult,
} from '../controller.ts';
import { type Disruption, markEnding } from '../shared/pod-ending.ts';
import { podsByNode } from '../shared/pods-by-node.ts';
import { evictionDelay } from './reconcile.ts';

const deletionByTaints: Disruption = {
  reason: 'DeletionByTaintManager',
  message: 'Taint manager: deleting due to NoExecute taint',
};

export function taintEvictionController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const nodeInformer = informers.informer<Node>(nodes);
  const podInformer = informers.informer<Pod>(pods);
  const podsOn = podsByNode(podInformer);
  const podClient = client.resource<Pod>(pods);
  const recorder = recorderOf(context, 'taint-eviction-controller');
  /** Pods that will have to go when their time is over, and since when that is known, as the clock's `monotonic`. */
  const condemned = new Map<string, number>();

  const waitFor = [nodeInformer, podInformer];
  const controller = new KeyedController({ name: 'taint-eviction-controller', context, waitFor, sync });
  const taintsOf = (nodeName: string) => evictingTaints(nodeInformer.lister.get(nodeName));
  const see = (pod: Readonly<Pod>) => {
    const { nodeName } = pod.spec;
    const key = objectKey(pod);
    if (nodeName && (condemned.has(key) || taintsOf(nodeName).length > 0)) controller.queue.add(key);
  };
  podInformer.addHandler({
    added: see,
    updated(pod, old) {
      const { nodeName, tolerations } = pod.spec;
      if (nodeName !== old.spec.nodeName || !jsonEqual(tolerations, old.spec.tolerations)) see(pod);
    },
    deleted: (pod) => condemned.delete(objectKey(pod)),
  });
  nodeInformer.addHandler({
    added: (node) => podsOn(node.metadata.name).forEach(see),
    updated(node, old) {
      if (!jsonEqual(evictingTaints(node), evictingTaints(old))) podsOn(node.metadata.name).forEach(see);
    },
  });

  async function sync(key: string): Promise<SyncResult | undefined> {
    const [namespace = '', name = ''] = key.split('/');
    const pod = podInformer.lister.get(name, namespace);
    if (!pod || pod.metadata.deletionTimestamp) return undefined;
    const now = clock.now();
    const known = condemned.get(key) ?? clock.monotonic();
    // A time that was set in between has made it neither longer nor shorter.
    const since = now - (clock.monotonic() - known);
    const delay = evictionDelay(pod, taintsOf(pod.spec.nodeName ?? ''), { now, since });
    if (delay === undefined) {
      if (condemned.delete(key)) tell(pod, `Cancelling deletion of Pod ${key}`);
      return undefined;
    }
    condemned.set(key, known);
    if (delay > 0) return { requeueAfter: delay };
    tell(pod, `Marking for deletion Pod ${key}`);
    await evict(pod).catch(ignoreNotFound);
    return undefined;
  }

  function tell(pod: Readonly<Pod>, message: string): void {
    const event = { type: 'Normal', reason: 'TaintManagerEviction', message } as const;
    recorder.event(pod, event);
  }

  async function evict(pod: Readonly<Pod>): Promise<void> {
    const { name, namespace = '', uid } = pod.metadata;
    await markEnding(podClient, pod, { disruption: deletionByTaints, now: clock.now() });
    await podClient.delete(name, namespace, uid === undefined ? {} : { preconditions: { uid } });
  }

  return controller;
}

function evictingTaints(node: Readonly<Node> | undefined): Readonly<Taint>[] {
  return (node?.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
}
