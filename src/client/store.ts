// The cache of an informer: objects by key, and by namespace once one is listed.
import { type KubeObject, objectKey } from '../apimachinery/object.ts';
import type { Lister } from './types.ts';

export class Store<T extends KubeObject> implements Lister<T> {
  readonly #objects = new Map<string, T>();
  #namespaces: Map<string, Map<string, T>> | undefined;

  get size(): number {
    return this.#objects.size;
  }

  get(name: string, namespace?: string): Readonly<T> | undefined {
    return this.#objects.get(namespace ? `${namespace}/${name}` : name);
  }

  getByKey(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string): readonly Readonly<T>[] {
    const objects = namespace ? this.#byNamespace().get(namespace) : this.#objects;
    return objects ? [...objects.values()] : [];
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  /** `key`: the object's, where it is at hand. */
  set(object: T, key = objectKey(object)): void {
    this.#objects.set(key, object);
    if (this.#namespaces) addTo(this.#namespaces, key, object);
  }

  delete(object: T): void {
    const key = objectKey(object);
    this.#objects.delete(key);
    const { namespace } = object.metadata;
    const inNamespace = namespace ? this.#namespaces?.get(namespace) : undefined;
    if (!namespace || !inNamespace) return;
    inNamespace.delete(key);
    if (inNamespace.size === 0) this.#namespaces?.delete(namespace);
  }

  #byNamespace(): ReadonlyMap<string, ReadonlyMap<string, T>> {
    if (this.#namespaces) return this.#namespaces;
    this.#namespaces = new Map();
    for (const [key, object] of this.#objects) addTo(this.#namespaces, key, object);
    return this.#namespaces;
  }
}

function addTo<T extends KubeObject>(namespaces: Map<string, Map<string, T>>, key: string, object: T): void {
  const { namespace } = object.metadata;
  if (!namespace) return;
  const inNamespace = namespaces.get(namespace) ?? new Map<string, T>();
  inNamespace.set(key, object);
  namespaces.set(namespace, inNamespace);
}
