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

/** Nodes that are ready, and that are not, in all and by zone: kept as they change, for a thousand of them ask at once. */
export class ZoneHealth {
  /** Of each node that counts: its zone, and whether it is ready. */
  readonly #nodes = new Map<string, { readonly zone: string; readonly isReady: boolean }>();
  readonly #zones = new Map<string, { ready: number; silent: number }>();
  #ready = 0;

  /** A node as it is now. */
  set(node: Readonly<Node>): void {
    const { name, labels } = node.metadata;
    this.remove(name);
    if (labels?.[notCounted] !== undefined) return;
    const one = { zone: zoneOf(node), isReady: readyStatusOf(node) === 'True' };
    this.#nodes.set(name, one);
    this.#count(one, 1);
  }

  remove(name: string): void {
    const present = this.#nodes.get(name);
    if (present && this.#nodes.delete(name)) this.#count(present, -1);
  }

  get isAllSilent(): boolean {
    return this.#nodes.size > 0 && this.#ready === 0;
  }

  of(zone: string): { readonly ready: number; readonly silent: number } {
    return this.#zones.get(zone) ?? { ready: 0, silent: 0 };
  }

  #count({ zone, isReady }: { readonly zone: string; readonly isReady: boolean }, by: 1 | -1): void {
    const counts = this.#zones.get(zone) ?? { ready: 0, silent: 0 };
    counts[isReady ? 'ready' : 'silent'] += by;
    if (isReady) this.#ready += by;
    if (counts.ready + counts.silent > 0) this.#zones.set(zone, counts);
    else this.#zones.delete(zone);
  }
}

export function evictionOf(node: Readonly<Node>, health: ZoneHealth, rates: EvictionRates): Eviction {
  if (health.isAllSilent) return { kind: 'held' };
  const { ready, silent } = health.of(zoneOf(node));
  const size = ready + silent;
  const threshold = Math.max(rates.unhealthyZoneThreshold * size, fewNodes + 1);
  // A zone that is silent as a whole is one fault, which its pods can leave.
  if (ready === 0 || silent < threshold) return { kind: 'limited', rate: rates.rate };
  return { kind: 'limited', rate: size > rates.largeClusterSizeThreshold ? rates.secondaryRate : 0 };
}

/** Region and zone of a node, as one text. */
export function zoneOf({ metadata: { labels = {} } }: Readonly<Node>): string {
  return JSON.stringify([labels['topology.kubernetes.io/region'], labels['topology.kubernetes.io/zone']]);
}
