// What a DaemonSet does about its pods on all nodes (upstream pkg/controller/daemon): pure.
import type { DaemonSet, DaemonSetStatus } from '../../api/apps/v1/types.generated.ts';
import { isPodReady } from '../../api/core/v1/pod/facts.ts';
import type { Node, Pod } from '../../api/core/v1/types.generated.ts';
import { byCreation } from '../shared/by-creation.ts';
import { isPodAvailable } from '../shared/pods.ts';
import { sameStatus } from '../shared/same-status.ts';
import { anotherFailed, type FailedPod, waitLeft } from './failed-pods.ts';
import { isAvailable, isOfHash, isTerminating, type Place, placeOn, targetOf } from './pods.ts';
import { rollingUpdate } from './rolling-update.ts';

export interface DaemonSetInput {
  readonly set: Readonly<DaemonSet>;
  readonly nodes: readonly Readonly<Node>[];
  /** Claimed pods. */
  readonly pods: readonly Readonly<Pod>[];
  /** Of the present template. */
  readonly hash: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly collisionCount: number | undefined;
  /** Of earlier looks, by node, and now (milliseconds) by the clock that they go by. Default: none. */
  readonly failed?: { readonly byNode: ReadonlyMap<string, FailedPod>; readonly at: number };
}

export interface DaemonSetPlan {
  /** Names of nodes that get a pod. */
  readonly create: readonly string[];
  readonly delete: readonly Readonly<Pod>[];
  readonly events: readonly { readonly reason: string; readonly message: string }[];
  /** Undefined when the present one is right. */
  readonly status: DaemonSetStatus | undefined;
  /** To be remembered: nodes whose failed pods are taken away now. */
  readonly failed: ReadonlyMap<string, FailedPod>;
  /** Milliseconds until another failed pod may be taken away. */
  readonly requeueAfter: number | undefined;
}

/** One node as a DaemonSet sees it. */
export interface DaemonNode extends Place {
  readonly name: string;
  /** Those that are on the node first, the oldest of them first. */
  readonly pods: readonly Readonly<Pod>[];
}

/** Most pods made or deleted in one go, as upstream. */
const burst = 250;

export function reconcile(input: DaemonSetInput): DaemonSetPlan {
  const { set } = input;
  const nodes = daemonNodes(input);
  const status = statusOf(input, nodes);
  const steps = manage(input, nodes);
  // An update counts on every node having what it should.
  const isIdle = steps.create.length + steps.delete.length === 0;
  const update = set.spec.updateStrategy?.type !== 'OnDelete';
  const { create, delete: end } = isIdle && update ? rollingUpdate(input, nodes) : steps;
  const { events, failed, requeueAfter } = steps;
  return { create: create.slice(0, burst), delete: end.slice(0, burst), events, status, failed, requeueAfter };
}

function daemonNodes({ set, nodes, pods }: DaemonSetInput): DaemonNode[] {
  const byNode = new Map<string, Readonly<Pod>[]>();
  for (const pod of pods) {
    const target = targetOf(pod);
    const present = byNode.get(target);
    if (present) present.push(pod);
    else byNode.set(target, [pod]);
  }
  return nodes.map((node) => {
    const { name } = node.metadata;
    return { name, pods: (byNode.get(name) ?? []).sort(byAge), ...placeOn(set, node) };
  });
}

function byAge(a: Readonly<Pod>, b: Readonly<Pod>): number {
  const bound = Number(Boolean(b.spec.nodeName)) - Number(Boolean(a.spec.nodeName));
  return bound || byCreation(a, b);
}

function manage(input: DaemonSetInput, nodes: readonly DaemonNode[]) {
  const create: string[] = [];
  const end: Readonly<Pod>[] = [];
  const events: { reason: string; message: string }[] = [];
  const failed = new Map<string, FailedPod>();
  const { byNode, at } = input.failed ?? { byNode: failed, at: 0 };
  const waits: number[] = [];
  for (const { name, pods, shouldRun, mayStay } of nodes) {
    if (shouldRun && pods.length === 0) create.push(name);
    else if (!mayStay) end.push(...pods.filter((pod) => !isTerminating(pod)));
    else {
      const running: Readonly<Pod>[] = [];
      for (const pod of pods.filter((one) => !isTerminating(one))) {
        const phase = pod.status?.phase;
        const last = failed.get(name) ?? byNode.get(name);
        const wait = phase === 'Failed' ? waitLeft(last, at) : 0;
        if (wait > 0) waits.push(wait);
        else if (phase === 'Failed' || phase === 'Succeeded') {
          const how = phase.toLowerCase();
          const what = `Found ${how} daemon pod ${pod.metadata.namespace}/${pod.metadata.name} on node ${name}`;
          events.push({
            reason: `${phase}DaemonPod`,
            message: `${what}, will try to ${phase === 'Failed' ? 'kill' : 'delete'} it`,
          });
          end.push(pod);
          if (phase === 'Failed') failed.set(name, anotherFailed(last, at));
        } else running.push(pod);
      }
      end.push(...tooMany(input, running));
    }
  }
  // Pods on nodes that are gone are the pod garbage collector's, which knows none that wait to come there.
  const known = new Set(['', ...nodes.map(({ name }) => name)]);
  end.push(...input.pods.filter((pod) => !pod.spec.nodeName && !known.has(targetOf(pod)) && !isTerminating(pod)));
  const requeueAfter = waits.length > 0 ? Math.min(...waits) : undefined;
  return { create, delete: end, events, failed, requeueAfter };
}

/** Pods of one node beyond the one that belongs there, or while surging beyond an old and a new one. */
function tooMany(input: DaemonSetInput, running: readonly Readonly<Pod>[]): Readonly<Pod>[] {
  if (running.length <= 1) return [];
  if (!isSurging(input.set)) return running.slice(1);
  const [oldestNew, ...moreNew] = running.filter((pod) => isOfHash(pod, input.hash));
  const [oldestOld, ...moreOld] = running.filter((pod) => !isOfHash(pod, input.hash));
  if (!oldestNew || !oldestOld) return [...moreNew, ...moreOld];
  // An old one that serves nobody need not wait for the new one.
  const isReplaced = !isPodReady(oldestOld) || isAvailable(input, oldestNew);
  return [...moreNew, ...moreOld, ...(isReplaced ? [oldestOld] : [])];
}

function isSurging({ spec }: Readonly<DaemonSet>): boolean {
  const { maxSurge = 0 } = spec.updateStrategy?.rollingUpdate ?? {};
  return spec.updateStrategy?.type !== 'OnDelete' && maxSurge !== 0 && maxSurge !== '0%';
}

function statusOf(input: DaemonSetInput, nodes: readonly DaemonNode[]): DaemonSetStatus | undefined {
  const { set, hash, now, collisionCount } = input;
  const wanted = nodes.filter(({ shouldRun }) => shouldRun);
  const first = wanted.flatMap(({ pods }) => pods.slice(0, 1));
  const available = first.filter((pod) => isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now)).length;
  const status: DaemonSetStatus = {
    observedGeneration: set.metadata.generation ?? 0,
    desiredNumberScheduled: wanted.length,
    currentNumberScheduled: first.length,
    numberMisscheduled: nodes.filter(({ shouldRun, pods }) => !shouldRun && pods.length > 0).length,
    updatedNumberScheduled: first.filter((pod) => isOfHash(pod, hash)).length,
    numberReady: first.filter(isPodReady).length,
    numberAvailable: available,
    numberUnavailable: wanted.length - available,
    ...(collisionCount !== undefined && { collisionCount }),
    ...(set.status?.conditions && { conditions: set.status.conditions }),
  };
  return sameStatus(status, set.status) ? undefined : status;
}
