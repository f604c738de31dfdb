// Names below `svc`: [_port._proto.|endpoint.]service.namespace.svc
import { parseIP } from '../../net/ip.ts';
import { labelsOf } from '../wire/name.ts';
import type { PortRecord, ServiceRecord } from './service-table.ts';
import { endpointName, type ZoneView } from './view.ts';

/** One place where a Service is: an address and port, and the endpoint's name where the answer names endpoints. */
export interface Location {
  readonly endpointName: string | undefined;
  readonly address: string;
  readonly port: number;
}

export interface Hit {
  readonly kind: 'hit';
  readonly service: ServiceRecord;
  readonly addresses: readonly string[];
  /** For SRV: empty where the Service has no ports. */
  readonly locations: readonly Location[];
}

export type Lookup =
  | Hit
  | { readonly kind: 'alias'; readonly service: ServiceRecord; readonly target: string }
  | { readonly kind: 'none'; readonly service?: ServiceRecord };

interface Wanted {
  /** Absent means any. */
  readonly port?: string;
  readonly protocol?: string;
  readonly endpoint?: string;
}

/** Looks up lower-case labels that end in `service.namespace.svc`. */
export function lookUp(view: ZoneView, labels: readonly string[]): Lookup {
  const [, namespace = '', name = ''] = labels.toReversed();
  const wanted = parseFront(labels.slice(0, -3));
  const service = view.service(namespace, name);
  if (!wanted || !service) return { kind: 'none' };
  if (service.kind === 'external-name') {
    const plain = Object.keys(wanted).length === 0;
    return plain && isTarget(service.externalName)
      ? { kind: 'alias', service, target: service.externalName }
      : { kind: 'none', service };
  }
  const endpointsWanted = service.kind === 'headless' || wanted.endpoint !== undefined;
  return endpointsWanted ? endpointHit(view, service, wanted) : clusterIPHit(service, wanted);
}

/** Whether a CNAME can lead there. The API takes labels of any length (ValidateDNS1123Subdomain looks at the whole). */
function isTarget(externalName: string): boolean {
  const fits = externalName.length <= 253 && labelsOf(externalName).every(({ length }) => length > 0 && length <= 63);
  return fits && !parseIP(externalName);
}

/** The labels before the Service's name: none, an endpoint, or port and protocol with or without their underscores. */
function parseFront(labels: readonly string[]): Wanted | undefined {
  const [first, second] = labels;
  if (first === undefined) return {};
  if (second === undefined) return { endpoint: first };
  if (labels.length > 2) return undefined;
  return { port: first.replace(/^_/, ''), protocol: second.replace(/^_/, '') };
}

function matches(port: PortRecord, { port: name, protocol }: Wanted): boolean {
  return (
    (name === undefined || port.name.toLowerCase() === name) && (protocol === undefined || port.protocol === protocol)
  );
}

function clusterIPHit(service: ServiceRecord, wanted: Wanted): Lookup {
  const ports = service.ports.filter((port) => matches(port, wanted));
  const locations = ports.flatMap(({ port }) =>
    port === undefined ? [] : service.addresses.map((address) => ({ endpointName: undefined, address, port })),
  );
  if (ports.length === 0 || service.addresses.length === 0) return { kind: 'none', service };
  return { kind: 'hit', service, addresses: service.addresses, locations };
}

/**
 * Endpoints that are names (addressType FQDN) make the Service another name of theirs, as in CoreDNS: of the first, for a name
 * has one CNAME (RFC 2181, 10.1), and only where there are no addresses, which may not stand beside it (RFC 1034, 3.6.2).
 */
function endpointHit(view: ZoneView, service: ServiceRecord, wanted: Wanted): Lookup {
  const addresses: string[] = [];
  let target: string | undefined;
  const locations: Location[] = [];
  const anyPort = wanted.port === undefined && wanted.protocol === undefined;
  for (const endpoint of view.endpoints(service.namespace, service.name)) {
    const { address, ports, isName } = endpoint;
    const name = endpointName(endpoint);
    if (wanted.endpoint !== undefined && name.toLowerCase() !== wanted.endpoint) continue;
    const matching = ports.filter((port) => matches(port, wanted));
    if (matching.length === 0 && !(anyPort && ports.length === 0)) continue;
    if (isName) {
      if (isTarget(address)) target ??= address;
      continue;
    }
    addresses.push(address);
    for (const { port } of matching) if (port !== undefined) locations.push({ endpointName: name, address, port });
  }
  if (addresses.length > 0) return { kind: 'hit', service, addresses, locations };
  return target === undefined ? { kind: 'none', service } : { kind: 'alias', service, target };
}
