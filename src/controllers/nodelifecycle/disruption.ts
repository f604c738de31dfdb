// Where so many nodes fall silent at once that the fault is hardly theirs, nobody is evicted (upstream handleDisruption).
import type { Node } from '../../api/core/v1/types.generated.ts';
import { readyStatusOf } from './reconcile.ts';

/**
 * What becomes of the pods on a node that is not ready. `normal`: they are evicted. `paused`: most of its zone is not ready,
 * so no further nodes begin with it. `held`: no node is ready at all, and those that had begun stop.
 */
export type Eviction = 'normal' | 'paused' | 'held';

/** kube-controller-manager's defaults of --unhealthy-zone-threshold and --large-cluster-size-threshold. */
const unhealthyZone = 0.55;
const largeZone = 50;
/** So few silent nodes are each at fault themselves. */
const fewNodes = 2;
const notCounted = 'node.kubernetes.io/exclude-disruption';

export function evictionOf(node: Readonly<Node>, all: readonly Readonly<Node>[]): Eviction {
  const counted = all.filter(({ metadata }) => metadata.labels?.[notCounted] === undefined);
  const isReady = (one: Readonly<Node>) => readyStatusOf(one) === 'True';
  if (counted.length > 0 && !counted.some(isReady)) return 'held';
  const zone = counted.filter((one) => zoneOf(one) === zoneOf(node));
  const silent = zone.filter((one) => !isReady(one)).length;
  // A zone that is silent as a whole is one fault, which its pods can leave.
  if (silent === zone.length || silent <= fewNodes || silent < unhealthyZone * zone.length) return 'normal';
  return zone.length > largeZone ? 'normal' : 'paused';
}

function zoneOf({ metadata: { labels = {} } }: Readonly<Node>): string {
  return JSON.stringify([labels['topology.kubernetes.io/region'], labels['topology.kubernetes.io/zone']]);
}
