// An informer: what a reflector finds, in a cache; its handlers are told what differs.
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import { objectKey } from '../apimachinery/object.ts';
import { deepFreeze } from './deep-freeze.ts';
import { guarded } from './guarded.ts';
import { Reflector, type ReflectorOptions, type ReflectorSink } from './reflector.ts';
import { Store } from './store.ts';
import type { Client, Informer, InformerHandler, InformerScope, Lister } from './types.ts';

export interface InformerOptions extends Omit<ReflectorOptions, 'metadataOnly'> {
  /** Freezes cached objects, so that a test fails where code changes them. */
  readonly freeze?: boolean;
  /**
   * What of an object stays in the cache once its handlers have seen it; by default all of it. The metadata's name, namespace,
   * uid and resourceVersion must stay. Listers, `old` of updates and handlers added later get what stayed.
   */
  readonly keep?: (object: Readonly<KubeObject>) => KubeObject;
  /** Told of failures that are retried, and of errors that handlers throw. */
  readonly onError?: (error: unknown, what: string) => void;
}

export class ListWatchInformer<T extends KubeObject> implements Informer<T>, ReflectorSink<T> {
  readonly #reflector: Reflector<T>;
  readonly #options: InformerOptions;
  readonly #resource: GroupVersionResource;
  readonly #store = new Store<T>();
  readonly #handlers: InformerHandler<T>[] = [];
  /** Of the list that comes now. */
  #listed = new Set<string>();
  #hasSynced = false;

  constructor(client: Client, resource: GroupVersionResource, scope: InformerScope, options: InformerOptions) {
    this.#options = options;
    this.#resource = resource;
    this.#reflector = new Reflector(client, { resource, scope }, this, options);
  }

  get lister(): Lister<T> {
    return this.#store;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  synced(signal?: AbortSignal): Promise<void> {
    return this.#reflector.synced(signal);
  }

  addHandler(handler: InformerHandler<T>): void {
    this.#handlers.push(handler);
    for (const object of this.#store.list()) this.#guard(() => handler.added?.(object));
    if (this.#hasSynced) this.#guard(() => handler.synced?.());
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#reflector.run(signal);
  }

  /** Told first is what went, then what is new or changed; where there are more pages, what went is known at their end. */
  listed(objects: readonly T[], { isFirst, isLast }: { readonly isFirst: boolean; readonly isLast: boolean }): void {
    if (isFirst) this.#listed = new Set();
    for (const object of objects) this.#listed.add(objectKey(object));
    if (isFirst && isLast) this.#removeUnlisted();
    this.#putListed(objects);
    if (!isLast) return;
    if (!isFirst) this.#removeUnlisted();
    this.#listed = new Set();
    if (this.#hasSynced) return;
    this.#hasSynced = true;
    for (const handler of this.#handlers) this.#guard(() => handler.synced?.());
  }

  changed(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void {
    if (type !== 'DELETED') this.#put(object);
    else if (this.#store.known(object)) this.#remove(object);
  }

  /** An object of the same name that was made anew is told as gone first. */
  #putListed(objects: readonly T[]): void {
    for (const object of objects) {
      const old = this.#store.known(object);
      if (old && old.metadata.uid !== object.metadata.uid) this.#remove(old);
      this.#put(object);
    }
  }

  #removeUnlisted(): void {
    for (const old of this.#store.list()) if (!this.#listed.has(objectKey(old))) this.#remove(old);
  }

  #put(object: T): void {
    const old = this.#store.known(object);
    if (old && old.metadata.resourceVersion === object.metadata.resourceVersion) return;
    if (this.#options.freeze) deepFreeze(object);
    this.#store.set(this.#kept(object));
    for (const handler of this.#handlers) {
      this.#guard(() => (old ? handler.updated?.(object, old) : handler.added?.(object)));
    }
  }

  #kept(object: T): T {
    // What stays of an object is of its kind, with less in it.
    return this.#options.keep ? (this.#options.keep(object) as T) : object;
  }

  #remove(object: T): void {
    if (this.#options.freeze) deepFreeze(object);
    this.#store.delete(object);
    for (const handler of this.#handlers) this.#guard(() => handler.deleted?.(object));
  }

  #guard(call: () => void): void {
    guarded(call, this.#resource, this.#options);
  }
}
