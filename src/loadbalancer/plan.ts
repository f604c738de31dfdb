// Who answers for the addresses of a load balancer. Every agent decides this for itself, from what all of them see; the
// order of preference makes them agree: who answers already stays, then who did last, then the dice of a hash.
import { createHash } from 'node:crypto';
import { type CIDR, containsText } from '../net/cidr.ts';

/** A node whose agent is alive. */
export interface Peer {
  readonly node: string;
  /** Blocks of the links that its node addresses are on. */
  readonly networks: readonly CIDR[];
  /** What it answers for, by Service as `namespace/name`: the term of its claim. */
  readonly claims: ReadonlyMap<string, number>;
}

/** A Service whose addresses are to be announced. */
export interface AnnouncedService {
  /** `namespace/name`. */
  readonly key: string;
  readonly addresses: readonly string[];
  /** With externalTrafficPolicy Local: the nodes that have a ready endpoint, as their health check port says. */
  readonly localNodes: ReadonlySet<string> | undefined;
  /** Who answered last, as the Service says. */
  readonly recorded: string | undefined;
}

export interface AnnouncementView {
  readonly peers: readonly Peer[];
  /** Names of the nodes that are Ready and may serve load balancers. */
  readonly eligible: ReadonlySet<string>;
}

/** The node that answers for the Service, or undefined where none may. */
export function announcerOf(service: AnnouncedService, { peers, eligible }: AnnouncementView): string | undefined {
  const able = peers.filter(
    ({ node }) => eligible.has(node) && (service.localNodes === undefined || service.localNodes.has(node)),
  );
  const candidates = onLink(able, service.addresses);
  const claiming = candidates.filter(({ claims }) => claims.has(service.key));
  const latest = Math.max(...claiming.map(({ claims }) => claims.get(service.key) ?? 0));
  const claimants = claiming.filter(({ claims }) => claims.get(service.key) === latest);
  if (claimants.length > 0) return byHash(service.key, claimants);
  const last = candidates.find(({ node }) => node === service.recorded);
  return last?.node ?? byHash(service.key, candidates);
}

/** Nobody hears an answer on another segment: nodes that have the network of an address go before those that have not. */
function onLink(peers: readonly Peer[], addresses: readonly string[]): readonly Peer[] {
  const near = peers.filter(({ networks }) =>
    networks.some((network) => addresses.some((ip) => containsText(network, ip))),
  );
  return near.length > 0 ? near : peers;
}

/** Rendezvous hashing: Services spread over nodes, and few move when nodes come and go. */
function byHash(key: string, peers: readonly Peer[]): string | undefined {
  if (peers.length < 2) return peers[0]?.node;
  const ranked = peers.map(({ node }) => ({
    node,
    rank: createHash('sha256').update(`${key}\n${node}`).digest('hex'),
  }));
  return ranked.reduce((best, one) => (one.rank > best.rank ? one : best)).node;
}
