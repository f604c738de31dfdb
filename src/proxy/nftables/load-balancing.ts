// Chains that pick an endpoint. A chain lb-N draws a number below N and looks the endpoint up in a map that all Services
// share, so a Service costs elements only. nft (1.0.6) cannot add a rule that does NAT by a `typeof` map of an earlier
// transaction ("conflicting protocols specified"), so a map comes together with all the chains that may ever use it: the
// counts of endpoints are grouped by powers of two.

import type { IPFamily } from '../../net/ip.ts';
import type { Chain, Field, SetDeclaration } from '../../nftables/ruleset.ts';
import { fieldsOf } from './base.ts';

/** What a map's keys begin with: address, protocol and port of a Service, or protocol and node port. */
export type LoadBalancingScope = 'service' | 'nodeport';

/** Keys of endpoints under policy Local are numbered from here, so that one map holds both kinds. */
export const localOffset = 32768;

/** More endpoints of one port than this are not balanced to: the numbers of the two policies must not meet. */
export const maxEndpoints = 32768;

const smallestGroup = 16;

/** A map of endpoints and the chains that use it, which come and go together. */
export interface LoadBalancingGroup {
  readonly set: SetDeclaration;
  readonly chains: readonly Chain[];
}

/** The group for ports with `count` endpoints, named by the highest count it serves. */
function groupSize(count: number): number {
  let size = smallestGroup;
  while (size < count) size *= 2;
  return size;
}

const prefixes = { service: '', nodeport: 'nodeport-' } as const;

/** The name of the group's map, which also names the group. */
export function groupMap(scope: LoadBalancingScope, count: number): string {
  return `${prefixes[scope]}endpoints-${groupSize(count)}`;
}

export function loadBalancingChain(scope: LoadBalancingScope, policy: 'cluster' | 'local', count: number): string {
  return `${prefixes[scope]}${policy === 'local' ? 'local-' : ''}lb-${count}`;
}

/** The group that {@link groupMap} names. */
export function loadBalancingGroup(family: IPFamily, scope: LoadBalancingScope, size: number): LoadBalancingGroup {
  const fields = fieldsOf(family === 'IPv4' ? 'ip' : 'ip6');
  const key: readonly Field[] = scope === 'service' ? fields.service : fields.nodePort;
  const map = groupMap(scope, size);
  const set: SetDeclaration = {
    kind: 'map',
    name: map,
    type: `typeof ${key.join(' . ')} . numgen random mod 65535 : ${fields.destination} . th dport`,
    comment: `endpoints of ports with up to ${size} of them`,
  };
  const chains: Chain[] = [];
  for (let count = size === smallestGroup ? 1 : size / 2 + 1; count <= size; count += 1) {
    for (const policy of ['cluster', 'local'] as const) {
      const numgen = { kind: 'numgen', mod: count, offset: policy === 'local' ? localOffset : 0 } as const;
      chains.push({
        name: loadBalancingChain(scope, policy, count),
        rules: [{ statements: [{ kind: 'dnat-map', family: fields.family, key: [...key, numgen], map }] }],
      });
    }
  }
  return { set, chains };
}
