// The quality of service of a Pod, from its own or its containers' requests and limits: who is evicted first.
import { compareQuantities, parseQuantity } from '../../../../apimachinery/quantity.ts';
import type { Pod, ResourceRequirements } from '../types.generated.ts';

const counted = ['cpu', 'memory'];

export type QOSClass = 'BestEffort' | 'Burstable' | 'Guaranteed';

/**
 * BestEffort asks for nothing, Guaranteed limits all containers' cpu and memory to what they ask for. What the pod says of
 * itself (KEP-2837) takes the place of what its containers say.
 */
export function qosClass({ spec }: Pod): QOSClass {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const own = amountsOf(spec?.resources);
  const isOwn = own.limits.size > 0 || own.requests.size > 0;
  const amounts = isOwn ? [own] : containers.map(({ resources }) => amountsOf(resources));
  if (amounts.every(({ limits, requests }) => limits.size === 0 && requests.size === 0)) return 'BestEffort';
  const guaranteed = amounts.every(({ limits, requests }) =>
    counted.every((name) => {
      const [limit, request] = [limits.get(name), requests.get(name) ?? limits.get(name)];
      return limit !== undefined && compareQuantities(parseQuantity(limit), parseQuantity(request!)) === 0;
    }),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function amountsOf(resources: ResourceRequirements | undefined) {
  return { limits: positive(resources?.limits), requests: positive(resources?.requests) };
}

function positive(amounts: Readonly<Record<string, string>> | undefined): Map<string, string> {
  return new Map(
    Object.entries(amounts ?? {}).filter(([name, amount]) => counted.includes(name) && isPositive(String(amount))),
  );
}

/** What is no amount is refused by validation, which comes later. */
function isPositive(amount: string): boolean {
  return /^[+]?[0-9.]/.test(amount) && /[1-9]/.test(amount);
}
