// Which field of which object says an address, a port or a range that rules are written with.

import type { Node, Service } from '../../api/core/v1/types.generated.ts';
import { serviceNameLabel } from '../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { canonicalCIDR, canonicalIP } from '../../proxy/address.ts';

export interface Source {
  /** `Service default/web`. */
  readonly object: string;
  readonly field: string;
  readonly resourceVersion: string;
}

export interface Said extends Source {
  /** `namespace/name` of the Service that it is about; undefined for nodes. */
  readonly service: string | undefined;
  /** Says which Service a rule is for; ports alone do not, for many have the same. */
  readonly isTelling: boolean;
}

/** By the words of rules: addresses, ranges, port numbers. */
export type Sayings = ReadonlyMap<string, readonly Said[]>;

export interface Known {
  readonly sayings: Sayings;
  readonly services: ReadonlyMap<string, Readonly<Service>>;
}

export function sayingsOf(objects: readonly KubeObject[]): Known {
  const sayings = new Map<string, Said[]>();
  const services = new Map<string, Readonly<Service>>();
  const say = (word: string | undefined, said: Said) => {
    if (word === undefined) return;
    const all = sayings.get(word);
    if (all) all.push(said);
    else sayings.set(word, [said]);
  };
  for (const object of objects) {
    const saying = (field: string, service: string | undefined, isTelling: boolean): Said => ({
      ...sourceOf(object, field),
      service,
      isTelling,
    });
    if (object.kind === 'Node') sayNode(object as Node, (word, field) => say(word, saying(field, undefined, false)));
    if (object.kind === 'Service') {
      const key = keyOf(object);
      services.set(key, object as Service);
      sayService(object as Service, (word, field, isTelling) => say(word, saying(field, key, isTelling)));
    }
    if (object.kind === 'EndpointSlice') {
      const owner = object.metadata.labels?.[serviceNameLabel];
      const key = owner === undefined ? undefined : `${object.metadata.namespace ?? 'default'}/${owner}`;
      saySlice(object as EndpointSlice, (word, field) => say(word, saying(field, key, false)));
    }
  }
  return { sayings, services };
}

export function sourceOf(object: Readonly<KubeObject>, field: string): Source {
  const name = object.kind === 'Node' ? objectKey(object) : keyOf(object);
  return { object: `${object.kind} ${name}`, field, resourceVersion: object.metadata.resourceVersion ?? '' };
}

function keyOf({ metadata }: Readonly<KubeObject>): string {
  return `${metadata.namespace ?? 'default'}/${metadata.name}`;
}

function sayNode({ status }: Readonly<Node>, say: (word: string, field: string) => void): void {
  for (const [i, { type, address }] of (status?.addresses ?? []).entries()) {
    if (type.endsWith('IP')) say(canonicalIP(address), `status.addresses[${i}]`);
  }
}

function sayService(
  { spec = {}, status }: Readonly<Service>,
  say: (word: string, field: string, isTelling: boolean) => void,
): void {
  const { clusterIPs = spec.clusterIP ? [spec.clusterIP] : [], externalIPs = [], loadBalancerSourceRanges = [] } = spec;
  for (const [i, ip] of clusterIPs.entries()) if (ip !== 'None') say(canonicalIP(ip), `spec.clusterIPs[${i}]`, true);
  for (const [i, ip] of externalIPs.entries()) say(canonicalIP(ip), `spec.externalIPs[${i}]`, true);
  for (const [i, { ip }] of (status?.loadBalancer?.ingress ?? []).entries()) {
    if (ip) say(canonicalIP(ip), `status.loadBalancer.ingress[${i}].ip`, true);
  }
  for (const [i, range] of loadBalancerSourceRanges.entries()) {
    say(canonicalCIDR(range.trim()), `spec.loadBalancerSourceRanges[${i}]`, false);
  }
  for (const [i, { port, nodePort }] of (spec.ports ?? []).entries()) {
    say(String(port), `spec.ports[${i}].port`, false);
    if (nodePort) say(String(nodePort), `spec.ports[${i}].nodePort`, true);
  }
  if (spec.healthCheckNodePort) say(String(spec.healthCheckNodePort), 'spec.healthCheckNodePort', true);
}

function saySlice({ endpoints, ports }: Readonly<EndpointSlice>, say: (word: string, field: string) => void): void {
  for (const [i, { addresses }] of (endpoints ?? []).entries()) {
    const [first] = addresses;
    if (first !== undefined) say(canonicalIP(first), `endpoints[${i}].addresses[0]`);
  }
  for (const [i, { port }] of (ports ?? []).entries()) if (port) say(String(port), `ports[${i}].port`);
}
