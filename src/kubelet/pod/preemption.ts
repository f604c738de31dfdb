// Which pods of a node end so that a critical one fits: pure. The order is upstream's (pkg/kubelet/preemption): as few as can
// be, those of the lower quality of service before others, and of equals those that ask for less.
import { type QOSClass, qosClass } from '../../api/core/v1/pod/qos.ts';
import { podRequests } from '../../api/core/v1/pod/resources.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { type Quantity, quantityMilliValue, quantityValue } from '../../apimachinery/quantity.ts';
import { ownValue } from '../../apimachinery/table.ts';
import { isCritical } from './identity.ts';
import type { Verdict } from './pod-status.ts';

/** How much of a resource is missing: thousandths of a core, bytes, or whole ones of it. */
export interface Need {
  readonly name: string;
  readonly amount: number;
}

/** A quantity in the unit of {@link Need}. */
export const amountOf = (name: string, quantity: Quantity): number =>
  name === 'cpu' ? quantityMilliValue(quantity) : quantityValue(quantity);

/** What is said of a pod that ends for another. */
export const preempted: Verdict = {
  reason: 'Preempting',
  message: 'Preempted in order to admit critical pod',
  disruption: 'Pod was preempted by Kubelet to accommodate a critical pod.',
};

/** What a pod asks for of a resource, in the unit of {@link Need}; each takes one of `pods`. */
function requestOf(pod: Pod, name: string): number {
  if (name === 'pods') return 1;
  const quantity = ownValue(podRequests(pod), name);
  return quantity ? amountOf(name, quantity) : 0;
}

/** Whether one pod may end the other: a critical one those that are not, and of two critical ones that of higher priority. */
function mayPreempt(pod: Pod, other: Pod): boolean {
  if (isCritical(pod) && !isCritical(other)) return true;
  const [mine, others] = [pod.spec.priority, other.spec.priority];
  return mine !== undefined && others !== undefined && mine > others;
}

/** The pods to end for one that lacks `needs`; a string says why none will do. */
export function podsToPreempt(pod: Pod, pods: readonly Pod[], needs: readonly Need[]): Pod[] | string {
  const candidates = pods.filter((other) => mayPreempt(pod, other));
  const missing = rest(needs, candidates);
  if (missing.length > 0) {
    const list = missing.map(({ name, amount }) => `(res: ${name}, q: ${amount}), `).join('');
    return `no set of running pods found to reclaim resources: [${list}]`;
  }
  const of = (qos: QOSClass) => candidates.filter((one) => qosClass(one) === qos);
  const [bestEffort, burstable, guaranteed] = [of('BestEffort'), of('Burstable'), of('Guaranteed')];
  // Of each class those that are needed even when all of the lower classes went.
  const fromGuaranteed = closest(guaranteed, rest(needs, [...bestEffort, ...burstable]));
  const fromBurstable = closest(burstable, rest(needs, [...bestEffort, ...fromGuaranteed]));
  const fromBestEffort = closest(bestEffort, rest(needs, [...fromBurstable, ...fromGuaranteed]));
  return [...fromBestEffort, ...fromBurstable, ...fromGuaranteed];
}

/** What is still missing when these pods went. */
function rest(needs: readonly Need[], gone: readonly Pod[]): Need[] {
  return needs
    .map(({ name, amount }) => ({ name, amount: gone.reduce((left, pod) => left - requestOf(pod, name), amount) }))
    .filter(({ amount }) => amount > 0);
}

/** One pod after the other, always that which leaves the least missing, until nothing is. */
function closest(pods: readonly Pod[], needs: readonly Need[]): Pod[] {
  const left = [...pods];
  const chosen: Pod[] = [];
  for (let missing = needs; missing.length > 0; missing = rest(missing, chosen.slice(-1))) {
    const ranks = new Map(left.map((pod) => [pod, rank(pod, missing)]));
    left.sort((a, b) => compare(ranks.get(a)!, ranks.get(b)!));
    const best = left.shift();
    if (!best) break;
    chosen.push(best);
  }
  return chosen;
}

/** Each resource weighs the same, however much of it is missing. */
function rank(pod: Pod, needs: readonly Need[]): number[] {
  const distance = needs.reduce(
    (sum, { name, amount }) => sum + (Math.max(0, amount - requestOf(pod, name)) / amount) ** 2,
    0,
  );
  return [distance, requestOf(pod, 'memory'), requestOf(pod, 'cpu')];
}

function compare(a: readonly number[], b: readonly number[]): number {
  const different = a.findIndex((value, i) => value !== b[i]);
  return different < 0 ? 0 : a[different]! - b[different]!;
}
