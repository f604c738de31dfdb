// Where a proxy request goes: the endpoint of a Service, a pod, chosen from present objects (upstream ResourceLocation).

import type { Service } from '../../api/core/v1/types.generated.ts';
import { serviceNameLabel } from '../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { badRequest, notFound, StatusError } from '../../apimachinery/status.ts';
import type { Random } from '../../system/random.ts';
import type { ObjectView } from '../object-view.ts';
import type { PodObject } from './pod-target.ts';

/** `[scheme:]name[:port]` of a proxy path. */
export interface ProxyName {
  readonly scheme: 'http' | 'https';
  readonly name: string;
  /** Name or number; empty when not given. */
  readonly port: string;
}

export interface ProxyTarget {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** The node from which the address is dialled. */
  readonly nodeName: string;
}

const core = (resource: string) => ({ group: '', resource });
const slices = { group: 'discovery.k8s.io', resource: 'endpointslices' };

/** Throws 400 for a name in another form. */
export function parseProxyName(text: string, resource: 'services' | 'pods'): ProxyName {
  const parts = text.split(':');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 1 && first !== '') return { scheme: 'http', name: first, port: '' };
  if (parts.length === 2 && first !== '') return { scheme: 'http', name: first, port: second };
  if (parts.length === 3 && second !== '' && ['', 'http', 'https'].includes(first)) {
    return { scheme: first === 'https' ? 'https' : 'http', name: second, port: third };
  }
  throw badRequest(`invalid ${resource === 'services' ? 'service' : 'pod'} request "${text}"`);
}

function unavailable(message: string): StatusError {
  return new StatusError({ code: 503, reason: 'ServiceUnavailable', message });
}

/** A ready endpoint of the Service's port, by lot among those whose pod is there with that address. */
export function serviceTarget(
  { scheme, name, port }: ProxyName,
  namespace: string,
  { view, random }: { readonly view: ObjectView; readonly random: Random },
): ProxyTarget {
  const service = view.get<Service & KubeObject>(core('services'), namespace, name);
  if (!service) throw notFound(core('services'), name);
  const portName = servicePortName(service, port);
  const candidates: ProxyTarget[] = [];
  for (const slice of view.list<EndpointSlice & KubeObject>(slices, namespace)) {
    if (slice.metadata.labels?.[serviceNameLabel] !== name) continue;
    const number = slice.ports?.find((p) => (p.name ?? '') === portName)?.port;
    if (number === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const [host] = endpoint.addresses;
      const nodeName = endpoint.nodeName ?? '';
      if (endpoint.conditions?.ready === false || host === undefined || nodeName === '') continue;
      const pod = view.get<PodObject>(core('pods'), namespace, endpoint.targetRef?.name ?? '');
      if (pod?.status?.podIPs?.some(({ ip }) => ip === host)) candidates.push({ scheme, host, port: number, nodeName });
    }
  }
  if (candidates.length === 0) throw unavailable(`no endpoints available for service "${name}"`);
  return candidates[random.int(candidates.length)]!;
}

/** The name of the port that is meant: a number stands for the port of that number, no port for the one there is. */
function servicePortName({ metadata, spec }: Readonly<Service & KubeObject>, port: string): string {
  const ports = spec?.ports ?? [];
  if (port === '' && ports.length === 1) return ports[0]?.name ?? '';
  if (!/^\d+$/.test(port)) return port;
  const found = ports.find((p) => p.port === Number(port));
  if (!found) throw unavailable(`no service port ${port} found for service "${metadata.name}"`);
  return found.name ?? '';
}

/** The pod's address; without a port its first container port, else 80. */
export function podTarget({ scheme, name, port }: ProxyName, namespace: string, view: ObjectView): ProxyTarget {
  const pod = view.get<PodObject>(core('pods'), namespace, name);
  if (!pod) throw notFound(core('pods'), name);
  const declared = pod.spec.containers.flatMap(({ ports = [] }) => ports);
  const found = port === '' ? declared[0] : declared.find((p) => p.name === port);
  const number = /^\d+$/.test(port) ? Number(port) : (found?.containerPort ?? (port === '' ? 80 : 0));
  if (number < 1 || number > 65_535) throw badRequest(`invalid port "${port}" of pod "${name}"`);
  const host = pod.status?.podIP;
  if (!host || !pod.spec.nodeName) throw badRequest('address not allowed');
  return { scheme, host, port: number, nodeName: pod.spec.nodeName };
}
