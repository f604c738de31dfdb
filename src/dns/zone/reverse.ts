// Names of addresses: 4.3.2.1.in-addr.arpa (RFC 1035, 3.5) and 32 nibbles under ip6.arpa (RFC 3596, 2.5).
import { labelsOf } from '../wire/name.ts';
import { addressInName } from './address-in-name.ts';
import { dependencyOn } from './dependency.ts';
import { endpointName, type ZoneView } from './view.ts';

/** The canonical address that a reverse name stands for, or undefined for one that names no whole address. */
export function addressOfReverseName(name: string): string | undefined {
  const labels = labelsOf(name.toLowerCase()).toReversed();
  const digits = labels.slice(2);
  if (labels[1] === 'in-addr' && digits.length === 4) return addressInName(digits.join('.'));
  if (labels[1] !== 'ip6' || digits.length !== 32 || !digits.every((d) => /^[0-9a-f]$/.test(d))) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => digits.slice(4 * i, 4 * i + 4).join(''));
  return addressInName(groups.join(':'));
}

/** The names of an address, each once: the Service whose ClusterIP it is, else each endpoint that has it. */
export function reverseRecords(
  view: ZoneView,
  address: string,
  zone: string,
): { target: string; dependency: string }[] {
  const service = view.serviceOfClusterIP(address);
  if (service) {
    const { name, namespace } = service;
    return [{ target: `${name}.${namespace}.svc.${zone}`, dependency: dependencyOn.service(namespace, name) }];
  }
  // Two slices of a Service may hold the same endpoint while it moves from one to the other.
  const names = new Map<string, { target: string; dependency: string }>();
  for (const {
    service: { name, namespace },
    endpoint,
  } of view.endpointsOfAddress(address)) {
    const target = `${endpointName(endpoint)}.${name}.${namespace}.svc.${zone}`;
    names.set(target, { target, dependency: dependencyOn.service(namespace, name) });
  }
  return [...names.values()];
}
