// The objects as they are and as they would be after a change, for the commands that look ahead.
import type { Client } from '../client/types.ts';
import type { Proposal, Worlds } from '../explain/plan/proposal.ts';
import { usage } from './flag-values.ts';
import { clientOf, type ObjectFlags, objectsOf } from './objects.ts';

export interface ProposedWorlds extends Worlds {
  /** Of the cluster that was asked; undefined where the objects that there are come from manifests. */
  readonly client: Client | undefined;
}

/** `source` says where the objects come from that there are; `command` is for complaints. */
export async function proposedWorlds(
  source: ObjectFlags,
  command: string,
  proposal: Omit<Proposal, 'judge'>,
): Promise<ProposedWorlds> {
  // Whoever pipes something that failed into this has changed nothing, and should hear of it.
  if (proposal.manifests.length + proposal.without.length === 0)
    throw usage(`${command}: there is no object in the manifests`);
  const [{ worldsOf }, { withSlices }, { writtenObject }] = await Promise.all([
    import('../explain/plan/proposal.ts'),
    import('../explain/plan/slices.ts'),
    import('./valid-objects.ts'),
  ]);
  const kinds = ['Node', 'Service', 'EndpointSlice', 'Pod', 'Namespace', 'NetworkPolicy'] as const;
  const present = await objectsOf(source, command, kinds);
  const isOffline = source.filename.length > 0;
  // A cluster's controllers have done their work; what manifests lack of it is no change.
  const settled = isOffline ? withSlices(present) : present;
  const client = isOffline ? undefined : await clientOf(source, command);
  return { ...(await worldsOf(settled, { ...proposal, judge: writtenObject }, client)), client };
}
