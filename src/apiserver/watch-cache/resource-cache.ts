// The present state of one resource and its recent changes, from which reads and watches are served.
import { SortedKeys } from '../../storage/sorted-keys.ts';
import { StoredObject } from './stored-object.ts';

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** One change, with the frames that watchers are sent: encoded once, however many watch when it happens. */
export class CacheEvent {
  readonly type: ChangeType;
  readonly revision: number;
  /** The state after the change; of a deletion the last state, with the deletion's revision. */
  readonly current: StoredObject;
  readonly previous: StoredObject | undefined;
  /** Made for the first that asks: most changes have no watcher that wants bytes. */
  #frames: Map<string, Uint8Array> | undefined;

  constructor(type: ChangeType, current: StoredObject, previous: StoredObject | undefined) {
    this.type = type;
    this.revision = current.revision;
    this.current = current;
    this.previous = previous;
  }

  /**
   * The state that watchers are shown. Who is told DELETED because a selector no longer matches sees the object as it
   * last matched, with the revision of the change.
   */
  stateFor(as: ChangeType): StoredObject {
    if (as !== 'DELETED' || this.type === 'DELETED' || !this.previous) return this.current;
    return new StoredObject(this.current.key, this.previous.value, this.revision);
  }

  /** The line of a watch for this change; `as` differs from the type where a selector makes it an ADDED or DELETED. */
  frame(as: ChangeType): Uint8Array {
    return this.encoded(as, () => `{"type":"${as}","object":${this.stateFor(as).text}}\n`);
  }

  /** Lets go of the frames: who asks later has them encoded again. */
  dropFrames(): void {
    this.#frames = undefined;
  }

  /** The same for other forms (Tables, partial metadata): `key` names form and type. */
  encoded(key: string, encode: () => string | Uint8Array): Uint8Array {
    this.#frames ??= new Map();
    let frame = this.#frames.get(key);
    if (!frame) {
      const made = encode();
      frame = typeof made === 'string' ? Buffer.from(made) : made;
      this.#frames.set(key, frame);
    }
    return frame;
  }
}

/** Called for every change, in order, in the same turn in which the cache changed. */
export type ChangeListener = (event: CacheEvent) => void;

/** How many of the latest changes are kept for watchers that come back, until they are old. */
const ringSize = 2048;

export class ResourceCache {
  readonly #objects = new Map<string, StoredObject>();
  readonly #keys = new SortedKeys();
  readonly #listeners = new Set<ChangeListener>();
  /** Keys whose values cannot be read, with why: nobody is told that there is no such object, nor shown a state of before. */
  readonly #unreadable = new Map<string, Error>();
  #events: CacheEvent[] = [];
  /** Changes up to this revision are forgotten. */
  #forgotten: number;
  #lastChange: number;

  constructor(revision: number) {
    this.#forgotten = revision;
    this.#lastChange = revision;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** The revision of the last change to this resource. */
  get lastChange(): number {
    return this.#lastChange;
  }

  /** Throws an UnreadableError for what is stored but cannot be read. */
  get(key: string): StoredObject | undefined {
    if (this.#unreadable.has(key)) throw this.#unreadable.get(key);
    return this.#objects.get(key);
  }

  /** The objects whose keys start with the prefix, in the order of keys. Throws an UnreadableError as {@link get}. */
  list(prefix: string): StoredObject[] {
    this.refuseUnreadable(prefix);
    return this.readable(prefix);
  }

  /** Throws an UnreadableError when there are keys below the prefix whose values cannot be read. */
  refuseUnreadable(prefix: string): void {
    for (const [key, error] of this.#unreadable) if (key.startsWith(prefix)) throw error;
  }

  /** As {@link list}, where each object stands for itself: what cannot be read is as it last was, or not there. */
  readable(prefix: string): StoredObject[] {
    const found: StoredObject[] = [];
    if (this.#keys.size === 0) return found;
    for (const key of this.#keys.startingWith(prefix)) found.push(this.#objects.get(key)!);
    return found;
  }

  /** The changes after a revision, or undefined when some of them are forgotten. */
  eventsAfter(revision: number): readonly CacheEvent[] | undefined {
    if (revision < this.#forgotten) return undefined;
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low);
  }

  get forgottenRevision(): number {
    return this.#forgotten;
  }

  /** The value that is stored now cannot be read: until another one is, the object is as it last was for those who watch. */
  setUnreadable(key: string, error: Error): void {
    this.#unreadable.set(key, error);
  }

  isUnreadable(key: string): boolean {
    return this.#unreadable.has(key);
  }

  /** All keys, also those whose values cannot be read. */
  get keys(): string[] {
    return [...new Set([...this.#keys.startingWith(''), ...this.#unreadable.keys()])];
  }

  /** Puts in what was there when the cache was loaded, in the order of keys. */
  load(objects: readonly StoredObject[]): void {
    for (const object of objects) this.#objects.set(object.key, object);
    this.#keys.reset(this.#objects.keys());
  }

  put(object: StoredObject): void {
    this.#unreadable.delete(object.key);
    const previous = this.#objects.get(object.key);
    if (!previous) this.#keys.add(object.key);
    this.#objects.set(object.key, object);
    this.#tell(new CacheEvent(previous ? 'MODIFIED' : 'ADDED', object, previous));
  }

  /** The key is gone as of this revision. */
  delete(key: string, revision: number): void {
    this.#unreadable.delete(key);
    const previous = this.#objects.get(key);
    if (!previous) return;
    this.#keys.delete(key);
    this.#objects.delete(key);
    this.#tell(new CacheEvent('DELETED', new StoredObject(key, previous.value, revision), previous));
  }

  /** Lets go of changes up to a revision. */
  forget(revision: number): void {
    const kept = this.#events.findIndex((event) => event.revision > revision);
    const dropped = kept < 0 ? this.#events.length : kept;
    if (dropped === 0) return;
    this.#forgotten = this.#events[dropped - 1]!.revision;
    this.#events = this.#events.slice(dropped);
  }

  /** Tells the listener of every later change, until the function returned is called. */
  subscribe(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(event: CacheEvent): void {
    this.#lastChange = event.revision;
    this.#events.push(event);
    if (this.#events.length >= 2 * ringSize) {
      this.#forgotten = this.#events[ringSize - 1]!.revision;
      this.#events = this.#events.slice(ringSize);
    }
    for (const listener of this.#listeners) listener(event);
    event.dropFrames();
    event.current.forgetTold();
  }
}
