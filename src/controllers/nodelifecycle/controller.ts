// Notices nodes that fall silent: says so in their conditions and taints, takes their pods out of Services at once, and
// evicts pods when their tolerations run out.
import type { Lease } from '../../api/coordination/v1/types.generated.ts';
import type { Node, Pod } from '../../api/core/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { isConflict, isNotFound } from '../../apimachinery/status.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { leases, nodes, pods } from '../../client/resources.ts';
import {
  type Controller,
  type ControllerContext,
  KeyedController,
  recorderOf,
  type SyncResult,
} from '../controller.ts';
import { isPodReady, isPodTerminal } from '../shared/pods.ts';
import { createPodsByNode } from './pods-by-node.ts';
import { evictionDelay, readyStatusOf, silentConditions, taintsFor } from './reconcile.ts';

export function nodeLifecycleController(context: ControllerContext): Controller {
  const { client, informers, clock, config } = context;
  const grace = config.nodeMonitorGracePeriod ?? 40_000;
  const nodeInformer = informers.informer<Node>(nodes);
  const podInformer = informers.informer<Pod>(pods);
  const leaseInformer = informers.informer<Lease>(leases, { namespace: 'kube-node-lease' });
  const podsOn = createPodsByNode(podInformer);
  const recorder = recorderOf(context, 'node-controller');
  const nodeClient = client.resource<Node>(nodes);
  const podClient = client.resource<Pod>(pods);
  /** When each node was last heard of by this clock, so that nobody else's clock matters. */
  const heard = new Map<string, number>();

  const waitFor = [nodeInformer, podInformer, leaseInformer];
  const watching = new KeyedController({ name: 'node-lifecycle-controller', context, waitFor, sync: syncNode });
  const evicting = new KeyedController({ name: 'taint-eviction-controller', context, waitFor, sync: syncPod });
  const hear = (name: string) => heard.set(name, clock.now());
  nodeInformer.addHandler({
    added(node) {
      hear(node.metadata.name);
      watching.queue.add(node.metadata.name);
    },
    updated(node, old) {
      const heartbeat = heartbeatOf(node);
      if (heartbeat !== undefined && heartbeat !== heartbeatOf(old)) hear(node.metadata.name);
      watching.queue.add(node.metadata.name);
    },
    deleted: (node) => heard.delete(node.metadata.name),
  });
  leaseInformer.addHandler({
    updated(lease, old) {
      if (lease.spec.renewTime !== old.spec.renewTime) hear(lease.metadata.name);
    },
  });
  const enqueuePod = (pod: Readonly<Pod>) => {
    if (pod.spec.nodeName) evicting.queue.add(objectKey(pod));
  };
  podInformer.addHandler({
    added: enqueuePod,
    updated: (pod, old) => pod.spec.nodeName !== old.spec.nodeName && enqueuePod(pod),
  });

  async function syncNode(name: string): Promise<SyncResult | undefined> {
    const cached = nodeInformer.lister.get(name);
    if (!cached) return undefined;
    const now = clock.now();
    const silentFor = now - (heard.get(name) ?? now);
    try {
      const node = silentFor >= grace ? await tellSilence(cached, now) : cached;
      await setTaints(node, now);
      if (readyStatusOf(node) !== 'True') await markPodsNotReady(name);
    } catch (error) {
      // The next look sees what has changed in between.
      if (isNotFound(error) || isConflict(error)) return { requeueAfter: 100 };
      throw error;
    }
    for (const pod of podsOn(name)) enqueuePod(pod);
    return { requeueAfter: silentFor >= grace ? grace : grace - silentFor };
  }

  async function tellSilence(node: Readonly<Node>, now: number): Promise<Readonly<Node>> {
    const conditions = silentConditions(node, now);
    if (!conditions) return node;
    const copy = jsonCopy(node) as Node;
    copy.status = { ...copy.status, conditions };
    const updated = await nodeClient.update(copy, { subresource: 'status' });
    const message = `Node ${node.metadata.name} status is now: NodeNotReady`;
    recorder.event({ ...updated, apiVersion: 'v1', kind: 'Node' }, { type: 'Normal', reason: 'NodeNotReady', message });
    return updated;
  }

  async function setTaints(node: Readonly<Node>, now: number): Promise<void> {
    const taints = taintsFor(node, now);
    if (!taints) return;
    const { name, uid, resourceVersion } = node.metadata;
    await nodeClient.patch({ name, type: 'merge', body: { metadata: { uid, resourceVersion }, spec: { taints } } });
  }

  /** Nobody knows whether they answer: Services must not send anyone there. */
  async function markPodsNotReady(nodeName: string): Promise<void> {
    const lastTransitionTime = formatTime(clock.now());
    for (const pod of podsOn(nodeName)) {
      if (!isPodReady(pod)) continue;
      const copy = jsonCopy(pod) as Pod;
      const conditions = (copy.status?.conditions ?? []).map((condition) =>
        condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime } : condition,
      );
      copy.status = { ...copy.status, conditions };
      await podClient.update(copy, { subresource: 'status' });
      const event = { type: 'Warning', reason: 'NodeNotReady', message: 'Node is not ready' } as const;
      recorder.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, event);
    }
  }

  async function syncPod(key: string): Promise<SyncResult | undefined> {
    const [namespace = '', name = ''] = key.split('/');
    const pod = podInformer.lister.get(name, namespace);
    const node = pod && nodeInformer.lister.get(pod.spec.nodeName ?? '');
    if (!pod || !node || pod.metadata.deletionTimestamp || isPodTerminal(pod)) return undefined;
    const now = clock.now();
    const delay = evictionDelay(pod, node.spec?.taints ?? [], { now, since: now });
    if (delay === undefined) return undefined;
    if (delay > 0) return { requeueAfter: delay };
    const message = `Marking for deletion Pod ${key}`;
    recorder.event(
      { ...pod, apiVersion: 'v1', kind: 'Pod' },
      { type: 'Normal', reason: 'TaintManagerEviction', message },
    );
    const preconditions = pod.metadata.uid === undefined ? {} : { preconditions: { uid: pod.metadata.uid } };
    await podClient.delete(name, namespace, preconditions).catch((error: unknown) => {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    });
    return undefined;
  }

  return {
    async run(signal) {
      await Promise.all([watching.run(signal), evicting.run(signal)]);
    },
  };
}

function heartbeatOf(node: Readonly<Node>): string | undefined {
  const ready = node.status?.conditions?.find((c) => c.type === 'Ready');
  // What this controller itself wrote is no sign of life.
  return ready?.status === 'Unknown' ? undefined : `${ready?.status} ${ready?.lastHeartbeatTime}`;
}
