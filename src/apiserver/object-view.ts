// Quick looks at present objects from inside the API server: authentication, authorization and the proxies ask without
// waiting and without copies.
import type { GroupResource, KubeObject } from '../apimachinery/object.ts';
import { resourcePrefix } from '../storage/registry-keys.ts';
import type { ResourceCache } from './watch-cache/resource-cache.ts';
import type { WatchCache } from './watch-cache/watch-cache.ts';

/** Objects are shared and must not be changed. */
export interface ObjectView {
  /** `namespace` is empty for cluster-scoped resources. */
  get<T extends KubeObject>(resource: GroupResource, namespace: string, name: string): Readonly<T> | undefined;
  /** All, or those of one namespace. What cannot be read is left out: a role that somebody spoilt grants nothing, and the others do. */
  list<T extends KubeObject>(resource: GroupResource, namespace?: string): readonly Readonly<T>[];
  /** The revision of the resource's last change: what was worked out from its objects stands until this moves. */
  lastChange(resource: GroupResource): number;
  /** Resolves when the view shows all writes that were acknowledged before the call. */
  caughtUp(): Promise<void>;
}

/** The view that the watch cache gives; as the cache, it is a moment behind the last write until `caughtUp`. */
export class CacheObjectView implements ObjectView {
  readonly #cache: WatchCache;
  /** Whose last changes every request asks for. */
  readonly #askedFor = new WeakMap<GroupResource, ResourceCache>();

  constructor(cache: WatchCache) {
    this.#cache = cache;
  }

  get<T extends KubeObject>(resource: GroupResource, namespace: string, name: string): Readonly<T> | undefined {
    const prefix = resourcePrefix(resource);
    const stored = this.#cache.resource(prefix).get(`${prefix}${namespace && `${namespace}/`}${name}`);
    return stored?.object as Readonly<T> | undefined;
  }

  list<T extends KubeObject>(resource: GroupResource, namespace = ''): readonly Readonly<T>[] {
    const prefix = resourcePrefix(resource);
    const stored = this.#cache.resource(prefix).readable(`${prefix}${namespace && `${namespace}/`}`);
    return stored.map((item) => item.object as Readonly<T>);
  }

  lastChange(resource: GroupResource): number {
    let cache = this.#askedFor.get(resource);
    if (!cache) {
      cache = this.#cache.resource(resourcePrefix(resource));
      this.#askedFor.set(resource, cache);
    }
    return cache.lastChange;
  }

  async caughtUp(): Promise<void> {
    await this.#cache.waitForNow();
  }
}
