// The cache of an informer: objects by key, with the keys of each namespace.
import { type KubeObject, objectKey } from '../apimachinery/object.ts';
import type { Lister } from './types.ts';

export class Store<T extends KubeObject> implements Lister<T> {
  readonly #objects = new Map<string, T>();
  readonly #namespaces = new Map<string, Map<string, T>>();

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
    const objects = namespace ? this.#namespaces.get(namespace) : this.#objects;
    return objects ? [...objects.values()] : [];
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  set(object: T): void {
    const key = objectKey(object);
    this.#objects.set(key, object);
    const { namespace } = object.metadata;
    if (!namespace) return;
    const inNamespace = this.#namespaces.get(namespace) ?? new Map<string, T>();
    inNamespace.set(key, object);
    this.#namespaces.set(namespace, inNamespace);
  }

  delete(object: T): void {
    const key = objectKey(object);
    this.#objects.delete(key);
    const { namespace } = object.metadata;
    const inNamespace = namespace ? this.#namespaces.get(namespace) : undefined;
    if (!namespace || !inNamespace) return;
    inNamespace.delete(key);
    if (inNamespace.size === 0) this.#namespaces.delete(namespace);
  }
}
