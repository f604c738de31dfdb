// The packet that answers one that arrived.
import type { Outcome, Packet } from './packet.ts';

/** The answer to an outcome of `packet`, as it enters the node again by `inInterface` (absent: the node answers itself). */
export function replyTo(packet: Packet, outcome: Outcome, inInterface: string | undefined): Packet {
  const { source, destination, steps } = outcome;
  const sender = packet.source ?? steps[0]?.packet.source ?? source;
  return {
    protocol: packet.protocol,
    source: destination,
    destination: source,
    ...(inInterface !== undefined && { inInterface }),
    connection: {
      state: 'established',
      ...(outcome.masqueraded && { destination: sender }),
      ...(outcome.translated && { source: packet.destination }),
    },
  };
}
