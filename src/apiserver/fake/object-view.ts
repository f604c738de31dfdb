// A view of objects that a test gives, in place of the watch cache's.
import type { GroupResource, KubeObject } from '../../apimachinery/object.ts';
import type { ObjectView } from '../object-view.ts';

export class FixedObjectView implements ObjectView {
  readonly #objects = new Map<string, KubeObject[]>();
  #changes = 1;

  set({ group, resource }: GroupResource, objects: readonly KubeObject[]): this {
    this.#objects.set(`${group}/${resource}`, [...objects]);
    this.#changes++;
    return this;
  }

  get<T extends KubeObject>(resource: GroupResource, namespace: string, name: string): Readonly<T> | undefined {
    return this.list<T>(resource).find(
      ({ metadata }) => metadata.name === name && (metadata.namespace ?? '') === namespace,
    );
  }

  list<T extends KubeObject>({ group, resource }: GroupResource, namespace = ''): readonly Readonly<T>[] {
    const all = (this.#objects.get(`${group}/${resource}`) ?? []) as unknown as Readonly<T>[];
    return namespace === '' ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  lastChange(): number {
    return this.#changes;
  }

  async caughtUp(): Promise<void> {}
}
