// What the Endpoints object of a Service should be (service-semantics 2.3).
import { managedBy, managedByLabel } from '../../api/core/v1/endpoints/labels.ts';
import { isPodReady, isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import type { EndpointAddress, EndpointPort, Endpoints, Pod, Service } from '../../api/core/v1/types.generated.ts';
import { headlessLabel, lastChangeTriggerTime } from '../../api/discovery/v1/endpointslice/labels.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import { familyOf } from '../../net/ip.ts';
import { podAddresses, targetPortOf } from '../shared/pods.ts';
import { isHeadless } from '../shared/services.ts';
import { type AddressOnPort, repack, truncate } from './subsets.ts';

const overCapacity = 'endpoints.kubernetes.io/over-capacity';

export interface EndpointsInput {
  readonly service: Readonly<Service>;
  readonly pods: readonly Readonly<Pod>[];
  readonly current: Readonly<Endpoints> | undefined;
  /** RFC 3339; absent when nothing new triggered this. */
  readonly triggerTime?: string | undefined;
}

/** The object to create or to put in place of the current one; undefined when that is as it should be. */
export function reconcile({ service, pods, current, triggerTime }: EndpointsInput): Endpoints | undefined {
  const entries = pods.flatMap((pod) => entriesOf(service, pod));
  const { subsets, truncated } = truncate(repack(entries));
  const labels: Record<string, string> = { ...service.metadata.labels, [managedByLabel]: managedBy };
  delete labels[headlessLabel];
  if (isHeadless(service)) labels[headlessLabel] = '';
  const { [lastChangeTriggerTime]: _, [overCapacity]: capacity, ...annotations } = current?.metadata.annotations ?? {};
  if (
    current &&
    jsonEqual(current.subsets ?? [], subsets) &&
    jsonEqual(current.metadata.labels, labels) &&
    capacity === (truncated ? 'truncated' : undefined)
  ) {
    return undefined;
  }
  const stamped: Record<string, string> = {
    ...annotations,
    ...(triggerTime !== undefined && { [lastChangeTriggerTime]: triggerTime }),
    ...(truncated && { [overCapacity]: 'truncated' }),
  };
  const { name, namespace = '' } = service.metadata;
  const { annotations: __, ...metadata } = current?.metadata ?? { name, namespace };
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { ...metadata, labels, ...(Object.keys(stamped).length > 0 && { annotations: stamped }) },
    ...(subsets.length > 0 && { subsets }),
  };
}

function entriesOf(service: Readonly<Service>, pod: Readonly<Pod>): AddressOnPort[] {
  const publishAll = service.spec.publishNotReadyAddresses === true;
  if (isPodTerminal(pod) || (pod.metadata.deletionTimestamp !== undefined && !publishAll)) return [];
  const address = addressOf(service, pod);
  if (!address) return [];
  const ready = publishAll || isPodReady(pod);
  const ports = service.spec.ports ?? [];
  if (ports.length === 0) return isHeadless(service) ? [{ address, port: undefined, ready }] : [];
  const entries: AddressOnPort[] = [];
  for (const servicePort of ports) {
    const number = targetPortOf(pod, servicePort);
    if (number === undefined) continue;
    const { name, protocol = 'TCP', appProtocol } = servicePort;
    const port: EndpointPort = { ...(name && { name }), port: number, protocol, ...(appProtocol && { appProtocol }) };
    entries.push({ address, port, ready });
  }
  return entries;
}

function addressOf(service: Readonly<Service>, pod: Readonly<Pod>): EndpointAddress | undefined {
  const { ipFamilies, clusterIP } = service.spec;
  const family = ipFamilies?.[0] ?? (isHeadless(service) ? undefined : familyOf(clusterIP ?? ''));
  const address = podAddresses(pod).find((candidate) => family === undefined || candidate.family === family);
  if (!address) return undefined;
  const { name, namespace, uid } = pod.metadata;
  const { hostname, subdomain, nodeName } = pod.spec;
  return {
    ip: address.ip,
    ...(hostname && subdomain === service.metadata.name && { hostname }),
    ...(nodeName && { nodeName }),
    targetRef: { kind: 'Pod', name, ...(namespace && { namespace }), ...(uid && { uid }) },
  };
}
