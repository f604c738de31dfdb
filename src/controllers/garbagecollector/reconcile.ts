// What becomes of an object whose owners are as they are (upstream garbagecollector attemptToDeleteItem).
import type { OwnerReference } from '../../apimachinery/meta/v1.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';

export const orphanFinalizer = 'orphan';
export const foregroundFinalizer = 'foregroundDeletion';

/** `deleting` is an owner that waits, in foreground deletion, for its dependents. */
export type OwnerState = 'present' | 'absent' | 'deleting';

export type Fate =
  | { readonly kind: 'keep' }
  /** Some owners stay: the references to the others go. */
  | { readonly kind: 'release'; readonly ownerReferences: readonly OwnerReference[] }
  | { readonly kind: 'delete'; readonly policy: 'Background' | 'Foreground' | 'Orphan' }
  /** It is itself waited for, and first stops blocking its owners (they may be in a circle). */
  | { readonly kind: 'delete'; readonly policy: 'Foreground'; readonly unblock: true };

export interface FateInput {
  /** As the server has it now, not being deleted. */
  readonly object: Readonly<KubeObject>;
  readonly stateOf: (owner: Readonly<OwnerReference>) => OwnerState;
  readonly hasDependents: boolean;
  readonly hasDeletingDependents: boolean;
}

export function fateOf({ object, stateOf, hasDependents, hasDeletingDependents }: FateInput): Fate {
  const { ownerReferences: owners = [], finalizers = [] } = object.metadata;
  if (owners.length === 0) return { kind: 'keep' };
  const states = owners.map(stateOf);
  const present = owners.filter((_, i) => states[i] === 'present');
  if (present.length === owners.length) return { kind: 'keep' };
  if (present.length > 0) return { kind: 'release', ownerReferences: present };
  if (states.includes('deleting') && hasDependents) {
    return hasDeletingDependents
      ? { kind: 'delete', policy: 'Foreground', unblock: true }
      : { kind: 'delete', policy: 'Foreground' };
  }
  if (finalizers.includes(orphanFinalizer)) return { kind: 'delete', policy: 'Orphan' };
  return { kind: 'delete', policy: finalizers.includes(foregroundFinalizer) ? 'Foreground' : 'Background' };
}
