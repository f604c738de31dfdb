// Stored objects as one resource serves them. Most resources serve what is stored as it is; one with a form of storage
// of its own (another version of a kind, a custom resource) has each object converted once, for all who read it.
import type { ResourceDefinition, StorageForm } from '../../api/resource.ts';
import type { Later } from '../../apimachinery/later.ts';
import { CacheEvent } from '../watch-cache/resource-cache.ts';
import { encodeForStorage, StoredObject } from '../watch-cache/stored-object.ts';

export class ServedForms {
  readonly #definition: ResourceDefinition;
  /** Another form of storage (a changed schema) makes everything anew. */
  #form: StorageForm | undefined;
  #objects = new WeakMap<StoredObject, Later<StoredObject>>();
  #events = new WeakMap<CacheEvent, Later<CacheEvent>>();

  constructor(definition: ResourceDefinition) {
    this.#definition = definition;
  }

  one(stored: StoredObject): Later<StoredObject> {
    if (!this.#converts()) return stored;
    const known = this.#objects.get(stored);
    if (known) return known;
    const all = this.all([stored]);
    return all instanceof Promise ? all.then(([served]) => served!) : all[0]!;
  }

  /** What is not known yet is converted together. */
  all(stored: readonly StoredObject[]): Later<readonly StoredObject[]> {
    if (!this.#converts()) return stored;
    const unknown = stored.filter((one) => !this.#objects.has(one));
    if (unknown.length > 0) this.#convert(unknown);
    const served = stored.map((one) => this.#objects.get(one)!);
    return served.some((one) => one instanceof Promise) ? Promise.all(served) : (served as StoredObject[]);
  }

  event(event: CacheEvent): Later<CacheEvent> {
    if (!this.#converts()) return event;
    const known = this.#events.get(event);
    if (known) return known;
    const { current, previous } = event;
    const states = this.all(previous ? [current, previous] : [current]);
    const shown = (objects: readonly StoredObject[]) => shownEvent(event, objects);
    const served = states instanceof Promise ? states.then(shown) : shown(states);
    const events = this.#events;
    events.set(event, served);
    // As of objects: who comes back tries again.
    if (served instanceof Promise) served.catch(() => events.delete(event));
    return served;
  }

  #converts(): boolean {
    const { storage } = this.#definition;
    if (storage !== this.#form) {
      this.#form = storage;
      this.#objects = new WeakMap();
      this.#events = new WeakMap();
    }
    return storage?.fromStorage !== undefined;
  }

  #convert(stored: readonly StoredObject[]): void {
    const objects = this.#objects;
    const keep = (one: StoredObject, served: StoredObject) => {
      objects.set(one, served);
      // Who was served an object and comes back with it gets the same.
      objects.set(served, served);
      return served;
    };
    const converted = this.#form!.fromStorage!(stored.map((one) => one.copy()));
    if (!(converted instanceof Promise)) {
      for (const [i, one] of stored.entries()) keep(one, servedObject(one, converted[i]!));
      return;
    }
    for (const [i, one] of stored.entries()) {
      const served = converted.then((list) => keep(one, servedObject(one, list[i]!)));
      objects.set(one, served);
      // A failure is told to those who asked; the next one tries again.
      served.catch(() => objects.delete(one));
    }
  }
}

function servedObject(stored: StoredObject, object: Parameters<typeof encodeForStorage>[0]): StoredObject {
  const value = encodeForStorage(object);
  return value === stored.value ? stored : new StoredObject(stored.key, value, stored.revision);
}

function shownEvent(event: CacheEvent, [current, previous]: readonly StoredObject[]): CacheEvent {
  if (current === event.current && previous === event.previous) return event;
  const shown = new CacheEvent(event.type, current!, previous);
  // Frames are shared by the watchers of this moment only, as those of the event itself are.
  queueMicrotask(() => shown.dropFrames());
  return shown;
}
