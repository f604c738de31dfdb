// Graceful termination: a real server that is no longer wanted takes no new connections, and goes with its last one.
import { type Retire, realKey, serverKey } from '../../ipvs/diff.ts';
import type { ServerListing } from '../../ipvs/parse.ts';
import type { VirtualServer } from '../../ipvs/ruleset.ts';

/** TCP connections are waited for; flows of UDP and SCTP would never be seen to end, and go at once, as kube-proxy has it. */
export function retireBy(listing: ServerListing): Retire {
  return (server, real) => {
    const { active, inactive } = listing.connections(server, real);
    return server.protocol === 'tcp' && active + inactive > 0 ? 'keep' : 'remove';
  };
}

/** Whether the kernel still holds a real server that is not wanted. */
export function hasRetired(held: readonly VirtualServer[], wanted: readonly VirtualServer[]): boolean {
  const names = new Map(wanted.map((server) => [serverKey(server), new Set(server.realServers.map(realKey))]));
  return held.some((server) => server.realServers.some((real) => !names.get(serverKey(server))?.has(realKey(real))));
}
