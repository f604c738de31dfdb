// Whether a node is ready by the word of the agent that runs now.
import type { Node } from '../api/core/v1/types.generated.ts';

/** `since` in ms since 1970; heartbeats are told in whole seconds. */
export function isReadySince({ status }: Node, since: number): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const heard = Date.parse(ready?.lastHeartbeatTime ?? '');
  return ready?.status === 'True' && (since === 0 || heard >= Math.floor(since / 1000) * 1000);
}
