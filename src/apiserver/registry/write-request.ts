// What callers ask of a ResourceStore: the object to write, the rules it runs under, and who has a word in it.

import type { Strategy } from '../../api/resource.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { DeleteOptions, Deletion } from './deletion.ts';

/** What a write runs under. */
export interface WriteContext {
  readonly dryRun: boolean;
  /** Texts for the Warning header are added here. */
  readonly warnings: Set<string>;
  /** The last word before the write, on an object that is complete and valid: refuses by throwing. */
  readonly check?: (object: KubeObject, old?: Readonly<KubeObject>) => void | Promise<void>;
}

export interface CreateRequest extends WriteContext {
  /** Makes the object to create, afresh for each attempt. */
  readonly make: () => KubeObject | Promise<KubeObject>;
}

/** Which rules an update runs under: those of the object, of its status, or of another subresource. */
export type UpdateStrategy = Pick<
  Strategy<KubeObject>,
  'prepareForUpdate' | 'validate' | 'validateUpdate' | 'warnings'
>;

export interface UpdateRequest extends WriteContext {
  readonly namespace: string;
  readonly name: string;
  readonly strategy: UpdateStrategy;
  /**
   * Works out the new object from the present one, which it must not change; again when another write came between.
   * Undefined for `old`: there is none, and the update may create it.
   */
  readonly transform: (old: Readonly<KubeObject> | undefined) => KubeObject | Promise<KubeObject>;
  /** Where the transform cannot create: no such object is 404. */
  readonly mayCreate?: boolean;
}

export interface DeleteRequest {
  readonly namespace: string;
  readonly name: string;
  readonly options: DeleteOptions;
  readonly dryRun: boolean;
  /** May refuse by throwing. */
  readonly check?: (object: Readonly<KubeObject>) => void | Promise<void>;
  /** Changes the plan where a kind has a way of its own (namespaces). */
  readonly adjust?: (plan: Deletion, old: Readonly<KubeObject>) => Deletion;
}
