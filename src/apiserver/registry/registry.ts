// All resources that are served, each with its store.

import type { ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import type { WatchCache } from '../watch-cache/watch-cache.ts';
import type { RegistryHooks } from './hooks.ts';
import { ResourceStore } from './resource-store.ts';

export interface RegistryOptions {
  readonly definitions: readonly ResourceDefinition[];
  readonly storage: Storage;
  readonly cache: WatchCache;
  /** By `services`, or `deployments.apps`. */
  readonly hooks: Readonly<Record<string, RegistryHooks<KubeObject>>>;
  readonly clock: Clock;
  readonly random: Random;
}

/** `services`, or `deployments.apps` outside the core group. */
export function qualifiedName({ group, resource }: { readonly group: string; readonly resource: string }): string {
  return group === '' ? resource : `${resource}.${group}`;
}

export class Registry {
  readonly #options: RegistryOptions;
  readonly #definitions = new Map<string, ResourceDefinition>();
  readonly #stores = new Map<string, ResourceStore>();

  constructor(options: RegistryOptions) {
    this.#options = options;
    for (const definition of options.definitions) {
      this.#definitions.set(`${definition.group}/${definition.version}/${definition.resource}`, definition);
    }
  }

  /** All resources, in the order of discovery. */
  get definitions(): readonly ResourceDefinition[] {
    return [...this.#definitions.values()];
  }

  find(group: string, version: string, resource: string): ResourceDefinition | undefined {
    return this.#definitions.get(`${group}/${version}/${resource}`);
  }

  hasGroupVersion(group: string, version: string): boolean {
    for (const definition of this.#definitions.values()) {
      if (definition.group === group && definition.version === version) return true;
    }
    return false;
  }

  store(definition: ResourceDefinition): ResourceStore {
    const key = `${definition.group}/${definition.version}/${definition.resource}`;
    let store = this.#stores.get(key);
    if (!store) {
      const hooks = this.#options.hooks[qualifiedName(definition)];
      store = new ResourceStore({ ...this.#options, definition, ...(hooks && { hooks }) });
      this.#stores.set(key, store);
    }
    return store;
  }

  /** The store of a resource that must be there, for the server's own use. */
  coreStore(resource: string, group = '', version = 'v1'): ResourceStore {
    const definition = this.find(group, version, resource);
    if (!definition) throw new Error(`${resource} of ${group}/${version} is not served`);
    return this.store(definition);
  }
}
