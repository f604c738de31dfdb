// Follows the objects of the Service world in a running cluster, and keeps its history.
import type { GroupVersionResource, KubeObject } from '../../apimachinery/object.ts';
import { createInformers } from '../../client/informers.ts';
import { endpointSlices, namespaces, networkPolicies, nodes, pods, services } from '../../client/resources.ts';
import type { Client } from '../../client/types.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { idOf } from '../object-id.ts';
import type { Moment } from '../picture/picture.ts';
import { History, type Recorded, revisionOf } from './history.ts';
import type { Kept } from './history-log.ts';

/** Keeps the record where it outlives the process. */
export interface Keeper {
  /** What was kept, with the world as it was at its end; undefined where there is nothing to go on from. */
  load(): Promise<{ readonly kept: Kept; readonly objects: readonly Readonly<KubeObject>[] } | undefined>;
  /** Before any change: the record begins now, or goes on. */
  begin(began: Moment, isResumed: boolean): void;
  keep(change: Recorded): void;
}

export interface FollowerOptions {
  readonly keeper?: Keeper | undefined;
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: (error: unknown, what: string) => void;
}

export interface WorldListener {
  put(object: Readonly<KubeObject>): void;
  remove(object: Readonly<KubeObject>): void;
}

export const worldKinds: readonly (readonly [string, GroupVersionResource])[] = [
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
  #list: readonly Readonly<KubeObject>[] | undefined;

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

  /** The objects that there are now, with their `kind`: the same list for as long as none changes. */
  objects(): readonly Readonly<KubeObject>[] {
    this.#list ??= [...this.#objects.values()];
    return this.#list;
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
    const earlier = await this.#options.keeper?.load();
    if (earlier) {
      this.history.resume(earlier.kept.began, earlier.kept.changes);
      for (const object of earlier.objects) this.history.begin(object, earlier.kept.began.time);
    }
    const informers = createInformers(this.#options.client, this.#options);
    let waiting = worldKinds.length;
    for (const [kind, resource] of worldKinds) {
      let isSynced = false;
      // Items of a list come without.
      const withKind = (object: Readonly<KubeObject>) => (object.kind === kind ? object : { ...object, kind });
      const put = (object: Readonly<KubeObject>) =>
        this.#put(withKind(object), isSynced ? 'changed' : earlier ? 'resumed' : 'there');
      informers.informer<KubeObject>(resource).addHandler({
        added: put,
        updated: put,
        deleted: (object) => this.#remove(withKind(object)),
        synced: () => {
          isSynced = true;
          waiting -= 1;
          if (waiting > 0) return;
          if (earlier) this.#forgetGone();
          this.#options.keeper?.begin(this.history.first, earlier !== undefined);
          this.#ready.resolve();
        },
      });
    }
    await informers.run(signal);
  }

  /** What went while nobody looked. */
  #forgetGone(): void {
    const now = this.#options.clock.now();
    for (const object of this.history.known()) {
      if (this.#objects.has(idOf(object))) continue;
      const metadata = { ...object.metadata, resourceVersion: String(this.#revision) };
      this.#keep(this.history.record({ ...object, metadata }, now, true));
    }
  }

  #keep(change: Recorded | undefined): void {
    if (change) this.#options.keeper?.keep(change);
  }

  /** An object that changed, or was there when this began: without an earlier record, or with one to be compared with. */
  #put(object: Readonly<KubeObject>, how: 'changed' | 'there' | 'resumed'): void {
    const now = this.#options.clock.now();
    this.#objects.set(idOf(object), object);
    this.#list = undefined;
    this.#revision = Math.max(this.#revision, revisionOf(object));
    if (how === 'there') this.history.begin(object, now);
    else this.#keep(how === 'changed' ? this.history.record(object, now) : this.history.present(object, now));
    for (const listener of this.#listeners) listener.put(object);
  }

  #remove(object: Readonly<KubeObject>): void {
    this.#objects.delete(idOf(object));
    this.#list = undefined;
    this.#revision = Math.max(this.#revision, revisionOf(object));
    this.#keep(this.history.record(object, this.#options.clock.now(), true));
    for (const listener of this.#listeners) listener.remove(object);
  }
}
