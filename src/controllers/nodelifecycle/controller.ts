// Notices nodes that fall silent: says so in their conditions and taints, and takes their pods out of Services at once.
import type { Lease } from '../../api/coordination/v1/types.generated.ts';
import { isPodReady } from '../../api/core/v1/pod/facts.ts';
import type { Node, Pod } from '../../api/core/v1/types.generated.ts';
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
import { inTurn } from '../shared/in-turn.ts';
import { podsByNode } from '../shared/pods-by-node.ts';
import { defaultRates, ZoneHealth } from './disruption.ts';
import { Evictions, together } from './evictions.ts';
import { Heartbeats } from './heartbeats.ts';
import { readyStatusOf, silentConditions, taintsFor } from './reconcile.ts';

/** Milliseconds: kube-controller-manager's --node-monitor-period. */
const monitorPeriod = 5_000;

export function nodeLifecycleController(context: ControllerContext): Controller {
  const { client, informers, clock, config } = context;
  const grace = config.nodeMonitorGracePeriod ?? 50_000;
  const nodeInformer = informers.informer<Node>(nodes);
  const podInformer = informers.informer<Pod>(pods);
  const leaseInformer = informers.informer<Lease>(leases, { namespace: 'kube-node-lease' });
  const podsOn = podsByNode(podInformer);
  const recorder = recorderOf(context, 'node-controller');
  const nodeClient = client.resource<Node>(nodes);
  const podClient = client.resource<Pod>(pods);
  /** Uids of the nodes that were told of, by name. */
  const registered = new Map<string, string | undefined>();
  const health = new ZoneHealth();
  const heartbeats = new Heartbeats(clock);
  const evictions = new Evictions(health, { ...defaultRates, ...config.nodeEviction });

  const waitFor = [nodeInformer, podInformer, leaseInformer];
  const controller = new KeyedController({ name: 'node-lifecycle-controller', context, waitFor, sync });
  heartbeats.follow(nodeInformer, leaseInformer);
  const see = (node: Readonly<Node>) => {
    health.set(node);
    controller.queue.add(node.metadata.name);
  };
  nodeInformer.addHandler({
    added: see,
    updated: see,
    deleted(node) {
      health.remove(node.metadata.name);
      evictions.forget(node.metadata.name);
      tellRegistration(node, 'RemovingNode');
    },
  });

  /** Once for each node. */
  function tellRegistration(node: Readonly<Node>, reason: 'RegisteredNode' | 'RemovingNode'): void {
    const { name, uid } = node.metadata;
    const isKnown = registered.has(name) && registered.get(name) === uid;
    if (isKnown === (reason === 'RegisteredNode')) return;
    if (reason === 'RemovingNode') registered.delete(name);
    else registered.set(name, uid);
    const what = reason === 'RemovingNode' ? `Removing Node ${name} from` : `Registered Node ${name} in`;
    tellOfNode(node, reason, `Node ${name} event: ${what} Controller`);
  }

  function tellOfNode(node: Readonly<Node>, reason: string, message: string): void {
    recorder.event(node, { type: 'Normal', reason, message });
  }

  async function sync(name: string): Promise<SyncResult | undefined> {
    const cached = nodeInformer.lister.get(name);
    if (!cached) return undefined;
    tellRegistration(cached, 'RegisteredNode');
    const now = clock.monotonic();
    const silentFor = heartbeats.silentFor(name);
    let isReady: boolean;
    try {
      const node = silentFor >= grace ? await tellSilence(cached) : cached;
      isReady = readyStatusOf(node) === 'True';
      if (isReady) evictions.end(name);
      const steps = [() => setTaints(node), ...(isReady ? [] : [() => markPodsNotReady(name)])];
      await inTurn(steps, (step) => step());
    } catch (error) {
      // The next look sees what has changed in between.
      if (isNotFound(error) || isConflict(error)) return { requeueAfter: 100 };
      throw error;
    }
    const next = silentFor >= grace ? grace : grace - silentFor;
    if (isReady || evictions.hasBegun(name)) return { requeueAfter: next };
    return { requeueAfter: Math.min(next, evictions.isNews(name, now) ? together : monitorPeriod) };
  }

  async function tellSilence(node: Readonly<Node>): Promise<Readonly<Node>> {
    const conditions = silentConditions(node, clock.now());
    if (!conditions) return node;
    const status = { ...node.status, conditions };
    const updated = await nodeClient.update({ ...node, status }, { subresource: 'status' });
    evictions.tell(node.metadata.name, clock.monotonic());
    health.set(updated);
    if (readyStatusOf(node) === 'True') {
      tellOfNode(updated, 'NodeNotReady', `Node ${node.metadata.name} status is now: NodeNotReady`);
    }
    return updated;
  }

  async function setTaints(node: Readonly<Node>): Promise<void> {
    const taints = taintsFor(node, clock.now(), () => evictions.mayBegin(node, clock.monotonic()));
    if (!taints) return;
    const { name, uid, resourceVersion } = node.metadata;
    await nodeClient.patch({ name, type: 'merge', body: { metadata: { uid, resourceVersion }, spec: { taints } } });
  }

  /** Nobody knows whether they answer: Services must not send anyone there. */
  async function markPodsNotReady(nodeName: string): Promise<void> {
    const lastTransitionTime = formatTime(clock.now());
    await inTurn(podsOn(nodeName).filter(isPodReady), async (pod) => {
      const conditions = (pod.status?.conditions ?? []).map((condition) =>
        condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime } : condition,
      );
      await podClient.update({ ...pod, status: { ...pod.status, conditions } }, { subresource: 'status' });
      const event = { type: 'Warning', reason: 'NodeNotReady', message: 'Node is not ready' } as const;
      recorder.event(pod, event);
    });
  }

  return controller;
}
