// The shape of filter and score plugins. Both are made once per pod, so that what is the same for all nodes is worked
// out once.
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../api/core/v1/types.generated.ts';
import type { CSINode, StorageClass, VolumeAttachment } from '../api/storage/v1/types.generated.ts';
import type { NodeInfo } from './node-info.ts';

export interface PodContext {
  readonly pod: Readonly<Pod>;
  /** All nodes, not only those that are looked at. */
  readonly nodes: readonly NodeInfo[];
  /** Labels of a namespace, for affinity to pods of namespaces chosen by label. */
  readonly namespaceLabels: (namespace: string) => Readonly<Record<string, string>> | undefined;
  /** The labels that the Services of a pod want together; undefined when none selects it. */
  readonly serviceSelector: (pod: Readonly<Pod>) => Readonly<Record<string, string>> | undefined;
  /** Bytes of an image by the nodes that have it; undefined where none has. */
  readonly imageNodes: (image: string) => ReadonlyMap<string, number> | undefined;
  readonly volumes: {
    claim(name: string, namespace: string): Readonly<PersistentVolumeClaim> | undefined;
    volume(name: string): Readonly<PersistentVolume> | undefined;
    all(): readonly Readonly<PersistentVolume>[];
    storageClass(name: string): Readonly<StorageClass> | undefined;
    /** What the drivers of a node say of it. */
    csiNode(nodeName: string): Readonly<CSINode> | undefined;
    attachments(): readonly Readonly<VolumeAttachment>[];
  };
}

export interface Rejection {
  readonly reasons: readonly string[];
  /** Would removing pods from the node help? */
  readonly resolvable: boolean;
}

/** Undefined lets the node pass. */
export type NodeFilter = (info: NodeInfo) => Rejection | undefined;
export interface ActiveFilter {
  readonly name: PluginName;
  readonly reject: NodeFilter;
}
/** What is known before a node is looked at: why the pod can go nowhere, or the names of the only nodes in question. */
export type PreFilterResult = { readonly refusal: string } | { readonly only: ReadonlySet<string> };
export type PreFilter = (context: PodContext) => PreFilterResult | undefined;
export type FilterPlugin = (context: PodContext) => NodeFilter | undefined;

/** Names of kube-scheduler's filter plugins. */
export type PluginName =
  | 'DynamicResources'
  | 'InterPodAffinity'
  | 'NodeAffinity'
  | 'NodeName'
  | 'NodePorts'
  | 'NodeResourcesFit'
  | 'NodeUnschedulable'
  | 'NodeVolumeLimits'
  | 'PodTopologySpread'
  | 'TaintToleration'
  | 'VolumeBinding'
  | 'VolumeRestrictions'
  | 'VolumeZone';

/** Scores of the nodes, 0 to 100 each, in their order. Undefined when the plugin has no opinion. */
export type ScorePlugin = (context: PodContext, feasible: readonly NodeInfo[]) => readonly number[] | undefined;

export const maxScore = 100;

/** Spreads raw values over 0 to 100, the largest (or, reversed, the smallest) getting 100. All zero stays zero. */
export function normalize(values: readonly number[], reverse = false): number[] {
  const max = Math.max(...values);
  if (max === 0) return values.map(() => (reverse ? maxScore : 0));
  return values.map((value) => {
    const score = Math.floor((value * maxScore) / max);
    return reverse ? maxScore - score : score;
  });
}

export function unresolvable(...reasons: string[]): Rejection {
  return { reasons, resolvable: false };
}

export function resolvable(...reasons: string[]): Rejection {
  return { reasons, resolvable: true };
}
