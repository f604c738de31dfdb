// What a pod as a whole asks for and is limited to (KEP-753 for sidecars, KEP-2837 for resources of the pod itself).
import {
  type Amounts,
  addAmounts,
  maxAmounts,
  parseAmounts,
  pickAmounts,
} from '../../../../apimachinery/resource-list.ts';
import type { Container, Pod } from '../types.generated.ts';

/** The larger of all containers together and of each init container while it runs, plus the overhead. */
export function podRequests(pod: Pick<Pod, 'spec'>): Amounts {
  const own = parseAmounts(pod.spec?.resources?.requests);
  const total = overridden(ofContainers(pod, 'requests'), own);
  return addAmounts(total, parseAmounts(pod.spec?.overhead));
}

/** As {@link podRequests}; overhead counts only where there is a limit. */
export function podLimits(pod: Pick<Pod, 'spec'>): Amounts {
  const own = parseAmounts(pod.spec?.resources?.limits);
  const total = overridden(ofContainers(pod, 'limits'), own);
  const limited = Object.keys(total).filter((name) => total[name]!.nano !== 0n);
  return addAmounts(total, pickAmounts(parseAmounts(pod.spec?.overhead), limited));
}

/** What the pod itself says of cpu, memory and huge pages takes the place of its containers' sum. */
function overridden(total: Amounts, own: Amounts): Amounts {
  const names = Object.keys(own).filter((name) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-'));
  return { ...total, ...pickAmounts(own, names) };
}

function ofContainers({ spec }: Pick<Pod, 'spec'>, which: 'requests' | 'limits'): Amounts {
  const of = ({ resources }: Container): Amounts => parseAmounts(resources?.[which]);
  let total: Amounts = {};
  for (const container of spec?.containers ?? []) total = addAmounts(total, of(container));
  let sidecars: Amounts = {};
  let initial: Amounts = {};
  for (const container of spec?.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      total = addAmounts(total, of(container));
      sidecars = addAmounts(sidecars, of(container));
      initial = maxAmounts(initial, sidecars);
    } else {
      initial = maxAmounts(initial, addAmounts(sidecars, of(container)));
    }
  }
  return maxAmounts(total, initial);
}
