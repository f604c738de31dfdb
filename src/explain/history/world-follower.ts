// Follows the objects of the Service world in a running cluster, and keeps its history.
import type { GroupVersionResource, KubeObject } from '../../apimachinery/object.ts';
import { createInformers } from '../../client/informers.ts';
import { endpointSlices, namespaces, networkPolicies, nodes, pods, services } from '../../client/resources.ts';
import type { Client } from '../../client/types.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { idOf } from '../object-id.ts';
import { History, revisionOf } from './history.ts';

export interface FollowerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: (error: unknown, what: string) => void;
}

export interface WorldListener {
  put(object: Readonly<KubeObject>): void;
  remove(object: Readonly<KubeObject>): void;
}

const kinds: readonly (readonly [string, GroupVersionResource])[] = [
  ['Node', nodes],
  ['Service', services],
  ['EndpointSlice', endpointSlices],
  ['Pod', pods],
  ['Namespace', namespaces],
  ['NetworkPolicy', networkPolicies],
];

export class WorldFollower {
  readonly #options: FollowerOptions;
  readonly #objects = new Map<string, Readonly<KubeObject>>();
  readonly #listeners = new Set<WorldListener>();
  readonly #ready = Promise.withResolvers<void>();
  readonly history = new History();
  #revision = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Resolves once all is known that was there at the start. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Of the last change that is known. */
  get revision(): number {
    return this.#revision;
  }

  /** By the clock that changes are noted by: milliseconds since the epoch. */
  now(): number {
    return this.#options.clock.now();
  }

  /** The objects that there are now, with their `kind`. */
  objects(): readonly Readonly<KubeObject>[] {
    return [...this.#objects.values()];
  }

  get(id: string): Readonly<KubeObject> | undefined {
    return this.#objects.get(id);
  }

  /** Tells of what there is, then of each change, until the function returned is called. */
  listen(listener: WorldListener): () => void {
    for (const object of this.#objects.values()) listener.put(object);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    const informers = createInformers(this.#options.client, this.#options);
    let waiting = kinds.length;
    for (const [kind, resource] of kinds) {
      let isSynced = false;
      const put = (object: Readonly<KubeObject>) => this.#put({ ...object, kind }, isSynced);
      informers.informer<KubeObject>(resource).addHandler({
        added: put,
        updated: put,
        deleted: (object) => this.#remove({ ...object, kind }),
        synced: () => {
          isSynced = true;
          waiting -= 1;
          if (waiting === 0) this.#ready.resolve();
        },
      });
    }
    await informers.run(signal);
  }

  #put(object: Readonly<KubeObject>, isKnown: boolean): void {
    const now = this.#options.clock.now();
    this.#objects.set(idOf(object), object);
    this.#revision = Math.max(this.#revision, revisionOf(object));
    if (isKnown) this.history.record(object, now);
    else this.history.begin(object, now);
    for (const listener of this.#listeners) listener.put(object);
  }

  #remove(object: Readonly<KubeObject>): void {
    this.#objects.delete(idOf(object));
    this.#revision = Math.max(this.#revision, revisionOf(object));
    this.history.record(object, this.#options.clock.now(), true);
    for (const listener of this.#listeners) listener.remove(object);
  }
}
