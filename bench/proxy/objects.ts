// Services and slices in any number, each object made anew as if read from the API.
import type { Service } from '../../src/api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../src/api/discovery/v1/types.generated.ts';
import type { ProxyNode } from '../../src/proxy/plan.ts';
import { configOf, type ProxyMode, type ProxySettings } from '../../src/proxy/settings.ts';

export const node: ProxyNode = { name: 'node-a', zone: undefined, addresses: ['172.18.0.2'] };

export function settingsOf(mode: ProxyMode): ProxySettings {
  return { mode, clusterCIDRs: ['10.128.0.0/9'], serviceCIDRs: ['10.96.0.0/12'], nodePortAddresses: [] };
}

export function ipv4ConfigOf(mode: ProxyMode) {
  return configOf(settingsOf(mode), 'IPv4', node);
}

function address(first: number, index: number): string {
  return `10.${first + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
}

export const clusterIP = (i: number): string => address(96, i + 1);

/** Texts that were put together stay in parts until someone reads them; those of objects that came over the wire are whole. */
function received<T>(object: T): T {
  return JSON.parse(JSON.stringify(object)) as T;
}

export function service(i: number): Service {
  const ports = [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }];
  return received({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `web-${i}`, namespace: 'bench', resourceVersion: String(i + 1) },
    spec: { type: 'ClusterIP', clusterIP: clusterIP(i), clusterIPs: [clusterIP(i)], ports },
  });
}

/** With so many endpoints on other nodes, or the one that is given. */
export function slice(i: number, endpoints: number | string): EndpointSlice {
  const addresses =
    typeof endpoints === 'string' ? [endpoints] : Array.from({ length: endpoints }, (_, j) => address(128, i * 64 + j));
  return received({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `web-${i}-abc`,
      namespace: 'bench',
      resourceVersion: String(i + 1),
      labels: { 'kubernetes.io/service-name': `web-${i}` },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: addresses.map((one, j) => ({
      addresses: [one],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${j}`,
      targetRef: { kind: 'Pod', namespace: 'bench', name: `web-${i}-${j}` },
    })),
  });
}
