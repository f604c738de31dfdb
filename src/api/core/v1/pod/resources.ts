// What a pod as a whole asks for and is limited to (KEP-753 for sidecars, KEP-2837 for resources of the pod itself).
import { quantityOf } from '../../../../apimachinery/quantity.ts';
import {
  type Amounts,
  addAmounts,
  maxAmounts,
  parseAmounts,
  pickAmounts,
  type ResourceList,
} from '../../../../apimachinery/resource-list.ts';
import type { Container, Pod } from '../types.generated.ts';

/** The larger of all containers together and of each init container while it runs, plus the overhead. */
export function podRequests(pod: Pick<Pod, 'spec'>): Amounts {
  const own = parseAmounts(pod.spec?.resources?.requests);
  const total = overridden(ofContainers(pod, specified('requests')), own);
  return addAmounts(total, parseAmounts(pod.spec?.overhead));
}

/** Whether the kubelet has said what the pod was given, which is something else than its spec while it is resized. */
export function reportsResources({ status }: Pick<Pod, 'status'>): boolean {
  if (status?.resources) return true;
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  return statuses.some(({ resources }) => resources !== undefined);
}

/**
 * What a pod takes of its node while it is resized in place (KEP-1287): of each container, and of the pod where it asks as a
 * whole, the largest of what is wanted, what the kubelet has set aside and what is in force; without what is wanted where
 * that can never be.
 */
export function podRequestsInForce(pod: Pick<Pod, 'spec' | 'status'>): Amounts {
  return reportsResources(pod)
    ? addAmounts(inForceOf(pod, 'requests'), parseAmounts(pod.spec?.overhead))
    : podRequests(pod);
}

/** As {@link podRequestsInForce}: the larger of what is wanted and what is in force. */
export function podLimitsInForce(pod: Pick<Pod, 'spec' | 'status'>): Amounts {
  return reportsResources(pod) ? withOverheadOfLimits(pod, inForceOf(pod, 'limits')) : podLimits(pod);
}

function inForceOf(pod: Pick<Pod, 'spec' | 'status'>, which: 'requests' | 'limits'): Amounts {
  const { spec, status = {} } = pod;
  const pending = status.conditions?.find(({ type }) => type === 'PodResizePending');
  const isInfeasible = pending?.reason === 'Infeasible';
  const inForce = (...[wanted, ...given]: readonly (ResourceList | undefined)[]) =>
    [...(isInfeasible ? [] : [wanted]), ...given].map(parseAmounts).reduce(maxAmounts);
  // Only what is asked for is set aside.
  const aside = (told: { readonly allocatedResources?: ResourceList }) =>
    which === 'requests' ? told.allocatedResources : undefined;
  const statuses = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
  const statusOf = new Map(statuses.map((one) => [one.name, one]));
  const ends = new Set(spec?.initContainers?.filter(({ restartPolicy }) => restartPolicy !== 'Always'));
  const total = ofContainers(pod, (container) => {
    const wanted = container.resources?.[which];
    const told = ends.has(container) ? undefined : statusOf.get(container.name);
    return told?.resources ? inForce(wanted, told.resources[which], aside(told)) : parseAmounts(wanted);
  });
  const own = parseAmounts(spec?.resources?.[which]);
  const whole = status.resources && inForce(spec?.resources?.[which], status.resources[which], aside(status));
  const asked = whole ? Object.fromEntries(Object.keys(own).map((name) => [name, whole[name] ?? quantityOf(0)])) : own;
  return overridden(total, asked);
}

/** As {@link podRequests}; overhead counts only where there is a limit. */
export function podLimits(pod: Pick<Pod, 'spec'>): Amounts {
  const own = parseAmounts(pod.spec?.resources?.limits);
  return withOverheadOfLimits(pod, overridden(ofContainers(pod, specified('limits')), own));
}

function withOverheadOfLimits(pod: Pick<Pod, 'spec'>, total: Amounts): Amounts {
  const limited = Object.keys(total).filter((name) => total[name]!.nano !== 0n);
  return addAmounts(total, pickAmounts(parseAmounts(pod.spec?.overhead), limited));
}

/** What the pod itself says of cpu, memory and huge pages takes the place of its containers' sum. */
function overridden(total: Amounts, own: Amounts): Amounts {
  const names = Object.keys(own).filter((name) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-'));
  return { ...total, ...pickAmounts(own, names) };
}

function specified(which: 'requests' | 'limits'): (container: Container) => Amounts {
  return ({ resources }) => parseAmounts(resources?.[which]);
}

function ofContainers({ spec }: Pick<Pod, 'spec'>, of: (container: Container) => Amounts): Amounts {
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
