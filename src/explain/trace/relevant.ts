// Which Services can have a say about a packet: rules of all others never match it, so they need not be made.
import type { Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { serviceNameLabel } from '../../controllers/shared/service-slices.ts';
import type { AddressPort } from '../../netfilter/packet.ts';
import { canonicalIP } from '../../proxy/address.ts';

/** The objects without the Services, and their slices, that have neither the address nor a node port of the destination. */
export function relevantObjects(objects: readonly KubeObject[], destination: AddressPort): readonly KubeObject[] {
  const slices = Map.groupBy(
    objects.filter((object): object is EndpointSlice & typeof object => object.kind === 'EndpointSlice'),
    ownerOf,
  );
  const targets = [destination];
  const kept = new Set<string>();
  // A packet that was sent on to an endpoint may meet another Service there.
  for (const target of targets) {
    for (const object of objects) {
      if (object.kind !== 'Service') continue;
      const key = keyOf(object);
      if (kept.has(key) || !isDoor(object as Service, target)) continue;
      kept.add(key);
      for (const { endpoints, ports } of slices.get(key) ?? []) {
        for (const { addresses } of endpoints ?? []) {
          for (const { port } of ports ?? []) if (addresses[0] && port) targets.push({ address: addresses[0], port });
        }
      }
    }
  }
  return objects.filter((object) => {
    if (object.kind === 'Service') return kept.has(keyOf(object));
    return object.kind !== 'EndpointSlice' || kept.has(ownerOf(object as EndpointSlice));
  });
}

function isDoor({ spec = {}, status }: Readonly<Service>, { address, port }: AddressPort): boolean {
  const { clusterIPs = spec.clusterIP ? [spec.clusterIP] : [], externalIPs = [], ports = [] } = spec;
  const balancers = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  const has = [...clusterIPs, ...externalIPs, ...balancers].some(
    (ip) => ip !== 'None' && canonicalIP(ip) === canonicalIP(address),
  );
  return has || spec.healthCheckNodePort === port || ports.some(({ nodePort }) => nodePort === port);
}

function keyOf({ metadata }: Readonly<KubeObject>): string {
  return `${metadata.namespace ?? 'default'}/${metadata.name}`;
}

function ownerOf({ metadata }: Readonly<EndpointSlice>): string {
  return `${metadata.namespace ?? 'default'}/${metadata.labels?.[serviceNameLabel]}`;
}
