// What IPVS does to a packet for a virtual server.
import { serverKey } from '../ipvs/diff.ts';
import type { RealServer, VirtualServer } from '../ipvs/ruleset.ts';
import { type Memory, realServerList } from './packet.ts';
import { decided, type PacketState, remembered } from './state.ts';

export class VirtualServers {
  readonly #servers: ReadonlyMap<string, VirtualServer>;

  constructor(servers: readonly VirtualServer[]) {
    this.#servers = new Map(servers.map((server) => [serverKey(server), server]));
  }

  get isEmpty(): boolean {
    return this.#servers.size === 0;
  }

  /** The virtual server that the packet is for; none for packets that one has taken already. */
  serverOf(state: PacketState): VirtualServer | undefined {
    return state.virtualServer
      ? undefined
      : this.#servers.get(serverKey({ protocol: state.protocol, ...state.destination }));
  }
}

/**
 * How likely each real server is: by weight where the scheduler looks at it (wrr, wlc), else each as likely as any. What
 * hashing schedulers and those that count connections would choose depends on more than one packet.
 */
function chances({ scheduler, realServers }: VirtualServer): { readonly real: RealServer; readonly chance: number }[] {
  const open = realServers.filter((real) => real.weight > 0);
  const weigh = (real: RealServer) => (scheduler.startsWith('w') ? real.weight : 1);
  const total = open.reduce((sum, real) => sum + weigh(real), 0);
  return open.map((real) => ({ real, chance: weigh(real) / total }));
}

/** The packet as each real server that may get it would get it; none when the server refuses it. */
export function schedule(server: VirtualServer, state: PacketState, memory: Memory): PacketState[] {
  const client = state.source.address;
  const isSticky = server.persistentSeconds !== undefined;
  const kept = isSticky
    ? server.realServers.find((real) => real.weight > 0 && memory.get(realServerList(server, real))?.has(client))
    : undefined;
  const ways = kept ? [{ real: kept, chance: 1 }] : chances(server);
  return ways.map(({ real, chance }) => {
    const destination = { address: real.address, port: real.port };
    const virtualServer = { address: server.address, port: server.port };
    const probability = state.probability * chance;
    const sent = decided(
      { ...state, destination, virtualServer, probability },
      { by: 'ipvs', server, realServer: real },
      chance,
    );
    return isSticky ? remembered(sent, realServerList(server, real), client) : sent;
  });
}
