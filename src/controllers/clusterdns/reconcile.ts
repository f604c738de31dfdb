// The Service of the cluster's DNS, and its endpoints: every Ready node answers on port 53 (docs/design.md).

import { internalIPs, isNodeReady } from '../../api/core/v1/node/facts.ts';
import type { Node, Service } from '../../api/core/v1/types.generated.ts';
import { managedByLabel, serviceNameLabel } from '../../api/discovery/v1/endpointslice/labels.ts';
import type { Endpoint, EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import { canonicalIP, familyOf } from '../../net/ip.ts';
import { controllerReference } from '../shared/owners.ts';

export const serviceName = 'kube-dns';
export const serviceNamespace = 'kube-system';
export const managedBy = 'cluster-dns-controller.portico';

const ports = [
  { name: 'dns', protocol: 'UDP', port: 53 },
  { name: 'dns-tcp', protocol: 'TCP', port: 53 },
  { name: 'metrics', protocol: 'TCP', port: 9153 },
];

/** The Service to create where there is none. */
export function clusterDNSService(addresses: readonly string[]): Service {
  const families = addresses.map((address) => familyOf(address) ?? 'IPv4');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: serviceName,
      namespace: serviceNamespace,
      labels: {
        'k8s-app': 'kube-dns',
        'kubernetes.io/cluster-service': 'true',
        'kubernetes.io/name': 'CoreDNS',
      },
      annotations: { 'prometheus.io/port': '9153', 'prometheus.io/scrape': 'true' },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP: addresses[0] ?? '',
      clusterIPs: [...addresses],
      ipFamilies: families,
      ipFamilyPolicy: families.length > 1 ? 'RequireDualStack' : 'SingleStack',
      internalTrafficPolicy: 'Local',
      ports: ports.map((port) => ({ ...port, targetPort: port.port })),
    },
  };
}

export interface SliceChanges {
  readonly create: EndpointSlice[];
  readonly update: EndpointSlice[];
  readonly delete: Readonly<EndpointSlice>[];
}

/** One slice per family of the Service. */
export function reconcile(
  service: Readonly<Service>,
  nodes: readonly Readonly<Node>[],
  slices: readonly Readonly<EndpointSlice>[],
): SliceChanges {
  const changes: SliceChanges = { create: [], update: [], delete: [] };
  const families = service.spec.ipFamilies ?? ['IPv4'];
  for (const family of families) {
    const present = slices.find((slice) => slice.addressType === family);
    const wanted = sliceOf(service, family, nodes);
    if (!present) changes.create.push(wanted);
    else if (!sameSlice(present, wanted)) changes.update.push({ ...wanted, metadata: metadataOf(present, wanted) });
  }
  changes.delete.push(...slices.filter((slice) => !families.includes(slice.addressType)));
  return changes;
}

function sameSlice(present: Readonly<EndpointSlice>, wanted: EndpointSlice): boolean {
  return (
    jsonEqual(present.endpoints ?? [], wanted.endpoints) &&
    jsonEqual(present.ports, wanted.ports) &&
    jsonEqual(present.metadata.labels, wanted.metadata.labels) &&
    jsonEqual(present.metadata.ownerReferences, wanted.metadata.ownerReferences)
  );
}

function metadataOf(present: Readonly<EndpointSlice>, { metadata }: EndpointSlice): EndpointSlice['metadata'] {
  const { labels = {}, ownerReferences = [] } = metadata;
  return { ...present.metadata, labels, ownerReferences };
}

function sliceOf(service: Readonly<Service>, family: string, nodes: readonly Readonly<Node>[]): EndpointSlice {
  const endpoints = nodes.flatMap((node) => endpointOf(node, family));
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${serviceName}-${family.toLowerCase()}`,
      namespace: serviceNamespace,
      labels: {
        ...service.metadata.labels,
        [serviceNameLabel]: serviceName,
        [managedByLabel]: managedBy,
      },
      ownerReferences: [controllerReference(service, { apiVersion: 'v1', kind: 'Service' })],
    },
    addressType: family,
    endpoints: endpoints.sort((a, b) => ((a.nodeName ?? '') < (b.nodeName ?? '') ? -1 : 1)),
    ports,
  };
}

function endpointOf(node: Readonly<Node>, family: string): Endpoint[] {
  const address = internalIPs(node).find((ip) => familyOf(ip) === family);
  const ip = address && canonicalIP(address);
  if (!isNodeReady(node) || !ip || node.metadata.deletionTimestamp) return [];
  const { name } = node.metadata;
  const zone = node.metadata.labels?.['topology.kubernetes.io/zone'];
  return [
    {
      addresses: [ip],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: name,
      targetRef: { kind: 'Node', name, ...(node.metadata.uid && { uid: node.metadata.uid }) },
      ...(zone && { zone }),
    },
  ];
}
