// What a pod as a whole asks for and is limited to (KEP-753 for sidecars, KEP-2837 for resources of the pod itself).
import {
  type Amounts,
  addAmounts,
  maxAmounts,
  parseAmounts,
  pickAmounts,
  subtractAmounts,
} from '../../../../apimachinery/resource-list.ts';
import type { Container, ContainerStatus, Pod } from '../types.generated.ts';

/** The larger of all containers together and of each init container while it runs, plus the overhead. */
export function podRequests(pod: Pick<Pod, 'spec'>): Amounts {
  const own = parseAmounts(pod.spec?.resources?.requests);
  const total = overridden(ofContainers(pod, specified('requests')), own);
  return addAmounts(total, parseAmounts(pod.spec?.overhead));
}

/** Whether the kubelet has said what the pod was given, which is something else than its spec while it is resized. */
export function reportsResources({ status }: Pick<Pod, 'status'>): boolean {
  if (status?.allocatedResources || status?.resources) return true;
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  return statuses.some(({ allocatedResources, resources }) => allocatedResources !== undefined || resources?.requests);
}

/**
 * What a pod takes of its node while it is resized in place (KEP-1287): the largest of what is wanted, what the kubelet has
 * set aside and what is in force; without what is wanted where that can never be.
 */
export function podRequestsInForce(pod: Pick<Pod, 'spec' | 'status'>): Amounts {
  const { spec, status = {} } = pod;
  if (!reportsResources(pod)) return podRequests(pod);
  const pending = status.conditions?.find(({ type }) => type === 'PodResizePending');
  const isInfeasible = pending?.reason === 'Infeasible';
  const whole = status.allocatedResources && status.resources?.requests;
  const statusOf = statusesByName(pod);
  const [aside, inForce] = whole
    ? [parseAmounts(status.allocatedResources), parseAmounts(status.resources?.requests)]
    : [
        ofContainers(pod, (container) => allocated(container, statusOf.get(container.name), isInfeasible)),
        ofContainers(pod, (container) => actual(container, statusOf.get(container.name), isInfeasible)),
      ];
  const wanted = isInfeasible ? {} : ofContainers(pod, specified('requests'));
  const overhead = parseAmounts(spec?.overhead);
  const total = maxAmounts(maxAmounts(wanted, aside), inForce);
  return addAmounts(overridden(total, ownInForce(pod, { isInfeasible, overhead })), overhead);
}

/** What counts for the pod as a whole where its spec asks for that; its status says it with the overhead. */
function ownInForce(
  { spec, status = {} }: Pick<Pod, 'spec' | 'status'>,
  { isInfeasible, overhead }: { readonly isInfeasible: boolean; readonly overhead: Amounts },
): Amounts {
  const own = parseAmounts(spec?.resources?.requests);
  if (Object.keys(own).length === 0) return own;
  const told = [status.resources?.requests, status.allocatedResources].filter((list) => list !== undefined);
  if (told.length === 0) return own;
  return told
    .map((list) => pickAmounts(subtractAmounts(parseAmounts(list), overhead), Object.keys(list)))
    .reduce(maxAmounts, isInfeasible ? {} : own);
}

function statusesByName({ status }: Pick<Pod, 'status'>): Map<string, ContainerStatus> {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return new Map(statuses.map((one) => [one.name, one]));
}

function allocated(container: Container, told: ContainerStatus | undefined, isInfeasible: boolean): Amounts {
  return parseAmounts(told?.allocatedResources ?? (isInfeasible ? undefined : container.resources?.requests));
}

function actual(container: Container, told: ContainerStatus | undefined, isInfeasible: boolean): Amounts {
  const requests = told?.resources?.requests;
  return requests ? parseAmounts(requests) : allocated(container, told, isInfeasible);
}

/** As {@link podRequests}; overhead counts only where there is a limit. */
export function podLimits(pod: Pick<Pod, 'spec'>): Amounts {
  const own = parseAmounts(pod.spec?.resources?.limits);
  const total = overridden(ofContainers(pod, specified('limits')), own);
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
