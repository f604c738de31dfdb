// Which node a pod goes to: a pure function of the pod, the nodes and a die.

import type { Pod } from '../api/core/v1/types.generated.ts';
import { dynamicResources } from './filter/dynamic-resources.ts';
import { nodePorts, nodeResourcesFit } from './filter/fit.ts';
import { namedNodes, nodeAffinity } from './filter/node-affinity.ts';
import { interPodAffinity } from './filter/pod-affinity.ts';
import { nodeName, nodeUnschedulable, taintToleration } from './filter/taints.ts';
import { podTopologySpread } from './filter/topology-spread.ts';
import { volumeLimits } from './filter/volume-limits.ts';
import { diskConflict, readWriteOncePod } from './filter/volume-restrictions.ts';
import { volumeZone } from './filter/volume-zone.ts';
import { missingVolumes, volumeBinding } from './filter/volumes.ts';
import type { NodeInfo } from './node-info.ts';
import {
  type ActiveFilter,
  type FilterPlugin,
  type PluginName,
  type PodContext,
  type PreFilter,
  type Rejection,
  type ScorePlugin,
  unresolvable,
} from './plugin.ts';
import { priorityOf } from './preempt.ts';
import { imageLocality } from './score/image-locality.ts';
import { preferredNodes, preferredPods, preferredTaints } from './score/preferences.ts';
import { balancedAllocation, leastAllocated } from './score/resources.ts';
import { spread } from './score/spread.ts';

/** In the order of kube-scheduler's default profile: the first that rejects a node says why. */
const filters: readonly { readonly name: PluginName; readonly plugin: FilterPlugin }[] = [
  { name: 'NodeUnschedulable', plugin: nodeUnschedulable },
  { name: 'NodeName', plugin: nodeName },
  { name: 'TaintToleration', plugin: taintToleration },
  { name: 'NodeAffinity', plugin: nodeAffinity },
  { name: 'NodePorts', plugin: nodePorts },
  { name: 'NodeResourcesFit', plugin: nodeResourcesFit },
  { name: 'VolumeRestrictions', plugin: diskConflict },
  { name: 'VolumeRestrictions', plugin: readWriteOncePod },
  { name: 'NodeVolumeLimits', plugin: volumeLimits },
  { name: 'VolumeBinding', plugin: volumeBinding },
  { name: 'VolumeZone', plugin: volumeZone },
  { name: 'PodTopologySpread', plugin: podTopologySpread },
  { name: 'InterPodAffinity', plugin: interPodAffinity },
  { name: 'DynamicResources', plugin: dynamicResources },
];

const preFilters: readonly { readonly name: PluginName; readonly plugin: PreFilter }[] = [
  { name: 'NodeAffinity', plugin: namedNodes },
  { name: 'VolumeBinding', plugin: missingVolumes },
];

/** Weights of kube-scheduler's default profile. */
const scorers: readonly { readonly plugin: ScorePlugin; readonly weight: number }[] = [
  { plugin: preferredTaints, weight: 3 },
  { plugin: preferredNodes, weight: 2 },
  { plugin: spread, weight: 2 },
  { plugin: preferredPods, weight: 2 },
  { plugin: leastAllocated, weight: 1 },
  { plugin: balancedAllocation, weight: 1 },
  { plugin: imageLocality, weight: 1 },
];

export interface DecideOptions {
  /** Where in the list of nodes to begin to look, so that not always the same ones are looked at. */
  readonly start: number;
  /** A whole number in [0, bound): decides between nodes that score the same. */
  readonly dice: (bound: number) => number;
  /** Pods that will go to a node once it has room; those that matter as much count as if they were there. */
  readonly nominatedTo?: (nodeName: string) => readonly Readonly<Pod>[];
}

export type Decision =
  | { readonly kind: 'node'; readonly name: string; readonly examined: number }
  | {
      readonly kind: 'none';
      readonly nodes: number;
      /** Why the pod fits no node at all; then no rejection has reasons of its own. */
      readonly refusal?: string;
      readonly rejections: readonly Rejection[];
      /** Nodes on which the removal of pods may help. */
      readonly candidates: readonly NodeInfo[];
      /** Who refused a node, or all of them. */
      readonly refusedBy: ReadonlySet<PluginName>;
    };

function filtersFor(context: PodContext): ActiveFilter[] {
  return filters.flatMap(({ name, plugin }) => {
    const reject = plugin(context);
    return reject ? [{ name, reject }] : [];
  });
}

export function decide(context: PodContext, { start, dice, nominatedTo }: DecideOptions): Decision {
  const { pod } = context;
  const { length: count } = context.nodes;
  const refusedBy = new Set<PluginName>();
  const nodes = narrow(context, refusedBy);
  if (typeof nodes === 'string') {
    const rejections = context.nodes.map(() => unresolvable());
    return { kind: 'none', nodes: count, refusal: nodes, rejections, candidates: [], refusedBy };
  }
  const active = filtersFor(context);
  const reject = (info: NodeInfo) => {
    const rejection = firstRejection(active, info, refusedBy);
    if (rejection) return rejection;
    const nominated = nominatedTo?.(info.node.metadata.name) ?? [];
    return rejectionWithNominated(context, info, { nominated, refusedBy });
  };
  // Room was made for it there.
  const nominated = pod.status?.nominatedNodeName;
  const own = nominated ? nodes.find(({ node }) => node.metadata.name === nominated) : undefined;
  if (own && !reject(own)) return { kind: 'node', name: own.node.metadata.name, examined: 0 };
  const enough = nodesToFind(nodes.length);
  const feasible: NodeInfo[] = [];
  const rejections: Rejection[] = [];
  const candidates: NodeInfo[] = [];
  let examined = 0;
  for (; examined < nodes.length && feasible.length < enough; examined += 1) {
    const info = nodes[(start + examined) % nodes.length];
    if (!info) continue;
    const rejection = reject(info);
    if (!rejection) {
      feasible.push(info);
      continue;
    }
    rejections.push(rejection);
    if (rejection.resolvable) candidates.push(info);
  }
  const best = pick(context, feasible, dice);
  if (best) return { kind: 'node', name: best.node.metadata.name, examined };
  const notNamed = Array<Rejection>(count - nodes.length).fill(unresolvable(notSatisfied));
  return { kind: 'none', nodes: count, rejections: [...rejections, ...notNamed], candidates, refusedBy };
}

/** Why a node would not take the pod, also beside those that wait for room there. */
export function rejectionOn(
  context: PodContext,
  info: NodeInfo,
  nominatedTo: NonNullable<DecideOptions['nominatedTo']>,
): Rejection | undefined {
  const refusedBy = new Set<PluginName>();
  const nominated = nominatedTo(info.node.metadata.name);
  return (
    firstRejection(filtersFor(context), info, refusedBy) ??
    rejectionWithNominated(context, info, { nominated, refusedBy })
  );
}

const notSatisfied = "node(s) didn't satisfy plugin(s) [NodeAffinity]";

/** The nodes that come into question; a text: why none does. */
function narrow(context: PodContext, refusedBy: Set<PluginName>): readonly NodeInfo[] | string {
  let { nodes } = context;
  for (const { name, plugin } of preFilters) {
    const result = plugin(context);
    if (!result) continue;
    refusedBy.add(name);
    if ('refusal' in result) return result.refusal;
    nodes = nodes.filter(({ node }) => result.only.has(node.metadata.name));
  }
  return nodes;
}

/** What the pod would find when those came that were there before it in all but name. */
function rejectionWithNominated(
  context: PodContext,
  info: NodeInfo,
  { nominated, refusedBy }: { readonly nominated: readonly Readonly<Pod>[]; readonly refusedBy: Set<PluginName> },
): Rejection | undefined {
  const { pod, nodes } = context;
  const others = nominated.filter(
    (other) => priorityOf(other) >= priorityOf(pod) && other.metadata.uid !== pod.metadata.uid,
  );
  if (others.length === 0) return undefined;
  const trial = info.clone();
  for (const other of others) trial.add(other);
  const beside = { ...context, nodes: nodes.map((one) => (one === info ? trial : one)) };
  return firstRejection(filtersFor(beside), trial, refusedBy);
}

function firstRejection(
  active: readonly ActiveFilter[],
  info: NodeInfo,
  refusedBy: Set<PluginName>,
): Rejection | undefined {
  for (const { name, reject } of active) {
    const rejection = reject(info);
    if (!rejection) continue;
    refusedBy.add(name);
    return rejection;
  }
  return undefined;
}

/** In a big cluster a part of the nodes is enough to choose from (kube-scheduler's percentageOfNodesToScore 0). */
function nodesToFind(count: number): number {
  if (count < 100) return count;
  const percentage = Math.max(5, 50 - Math.floor(count / 125));
  return Math.max(100, Math.floor((count * percentage) / 100));
}

function pick(context: PodContext, feasible: readonly NodeInfo[], dice: DecideOptions['dice']): NodeInfo | undefined {
  if (feasible.length <= 1) return feasible[0];
  const totals = feasible.map(() => 0);
  for (const { plugin, weight } of scorers) {
    plugin(context, feasible)?.forEach((score, i) => {
      totals[i] = (totals[i] ?? 0) + score * weight;
    });
  }
  const best = Math.max(...totals);
  const equals = feasible.filter((_, i) => totals[i] === best);
  return equals[dice(equals.length)];
}

/** What came of the attempt to push pods aside: room is being made, the pod may push nobody, or why that helps nowhere. */
export type PreemptionOutcome = 'preempted' | { readonly refusal: string } | { readonly reasons: readonly string[] };

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. …`, as kube-scheduler writes it. */
export function fitError(
  { nodes, rejections, refusal }: Pick<Extract<Decision, { kind: 'none' }>, 'nodes' | 'rejections' | 'refusal'>,
  outcome: PreemptionOutcome,
): string {
  if (nodes === 0) return 'no nodes available to schedule pods';
  const none = `0/${nodes} nodes are available`;
  const why = `${none}: ${refusal ?? histogram(rejections.flatMap((r) => r.reasons))}.`;
  if (outcome === 'preempted') return why;
  const preemption = 'refusal' in outcome ? outcome.refusal : `${none}: ${histogram(outcome.reasons)}.`;
  return `${why} no new claims to deallocate, preemption: ${preemption}`;
}

function histogram(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ');
}
