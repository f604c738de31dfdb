// Where so many nodes fall silent at once that the fault is hardly theirs, fewer of them lose their pods, or none (upstream
// handleDisruption, ComputeZoneState).
import type { Node } from '../../api/core/v1/types.generated.ts';
import type { NodeEvictionConfig } from '../config.ts';
import { readyStatusOf } from './reconcile.ts';

/**
 * What becomes of the pods on a node that is not ready. `limited`: nodes of its zone lose theirs one after the other, `rate` a
 * second; with 0 none begins. `held`: no node is ready at all, and those that had begun stop.
 */
export type Eviction = { readonly kind: 'limited'; readonly rate: number } | { readonly kind: 'held' };

export type EvictionRates = Required<NodeEvictionConfig>;

/** kube-controller-manager's. */
export const defaultRates: EvictionRates = {
  rate: 0.1,
  secondaryRate: 0.01,
  unhealthyZoneThreshold: 0.55,
  largeClusterSizeThreshold: 50,
};

/** So few silent nodes are each at fault themselves. */
const fewNodes = 2;
const notCounted = 'node.kubernetes.io/exclude-disruption';

export function evictionOf(node: Readonly<Node>, all: readonly Readonly<Node>[], rates: EvictionRates): Eviction {
  const counted = all.filter(({ metadata }) => metadata.labels?.[notCounted] === undefined);
  const isReady = (one: Readonly<Node>) => readyStatusOf(one) === 'True';
  if (counted.length > 0 && !counted.some(isReady)) return { kind: 'held' };
  const own = zoneOf(node);
  const zone = counted.filter((one) => zoneOf(one) === own);
  const silent = zone.filter((one) => !isReady(one)).length;
  const threshold = Math.max(rates.unhealthyZoneThreshold * zone.length, fewNodes + 1);
  // A zone that is silent as a whole is one fault, which its pods can leave.
  if (silent === zone.length || silent < threshold) return { kind: 'limited', rate: rates.rate };
  return { kind: 'limited', rate: zone.length > rates.largeClusterSizeThreshold ? rates.secondaryRate : 0 };
}

/** Region and zone of a node, as one text. */
export function zoneOf({ metadata: { labels = {} } }: Readonly<Node>): string {
  return JSON.stringify([labels['topology.kubernetes.io/region'], labels['topology.kubernetes.io/zone']]);
}
