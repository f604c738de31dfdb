// The cache of an informer: objects by namespace and name.
import type { KubeObject } from '../apimachinery/object.ts';
import type { Lister } from './types.ts';

export class Store<T extends KubeObject> implements Lister<T> {
  /** None is empty; those of the cluster are under ''. Names are kept as they are: making keys would cost more than finding them. */
  readonly #namespaces = new Map<string, Map<string, T>>();

  get(name: string, namespace = ''): Readonly<T> | undefined {
    return this.#namespaces.get(namespace)?.get(name);
  }

  /** The one that is kept under the object's namespace and name. */
  known({ metadata }: T): T | undefined {
    return this.#namespaces.get(metadata.namespace ?? '')?.get(metadata.name);
  }

  list(namespace?: string): readonly Readonly<T>[] {
    if (namespace) return [...(this.#namespaces.get(namespace)?.values() ?? [])];
    return [...this.#namespaces.values()].flatMap((objects) => [...objects.values()]);
  }

  set(object: T): void {
    const { namespace = '', name } = object.metadata;
    let objects = this.#namespaces.get(namespace);
    if (!objects) {
      objects = new Map();
      this.#namespaces.set(namespace, objects);
    }
    objects.set(name, object);
  }

  delete({ metadata }: T): void {
    const { namespace = '', name } = metadata;
    const objects = this.#namespaces.get(namespace);
    objects?.delete(name);
    if (objects?.size === 0) this.#namespaces.delete(namespace);
  }
}
