// What becomes of packets that leave the nodes of a cluster whose machine lets nothing out (`portico up --egress off`).
import { splitHostPort } from '../../net/ip.ts';
import { contains } from '../../proxy/address.ts';
import type { Cause, Trace, TraceOutcome } from './trace.ts';

const lost = 'the machine drops what goes beyond the network of its nodes, and the sender hears nothing';

const closed: Cause = {
  object: 'the cluster',
  field: '--egress off',
  message: lost,
  remedy: '`portico up --egress on` opens it',
};

type End = Pick<Trace, 'outcomes' | 'cause'>;

/**
 * What would leave the cluster and is not in `reach` is dropped; that egress is off is the cause where objects give none. (A machine
 * that forwards for others, and knows no way there, says so in place of silence.)
 */
export function withinReach<T extends End>(trace: T, reach: readonly string[]): T {
  const isHeld = ({ result, destination }: TraceOutcome) =>
    result === 'leaves the cluster' && !reach.some((cidr) => contains(cidr, splitHostPort(destination).host));
  if (!trace.outcomes.some(isHeld)) return trace;
  const { cause = closed } = trace;
  const held = (outcome: TraceOutcome): TraceOutcome => {
    const notes = [outcome.note, cause === closed ? undefined : `egress is off: ${lost}`].filter(
      (one) => one !== undefined,
    );
    return { ...outcome, result: 'dropped', ...(notes.length > 0 && { note: notes.join('; ') }) };
  };
  return { ...trace, outcomes: trace.outcomes.map((one) => (isHeld(one) ? held(one) : one)), cause };
}
