// What a kind does around its writes beyond its strategy: the Service's allocations.
import type { KubeObject } from '../../apimachinery/object.ts';
import type { Compare, KeyValue, Operation } from '../../storage/storage.ts';

/** Further writes that stand or fall with the object's own, in one storage transaction. */
export interface Companions {
  readonly compare: readonly Compare[];
  readonly operations: readonly Operation[];
  /** Told, when the transaction was refused, what stands at the keys of `compare`, in their order; it may be tried again. */
  refused?(current: readonly (KeyValue | undefined)[]): void;
}

export const noCompanions: Companions = { compare: [], operations: [] };

export interface HookContext {
  readonly dryRun: boolean;
}

/**
 * What a kind does around its writes beyond its strategy. Hooks may change `object` (allocate); they throw StatusError
 * to refuse. They run after defaulting, before validation.
 */
export interface RegistryHooks<T extends KubeObject> {
  beginCreate?(object: T, context: HookContext): Promise<Companions>;
  beginUpdate?(object: T, old: T, context: HookContext): Promise<Companions>;
  /** Runs when the object is finally removed. */
  beginDelete?(object: T, context: HookContext): Promise<Companions>;
}
