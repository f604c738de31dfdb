// The row of a Service in `kubectl get` (service-semantics 8).
import { ageCell, ageColumn, column, nameColumn } from '../../../define.ts';
import { formatLabels } from '../../../printing.ts';
import type { Service, ServicePort } from '../types.generated.ts';

export const serviceColumns = [
  nameColumn,
  column('Type', 'Who can reach the Service: ClusterIP, NodePort, LoadBalancer, or ExternalName.'),
  column('Cluster-IP', 'The first cluster IP; None for a headless Service.'),
  column('External-IP', 'Addresses outside the cluster: external IPs, a load balancer, or an external name.'),
  column('Port(s)', 'Ports as port/protocol, with the node port after a colon.'),
  ageColumn,
  column('Selector', 'Which Pods are behind the Service.', { priority: 1 }),
];

export function serviceCells(service: Service, now: number): unknown[] {
  const { spec, metadata } = service;
  return [
    metadata.name,
    spec.type ?? '',
    spec.clusterIPs?.[0] ?? '<none>',
    externalIP(service),
    (spec.ports ?? []).map(portCell).join(',') || '<none>',
    ageCell(service, now),
    formatLabels(spec.selector),
  ];
}

function portCell({ port, nodePort, protocol }: ServicePort): string {
  return nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;
}

function externalIP({ spec, status }: Service): string {
  const externalIPs = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return externalIPs.join(',') || '<none>';
    case 'LoadBalancer': {
      const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '');
      // Never cut: the API server prints for `-o wide`, and clients leave out the wide columns.
      const addresses = [...new Set(ingress.filter((address) => address !== ''))].sort().join(',');
      return [addresses, ...externalIPs].filter((part) => part !== '').join(',') || '<pending>';
    }
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}
