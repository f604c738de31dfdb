// What `portico plan` finds, as a value.
import type { TextChange } from '../line-changes.ts';
import type { Connections } from '../live/connections.ts';
import type { ReachChange } from './reach-groups.ts';

export interface ObjectChange {
  readonly change: 'created' | 'changed' | 'deleted';
  /** `Service default/web`. */
  readonly object: string;
  /** Fields that differ, as paths with both values; empty for objects that come or go. */
  readonly fields: readonly { readonly path: string; readonly before: unknown; readonly after: unknown }[];
}

/** Of new connections through one Service port, over all nodes alike. */
export interface ShareChange {
  /** `default/web:http`. */
  readonly servicePort: string;
  readonly endpoint: string;
  /** 0 to 1. */
  readonly before: number;
  readonly after: number;
}

export interface NodeRules extends TextChange {
  readonly node: string;
}

/** What an API server will pick when the change is made; another stands for it in the plan. */
export interface Placeholder {
  /** `Service default/web`. */
  readonly object: string;
  readonly field: string;
  /** What stands for it. */
  readonly value: string;
}

/** Of a Service of type LoadBalancer, from the pools of addresses. */
export interface LoadBalancerChange {
  /** `Service default/web`. */
  readonly object: string;
  readonly before: readonly string[];
  /** What it would be given if it asked now. */
  readonly after: readonly string[];
  /** Why it would wait for one. */
  readonly waitsFor?: string;
}

export interface NetworkPlan {
  readonly objects: readonly ObjectChange[];
  /** EndpointSlices that a controller would write. */
  readonly slices: readonly ObjectChange[];
  readonly records: TextChange;
  /** Only nodes whose rules change. */
  readonly rules: readonly NodeRules[];
  readonly shares: readonly ShareChange[];
  /** Connections that nodes track now whose endpoint nobody would be sent to any more. */
  readonly connections: readonly Connections[];
  /** Whom NetworkPolicies would keep from whom, or no longer. */
  readonly reach: readonly ReachChange[];
  readonly placeholders: readonly Placeholder[];
  readonly loadBalancers: readonly LoadBalancerChange[];
  /** What could not be looked at, in sentences. */
  readonly notes: readonly string[];
}

/** Nothing at all would change. */
export function isEmptyPlan({ objects, slices, records, rules }: NetworkPlan): boolean {
  return [objects, slices, records.added, records.removed, rules].every((list) => list.length === 0);
}
