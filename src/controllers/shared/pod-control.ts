// What the controllers of pods have in common: they claim, create and delete pods, say so, and never decide on a view
// that has not seen their own writes.
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { LabelSelector } from '../../apimachinery/selectors/label-selector.ts';
import { isNotFound, StatusError } from '../../apimachinery/status.ts';
import type { EventRecorder, EventText } from '../../client/events.ts';
import { pods } from '../../client/resources.ts';
import type { Informer, ResourceClient } from '../../client/types.ts';
import type { ControllerContext } from '../controller.ts';
import { type Claim, claimObjects } from './claim.ts';
import { type Controlled, controlledObjects } from './controlled.ts';
import { objectsByLabel } from './label-lookup.ts';
import { controllerOf, controllerReference } from './owners.ts';
import { WriteTracker } from './write-tracker.ts';

export interface OwnerKind {
  readonly apiVersion: string;
  readonly kind: string;
}

/** What is said of a pod that was made or ended, or could not be. */
export type Narrator = (what: {
  readonly verb: 'create' | 'delete';
  readonly pod: string;
  readonly owner: Readonly<KubeObject>;
  readonly error?: unknown;
}) => EventText | undefined;

/** Upstream's RealPodControl. */
const plainNarrator: Narrator = ({ verb, pod, error }) => {
  const creating = verb === 'create';
  if (error === undefined) {
    return creating
      ? { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${pod}` }
      : { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${pod}` };
  }
  // The namespace is going away: no use to say so for each pod.
  if (creating && isNamespaceTerminating(error)) return undefined;
  const message = errorMessage(error);
  return creating
    ? { type: 'Warning', reason: 'FailedCreate', message: `Error creating: ${message}` }
    : { type: 'Warning', reason: 'FailedDelete', message: `Error deleting: ${message}` };
};

export interface PodControlOptions {
  readonly context: ControllerContext;
  readonly kind: OwnerKind;
  readonly recorder: EventRecorder;
  readonly narrator?: Narrator;
}

/** Bare pods of a namespace that are looked at one by one. */
const mostOrphans = 100;

export class PodControl {
  readonly informer: Informer<Pod>;
  readonly controlled: Controlled<Pod>;
  readonly client: ResourceClient<Pod>;
  readonly #writes: WriteTracker<Pod>;
  readonly #options: PodControlOptions;
  readonly #selected: (namespace: string, selector: LabelSelector | undefined) => Readonly<Pod>[];

  constructor(options: PodControlOptions) {
    const { client, informers, clock } = options.context;
    this.#options = options;
    this.informer = informers.informer<Pod>(pods);
    this.controlled = controlledObjects(this.informer);
    const byLabel = objectsByLabel(this.informer);
    this.#selected = (namespace, selector) => byLabel.selected(namespace, selector);
    this.client = client.resource<Pod>(pods);
    this.#writes = new WriteTracker<Pod>(this.informer, clock);
  }

  /** Has the cache yet to see writes that were made for this owner? */
  pending(ownerKey: string): boolean {
    return this.#writes.pending(ownerKey);
  }

  /** Whose pods are whose, as the cache has it. */
  claim(
    owner: Readonly<KubeObject>,
    selector: LabelSelector | undefined,
    mayAdopt?: (pod: Readonly<Pod>) => boolean,
  ): Claim<Pod> {
    const { uid, namespace = '' } = owner.metadata;
    const own = this.controlled.of(uid);
    const orphans = this.controlled.orphans(namespace);
    // Of very many bare pods only those with a label that is wanted are looked at.
    const isCrowded = orphans.length > own.length + mostOrphans;
    const others = isCrowded ? this.#selected(namespace, selector).filter((pod) => !controllerOf(pod)) : orphans;
    return claimObjects({ owner, selector, objects: [...own, ...others], ...(mayAdopt && { mayAdopt }) });
  }

  /** Writes the owners of what is adopted or released. `fresh` reads the owner from the server. */
  async settle(
    ownerKey: string,
    owner: Readonly<KubeObject>,
    claim: Claim<Pod>,
    fresh: () => Promise<KubeObject>,
  ): Promise<void> {
    if (claim.adopt.length > 0) await mustBeSame(owner, fresh);
    const own = controllerReference(owner, this.#options.kind);
    const others = (pod: Readonly<Pod>) => (pod.metadata.ownerReferences ?? []).filter((r) => r.uid !== own.uid);
    for (const pod of claim.adopt) await this.#patchOwners(ownerKey, pod, [...others(pod), own]);
    for (const pod of claim.release) await this.#patchOwners(ownerKey, pod, others(pod));
  }

  async create(ownerKey: string, owner: Readonly<KubeObject>, pod: Pod): Promise<Pod> {
    pod.metadata.ownerReferences = [controllerReference(owner, this.#options.kind)];
    try {
      const created = await this.client.create(pod);
      this.#writes.wrote(ownerKey, created);
      this.#say(owner, { verb: 'create', pod: created.metadata.name });
      return created;
    } catch (error) {
      this.#say(owner, { verb: 'create', pod: pod.metadata.name, error });
      throw error;
    }
  }

  /** A pod that is gone already is no failure. */
  async delete(ownerKey: string, owner: Readonly<KubeObject>, pod: Readonly<Pod>): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    try {
      await this.client.delete(name, namespace, uid === undefined ? {} : { preconditions: { uid } });
      this.#writes.deleted(ownerKey, pod);
      this.#say(owner, { verb: 'delete', pod: name });
    } catch (error) {
      if (isNotFound(error)) return;
      this.#say(owner, { verb: 'delete', pod: name, error });
      throw error;
    }
  }

  /** A merge patch of metadata; a pod that is gone already is no failure. */
  async patchMetadata(
    ownerKey: string,
    pod: Readonly<Pod>,
    metadata: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const { name, namespace = '', uid } = pod.metadata;
    try {
      const body = { metadata: { uid, ...metadata } };
      this.#writes.wrote(ownerKey, await this.client.patch({ name, namespace, type: 'merge', body }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** The resourceVersion guards the list, which is written as a whole. */
  #patchOwners(ownerKey: string, pod: Readonly<Pod>, ownerReferences: unknown[]): Promise<void> {
    const { resourceVersion } = pod.metadata;
    return this.patchMetadata(ownerKey, pod, { resourceVersion, ownerReferences });
  }

  #say(owner: Readonly<KubeObject>, what: Omit<Parameters<Narrator>[0], 'owner'>): void {
    const { narrator = plainNarrator, recorder } = this.#options;
    const text = narrator({ ...what, owner });
    if (text) recorder.event(owner, text);
  }
}

/** The cache may not know yet that the owner was deleted and made anew. */
export async function mustBeSame(owner: Readonly<KubeObject>, fresh: () => Promise<KubeObject>): Promise<void> {
  const { metadata } = await fresh();
  if (metadata.uid === owner.metadata.uid && !metadata.deletionTimestamp) return;
  throw new Error(`${owner.metadata.name} has just been deleted`);
}

export function isNamespaceTerminating(error: unknown): boolean {
  return (
    error instanceof StatusError &&
    (error.status.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating')
  );
}
