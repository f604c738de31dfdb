// kube-proxy's ipsets: their names, types and comments (service-semantics 6).
import type { IpSet } from '../../ipvs/ruleset.ts';
import type { IPFamily } from '../../net/ip.ts';

interface SetFacts {
  readonly type: IpSet['type'];
  readonly comment: string;
}

const facts = {
  'LOOP-BACK': {
    type: 'hash:ip,port,ip',
    comment: 'Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose',
  },
  'CLUSTER-IP': { type: 'hash:ip,port', comment: 'Kubernetes service cluster ip + port for masquerade purpose' },
  'EXTERNAL-IP': {
    type: 'hash:ip,port',
    comment: 'Kubernetes service external ip + port for masquerade and filter purpose',
  },
  'EXTERNAL-IP-LOCAL': {
    type: 'hash:ip,port',
    comment: 'Kubernetes service external ip + port with externalTrafficPolicy=local',
  },
  'LOAD-BALANCER': { type: 'hash:ip,port', comment: 'Kubernetes service lb portal' },
  'LOAD-BALANCER-LOCAL': {
    type: 'hash:ip,port',
    comment: 'Kubernetes service load balancer ip + port with externalTrafficPolicy=local',
  },
  'LOAD-BALANCER-FW': {
    type: 'hash:ip,port',
    comment: 'Kubernetes service load balancer ip + port for load balancer with sourceRange',
  },
  'LOAD-BALANCER-SOURCE-IP': {
    type: 'hash:ip,port,ip',
    comment: 'Kubernetes service load balancer ip + port + source IP for packet filter purpose',
  },
  'LOAD-BALANCER-SOURCE-CIDR': {
    type: 'hash:ip,port,net',
    comment: 'Kubernetes service load balancer ip + port + source cidr for packet filter purpose',
  },
  'NODE-PORT-TCP': { type: 'bitmap:port', comment: 'Kubernetes nodeport TCP port for masquerade purpose' },
  'NODE-PORT-LOCAL-TCP': {
    type: 'bitmap:port',
    comment: 'Kubernetes nodeport TCP port with externalTrafficPolicy=local',
  },
  'NODE-PORT-UDP': { type: 'bitmap:port', comment: 'Kubernetes nodeport UDP port for masquerade purpose' },
  'NODE-PORT-LOCAL-UDP': {
    type: 'bitmap:port',
    comment: 'Kubernetes nodeport UDP port with externalTrafficPolicy=local',
  },
  'NODE-PORT-SCTP-HASH': {
    type: 'hash:ip,port',
    comment: "Kubernetes nodeport SCTP port for masquerade purpose with type 'hash ip:port'",
  },
  'NODE-PORT-LOCAL-SCTP-HASH': {
    type: 'hash:ip,port',
    comment: "Kubernetes nodeport SCTP port with externalTrafficPolicy=local with type 'hash ip:port'",
  },
  'HEALTH-CHECK-NODE-PORT': { type: 'bitmap:port', comment: 'Kubernetes health check node port' },
  'IPVS-IPS': { type: 'hash:ip', comment: '' },
} as const satisfies Readonly<Record<string, SetFacts>>;

export type SetName = keyof typeof facts;

/** The longest name the kernel takes. */
const longestName = 31;

export function fullName(set: SetName, family: IPFamily): string {
  return `${family === 'IPv4' ? 'KUBE-' : 'KUBE-6-'}${set}`.slice(0, longestName);
}

/** Whether a set of this name is kube-proxy's, of either family. */
export function isOwnSet(name: string): boolean {
  return ownNames.has(name);
}

export function setComment(set: SetName): string {
  return facts[set].comment;
}

const ownNames: ReadonlySet<string> = new Set(
  (Object.keys(facts) as SetName[]).flatMap((set) => [fullName(set, 'IPv4'), fullName(set, 'IPv6')]),
);

/** The members of each set of one family, collected port by port. */
export class SetMembers {
  readonly #members = new Map<SetName, Set<string>>();
  readonly #family: IPFamily;

  constructor(family: IPFamily) {
    this.#family = family;
  }

  add(set: SetName, member: string | number): void {
    const members = this.#members.get(set) ?? new Set();
    members.add(String(member));
    this.#members.set(set, members);
  }

  has(set: SetName): boolean {
    return this.#members.has(set);
  }

  /** All sets, the empty ones too, in the order of their names. */
  sets(): IpSet[] {
    return (Object.keys(facts) as SetName[]).sort().map((set) => ({
      name: fullName(set, this.#family),
      type: facts[set].type,
      family: this.#family === 'IPv4' ? 'inet' : 'inet6',
      members: [...(this.#members.get(set) ?? [])].sort(),
    }));
  }
}
