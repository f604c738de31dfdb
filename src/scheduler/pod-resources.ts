// What a pod asks of a node.
import { podRequestsInForce } from '../api/core/v1/pod/resources.ts';
import type { Container, Pod } from '../api/core/v1/types.generated.ts';
import { quantityMilliValue, quantityValue } from '../apimachinery/quantity.ts';
import { parseAmounts, type Amounts as Quantities } from '../apimachinery/resource-list.ts';

/** Amounts by resource name: CPU in thousandths, all else in whole units (bytes). */
export type Amounts = Readonly<Record<string, number>>;

export function amountsOf(list: Readonly<Record<string, string>> | undefined): Record<string, number> {
  return numbers(parseAmounts(list));
}

function numbers(quantities: Quantities): Record<string, number> {
  const amounts: Record<string, number> = {};
  for (const [name, quantity] of Object.entries(quantities)) {
    amounts[name] = name === 'cpu' ? quantityMilliValue(quantity) : quantityValue(quantity);
  }
  return amounts;
}

const known = new WeakMap<Readonly<Pod>, Amounts>();

/** What the pod takes of its node, also while it is resized; worked out once. */
export function podRequests(pod: Readonly<Pod>): Amounts {
  const present = known.get(pod);
  if (present) return present;
  const amounts = numbers(podRequestsInForce(pod));
  known.set(pod, amounts);
  return amounts;
}

/** What upstream counts for a container that asks for nothing, when nodes are compared. */
const least = { cpu: '100m', memory: '200Mi' };

const knownNonZero = new WeakMap<Readonly<Pod>, Amounts>();

/** As {@link podRequests}, with something for each container that says nothing of CPU or memory; 0 is something said. */
export function nonZeroRequests(pod: Readonly<Pod>): Amounts {
  const present = knownNonZero.get(pod);
  if (present) return present;
  const { containers, initContainers } = pod.spec;
  const silent = ({ resources }: Container) =>
    resources?.requests?.cpu === undefined || resources.requests.memory === undefined;
  let amounts = podRequests(pod);
  if (containers.some(silent) || initContainers?.some(silent)) {
    const filled = (container: Container) => ({
      ...container,
      resources: { ...container.resources, requests: { ...least, ...container.resources?.requests } },
    });
    const spec = {
      ...pod.spec,
      containers: containers.map(filled),
      ...(initContainers && { initContainers: initContainers.map(filled) }),
    };
    amounts = numbers(podRequestsInForce({ ...pod, spec }));
  }
  knownNonZero.set(pod, amounts);
  return amounts;
}
