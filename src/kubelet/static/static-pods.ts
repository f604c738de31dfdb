// The static pods of a node and their mirrors in the API: each is shown by a pod there that nobody can keep deleted.
import type { Node, Pod } from '../../api/core/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../apimachinery/status.ts';
import { nodes, pods } from '../../client/resources.ts';
import type { Client } from '../../client/types.ts';
import { Turns } from '../../system/turns.ts';
import { mirrorOf, mirrors } from './static-pod.ts';

export interface StaticPodsOptions {
  readonly client: Client;
  readonly nodeName: string;
  readonly log: (message: string) => void;
  /** Starts a pod; not before the one that had its name has ended. */
  readonly start: (pod: Pod) => void;
  /** The pod's file is gone, or holds another. Whether there is something to end, of which `ended` will be told. */
  readonly remove: (uid: string) => boolean;
  /** The pod that shows a static pod in the API, or none. */
  readonly mirrored: (uid: string, mirror: Pod | undefined) => void;
}

export class StaticPods {
  readonly #options: StaticPodsOptions;
  /** By namespace and name; undefined until the folder was read: mirrors of before are nobody's to judge until then. */
  #originals: ReadonlyMap<string, Pod> | undefined;
  readonly #mirrors = new Map<string, Pod>();
  /** UIDs by namespace and name of pods that are on their way out. */
  readonly #leaving = new Map<string, string>();
  readonly #turns = new Turns();

  constructor(options: StaticPodsOptions) {
    this.#options = options;
  }

  /** All that the folder holds now. */
  changed(originals: readonly Pod[]): void {
    const next = new Map(originals.map((pod) => [objectKey(pod), pod]));
    const before = this.#originals ?? new Map<string, Pod>();
    const isSame = (key: string) => next.get(key)?.metadata.uid === before.get(key)?.metadata.uid;
    for (const [key, { metadata }] of before) {
      const { uid = '' } = metadata;
      // What waits for another to leave was never started.
      if (!isSame(key) && !this.#leaving.has(key) && this.#options.remove(uid)) this.#leaving.set(key, uid);
    }
    this.#originals = next;
    for (const [key, pod] of next) if (!isSame(key) && !this.#leaving.has(key)) this.#options.start(pod);
    for (const key of new Set([...before.keys(), ...next.keys(), ...this.#mirrors.keys()])) this.sync(key);
  }

  /** A pod has left the node: the one that its file holds by now, be it the same again, may start. */
  ended(pod: Pod): void {
    const key = objectKey(pod);
    if (this.#leaving.get(key) !== pod.metadata.uid) return;
    this.#leaving.delete(key);
    const next = this.#originals?.get(key);
    if (!next) return;
    this.#options.start(next);
    this.sync(key);
  }

  /** A mirror pod as the API has it; `undefined` when it is gone. */
  seen(key: string, mirror: Pod | undefined): void {
    if (mirror) this.#mirrors.set(key, mirror);
    else this.#mirrors.delete(key);
    this.sync(key);
  }

  /** Makes the API show what runs, in turn; a failure is logged and tried again at the next look at its pod. */
  sync(key: string): void {
    const synced = this.#turns.take(() => this.#sync(key));
    synced.catch((error: unknown) => this.#options.log(`mirror pod ${key}: ${errorMessage(error)}`));
  }

  /** Looks at all of them again. */
  syncAll(): void {
    for (const key of this.#originals?.keys() ?? []) this.sync(key);
  }

  async #sync(key: string): Promise<void> {
    const { client, nodeName, mirrored } = this.#options;
    if (!this.#originals) return;
    const original = this.#originals.get(key);
    const mirror = this.#mirrors.get(key);
    if (mirror && original && mirrors(mirror, original)) {
      mirrored(original.metadata.uid ?? '', mirror);
      return;
    }
    const api = client.resource<Pod>(pods);
    if (mirror) {
      const { name, namespace, uid } = mirror.metadata;
      const only = uid ? { preconditions: { uid } } : {};
      await api.delete(name, namespace, { gracePeriodSeconds: 0, ...only }).catch(ignoreGone);
      return; // Its deletion, when seen, brings us here again.
    }
    if (!original) return;
    mirrored(original.metadata.uid ?? '', undefined);
    const node = await client.resource<Node>(nodes).get(nodeName);
    try {
      await api.create(mirrorOf(original, node.metadata.uid ?? ''));
    } catch (error) {
      // Ours, which the informer does not have yet; or a pod of that name that is no mirror, and stays.
      if (!isAlreadyExists(error)) throw error;
    }
  }
}

function ignoreGone(error: unknown): void {
  if (!isNotFound(error) && !isConflict(error)) throw error;
}
