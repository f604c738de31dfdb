// Whom a pod pushes aside when no node has room for it (upstream DefaultPreemption): a pure function of the pod, the nodes
// and the budgets.

import type { Pod } from '../api/core/v1/types.generated.ts';
import { selects } from '../api/policy/v1/poddisruptionbudget/status.ts';
import type { PodDisruptionBudget } from '../api/policy/v1/types.generated.ts';
import { ownValue } from '../apimachinery/table.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodContext, Rejection } from './plugin.ts';

export interface PreemptInput {
  readonly context: PodContext;
  /** Nodes on which the removal of pods may help. */
  readonly candidates: readonly NodeInfo[];
  /** Whether the pod would be refused, as in scheduling; pods that are nominated to the node count. */
  readonly rejectionOn: (context: PodContext, info: NodeInfo) => Rejection | undefined;
  readonly budgets: readonly Readonly<PodDisruptionBudget>[];
}

export interface Preemption {
  readonly nodeName: string;
  readonly victims: readonly Readonly<Pod>[];
}

/** So many nodes where it helps are enough to choose from, as upstream (minCandidateNodesAbsolute, -Percentage). */
function enoughOf(candidates: number): number {
  return Math.max(100, Math.floor(candidates / 10));
}

export function priorityOf({ spec }: Readonly<Pod>): number {
  return spec.priority ?? 0;
}

/** Why the pod may push nobody aside; undefined when it may. */
export function notEligible(pod: Readonly<Pod>, nominated: NodeInfo | undefined): string | undefined {
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const isEnding = [...(nominated?.pods.values() ?? [])].some(
    (other) => isBeingPreempted(other) && priorityOf(other) < priorityOf(pod),
  );
  return isEnding ? 'not eligible due to a terminating pod on the nominated node.' : undefined;
}

function isBeingPreempted({ metadata, status }: Readonly<Pod>): boolean {
  const told = status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  return metadata.deletionTimestamp !== undefined && told?.status === 'True' && told.reason === 'PreemptionByScheduler';
}

/** Whom to push aside where; or, for each node, why that does not help there. */
export function findPreemption(input: PreemptInput): Preemption | { readonly reasons: readonly string[] } {
  const options: Option[] = [];
  const reasons: string[] = [];
  for (const info of input.candidates) {
    const option = victimsOn(input, info);
    if ('reasons' in option) {
      reasons.push(...option.reasons);
      continue;
    }
    options.push(option);
    // While a budget would be broken everywhere it is worth looking on.
    if (options.length >= enoughOf(input.candidates.length) && options.some((one) => one.violations === 0)) break;
  }
  const [best] = options.sort(byCost);
  if (best) return { nodeName: best.nodeName, victims: best.victims };
  const others = input.context.nodes.length - input.candidates.length;
  return { reasons: [...reasons, ...Array<string>(others).fill('Preemption is not helpful for scheduling')] };
}

interface Option extends Preemption {
  /** Victims whose budget does not allow it. */
  readonly violations: number;
}

const nobody = { reasons: ['No preemption victims found for incoming pod'] };

function victimsOn(
  { context, rejectionOn, budgets }: PreemptInput,
  info: NodeInfo,
): Option | { readonly reasons: readonly string[] } {
  const { pod } = context;
  const lower = [...info.pods.values()].filter((other) => priorityOf(other) < priorityOf(pod));
  if (lower.length === 0) return nobody;
  const trial = info.clone();
  for (const other of lower) trial.remove(other);
  const nodes = context.nodes.map((one) => (one === info ? trial : one));
  const rejection = () => rejectionOn({ ...context, nodes }, trial);
  const left = rejection();
  if (left) return { reasons: left.reasons };
  const { violating, others } = byBudget(lower.sort(byImportance), budgets);
  const victims: Readonly<Pod>[] = [];
  let violations = 0;
  // The most important are let be first, and before them those that their budgets protect.
  for (const [group, counts] of [[violating, 1] as const, [others, 0] as const]) {
    for (const other of group) {
      trial.add(other);
      if (!rejection()) continue;
      trial.remove(other);
      victims.push(other);
      violations += counts;
    }
  }
  return victims.length === 0 ? nobody : { nodeName: info.node.metadata.name, victims, violations };
}

/** Higher priority first, then the longer running. */
function byImportance(a: Readonly<Pod>, b: Readonly<Pod>): number {
  if (priorityOf(a) !== priorityOf(b)) return priorityOf(b) - priorityOf(a);
  if (startOf(a) === startOf(b)) return 0;
  return startOf(a) < startOf(b) ? -1 : 1;
}

/** Later than every time: of a pod that has not started. */
const notYet = '~';

function startOf({ status }: Readonly<Pod>): string {
  return status?.startTime ?? notYet;
}

function byBudget(pods: readonly Readonly<Pod>[], budgets: readonly Readonly<PodDisruptionBudget>[]) {
  const left = new Map(budgets.map((budget) => [budget, budget.status?.disruptionsAllowed ?? 0]));
  const violating: Readonly<Pod>[] = [];
  const others: Readonly<Pod>[] = [];
  for (const pod of pods) {
    let violates = false;
    for (const [budget, allowed] of left) {
      if (budget.metadata.namespace !== pod.metadata.namespace || !selects(budget, pod)) continue;
      if (ownValue(budget.status?.disruptedPods, pod.metadata.name) !== undefined) continue;
      left.set(budget, allowed - 1);
      violates ||= allowed - 1 < 0;
    }
    (violates ? violating : others).push(pod);
  }
  return { violating, others };
}

/** Fewest violations, then the lowest of the highest priorities, the lowest sum, the fewest, the latest start. */
function byCost(a: Option, b: Option): number {
  const highest = ({ victims }: Option) => Math.max(...victims.map(priorityOf));
  // Negative priorities must not make more victims look cheaper.
  const sum = ({ victims }: Option) => victims.reduce((total, pod) => total + priorityOf(pod) + 2 ** 31, 0);
  const earliest = (option: Option) =>
    option.victims
      .filter((pod) => priorityOf(pod) === highest(option))
      .map(startOf)
      .sort()[0] ?? '';
  return (
    a.violations - b.violations ||
    highest(a) - highest(b) ||
    sum(a) - sum(b) ||
    a.victims.length - b.victims.length ||
    (earliest(a) === earliest(b) ? 0 : earliest(a) > earliest(b) ? -1 : 1)
  );
}
