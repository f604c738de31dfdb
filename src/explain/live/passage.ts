// Whether a packet has gone its whole way, by what the nodes on it have seen so far.
import { isSameEnd } from './kernel-trace.ts';
import type { Ends, Passing } from './watch.ts';

export interface Passage {
  /** What each watched node saw. */
  readonly seen: ReadonlyMap<string, readonly Passing[]>;
  /** Whether it is the packet, as it was sent. */
  readonly isIt: (packet: Ends) => boolean;
  /** The node that an address is on; undefined where nobody knows. */
  readonly nodeOf: (address: string) => string | undefined;
}

export type Progress = 'not seen' | 'on its way' | 'through';

/** From node to node: each must have let it go, and the one to which it was let go must have met it. */
export function progressOf({ seen, isIt, nodeOf }: Passage): Progress {
  const met = new Set<string>();
  let wanted = isIt;
  let candidates = [...seen.keys()];
  for (;;) {
    const node = candidates.find((name) => !met.has(name) && seen.get(name)?.some(wanted));
    const packet = node === undefined ? undefined : seen.get(node)?.find(wanted);
    if (node === undefined || !packet) return met.size === 0 ? 'not seen' : 'on its way';
    met.add(node);
    const { end } = packet;
    if (end === undefined) return 'on its way';
    const next = end === 'dropped' ? undefined : nodeOf(end.destination.address);
    // One that is not watched, or where it was before, tells nothing more.
    if (end === 'dropped' || next === undefined || !seen.has(next) || met.has(next)) return 'through';
    wanted = ({ source, destination }) => isSameEnd(source, end.source) && isSameEnd(destination, end.destination);
    candidates = [next];
  }
}
