// Remembers what a controller wrote until its cache has seen it, so that it never acts twice on a stale view.
import type { KubeObject } from '../../apimachinery/object.ts';
import type { Informer } from '../../client/types.ts';
import type { Clock } from '../../system/clock.ts';

/** As upstream's expectations: after 5 minutes the cache is believed again. */
const timeout = 300_000;

interface Write {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly uid: string | undefined;
  /** Absent for a delete. */
  readonly version: bigint | undefined;
  readonly since: number;
}

/** The writes of one controller to one resource, by the key of the object they were made for. */
export class WriteTracker<T extends KubeObject> {
  readonly #informer: Informer<T>;
  readonly #clock: Clock;
  readonly #writes = new Map<string, Write[]>();
  /** The newest version that the cache has seen of any object; versions count up over all. */
  #latest = 0n;
  #sweptAt: number;

  constructor(informer: Informer<T>, clock: Clock) {
    this.#informer = informer;
    this.#clock = clock;
    this.#sweptAt = clock.monotonic();
    const see = (object: Readonly<T>) => {
      const version = versionOf(object);
      if (version > this.#latest) this.#latest = version;
    };
    informer.addHandler({ added: see, updated: see, deleted: see });
  }

  /** The server answered a create or update with `object`. */
  wrote(owner: string, object: T): void {
    this.#add(owner, object, versionOf(object));
  }

  /** The server accepted the deletion of `object`. */
  deleted(owner: string, object: Readonly<T>): void {
    this.#add(owner, object, undefined);
  }

  /** Are there writes for `owner` that the cache has not seen? */
  pending(owner: string): boolean {
    const writes = this.#writes.get(owner)?.filter((write) => !this.#seen(write));
    if (writes && writes.length > 0) {
      this.#writes.set(owner, writes);
      return true;
    }
    this.#writes.delete(owner);
    return false;
  }

  #add(owner: string, object: Readonly<T>, version: bigint | undefined): void {
    const { name, namespace, uid } = object.metadata;
    const since = this.#clock.monotonic();
    if (since - this.#sweptAt > timeout) this.#sweep(since);
    const write = { name, namespace, uid, version, since };
    if (this.#seen(write)) return;
    this.#writes.set(owner, [...(this.#writes.get(owner) ?? []), write]);
  }

  /** Nobody asks again about an owner that was deleted right after a write. */
  #sweep(now: number): void {
    this.#sweptAt = now;
    for (const owner of this.#writes.keys()) this.pending(owner);
  }

  #seen(write: Write): boolean {
    if (this.#clock.monotonic() - write.since > timeout) return true;
    const cached = this.#informer.lister.get(write.name, write.namespace);
    const same = cached?.metadata.uid === write.uid ? cached : undefined;
    if (write.version === undefined) return !same || same.metadata.deletionTimestamp !== undefined;
    return write.version <= this.#latest || (same !== undefined && versionOf(same) >= write.version);
  }
}

function versionOf(object: KubeObject): bigint {
  const text = object.metadata.resourceVersion ?? '';
  return /^\d+$/.test(text) ? BigInt(text) : 0n;
}
