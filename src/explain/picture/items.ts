// From objects to what the page shows of them.

import type { Node, Pod, Service } from '../../api/core/v1/types.generated.ts';
import { serviceNameLabel } from '../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { idOf } from '../object-id.ts';
import { addressesOf, nodeAddresses } from '../trace/world.ts';
import type { Item, NodeItem, PodItem, PodState, ServiceItem, SliceItem } from './picture.ts';

/** Undefined for kinds that the picture does not show. */
export function itemOf(object: Readonly<KubeObject>): Item | undefined {
  switch (object.kind) {
    case 'Node':
      return nodeItem(object as Node);
    case 'Pod':
      return podItem(object as Pod);
    case 'Service':
      return serviceItem(object as Service);
    case 'EndpointSlice':
      return sliceItem(object as EndpointSlice);
    default:
      return undefined;
  }
}

function nodeItem(node: Readonly<Node>): NodeItem {
  const { metadata, spec = {}, status = {} } = node;
  return {
    kind: 'Node',
    id: idOf(node),
    name: metadata.name,
    zone: metadata.labels?.['topology.kubernetes.io/zone'],
    isReady: hasCondition(status.conditions, 'Ready'),
    addresses: nodeAddresses(node),
    podCIDRs: spec.podCIDRs ?? [],
  };
}

function podItem(pod: Readonly<Pod>): PodItem {
  const { metadata, spec } = pod;
  return {
    kind: 'Pod',
    id: idOf(pod),
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    node: spec?.nodeName || undefined,
    addresses: addressesOf(pod),
    state: stateOf(pod),
  };
}

function stateOf({ metadata, status = {} }: Readonly<Pod>): PodState {
  if (metadata.deletionTimestamp !== undefined) return 'terminating';
  if (status.phase === 'Failed') return 'failed';
  if (status.phase === 'Succeeded') return 'succeeded';
  if (status.phase !== 'Running') return 'waiting';
  return hasCondition(status.conditions, 'Ready') ? 'ready' : 'not ready';
}

function hasCondition(conditions: readonly { type: string; status: string }[] | undefined, wanted: string): boolean {
  return (conditions ?? []).some(({ type, status }) => type === wanted && status === 'True');
}

function serviceItem(service: Readonly<Service>): ServiceItem {
  const { metadata, spec = {}, status = {} } = service;
  const ingress = status.loadBalancer?.ingress ?? [];
  const { clusterIPs = spec.clusterIP ? [spec.clusterIP] : [] } = spec;
  return {
    kind: 'Service',
    id: idOf(service),
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    type: spec.type ?? 'ClusterIP',
    clusterIPs,
    externalIPs: [...(spec.externalIPs ?? []), ...ingress.flatMap(({ ip }) => (ip ? [ip] : []))],
    externalName: spec.externalName,
    ports: (spec.ports ?? []).map(({ name = '', port, protocol = 'TCP', targetPort, nodePort }) => ({
      name,
      port,
      protocol,
      targetPort: String(targetPort ?? port),
      nodePort,
    })),
  };
}

function sliceItem(slice: Readonly<EndpointSlice>): SliceItem {
  const { metadata, addressType, ports, endpoints } = slice;
  const owner = metadata.labels?.[serviceNameLabel];
  return {
    kind: 'EndpointSlice',
    id: idOf(slice),
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    service: owner === undefined ? undefined : `Service ${metadata.namespace}/${owner}`,
    addressType,
    ports: (ports ?? []).map(
      ({ name, port, protocol = 'TCP' }) => `${name ? `${name} ` : ''}${port ?? ''}/${protocol}`,
    ),
    endpoints: (endpoints ?? []).flatMap(({ addresses, nodeName, targetRef, conditions = {} }) =>
      addresses.map((address) => ({
        address,
        node: nodeName,
        target: targetRef?.kind === 'Pod' ? `Pod ${targetRef.namespace}/${targetRef.name}` : undefined,
        ready: conditions.ready ?? true,
        serving: conditions.serving ?? true,
        terminating: conditions.terminating ?? false,
      })),
    ),
  };
}
