// All resources that are served, each with its store.

import type { ResourceDefinition } from '../../api/resource.ts';
import { type KubeObject, printResource } from '../../apimachinery/object.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import type { WatchCache } from '../watch-cache/watch-cache.ts';
import type { RegistryHooks } from './hooks.ts';
import type { QuotaLedger } from './quota/ledger.ts';
import { ResourceStore } from './resource-store.ts';

export interface RegistryOptions {
  readonly definitions: readonly ResourceDefinition[];
  readonly storage: Storage;
  readonly cache: WatchCache;
  /** By `services`, or `deployments.apps`. */
  readonly hooks: Readonly<Record<string, RegistryHooks<KubeObject>>>;
  /** Absent: quotas are not kept to. */
  readonly ledger?: QuotaLedger | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

const noDefinitions: readonly ResourceDefinition[] = [];

const keyOf = ({ group, version, resource }: Pick<ResourceDefinition, 'group' | 'version' | 'resource'>): string =>
  `${group}/${version}/${resource}`;

export class Registry {
  readonly #options: RegistryOptions;
  /** By resource, since requests look here more than once each: groups and versions that share a name are few. */
  readonly #byResource = new Map<string, readonly ResourceDefinition[]>();
  readonly #stores = new Map<string, ResourceStore>();
  /** The same by definition. */
  readonly #storeOf = new WeakMap<ResourceDefinition, ResourceStore>();
  /** Resources that come and go, in the order of discovery. */
  #custom: readonly ResourceDefinition[] = [];
  #all: readonly ResourceDefinition[];
  readonly #builtInGroups: ReadonlySet<string>;
  #generation = 0;

  constructor(options: RegistryOptions) {
    this.#options = options;
    for (const definition of options.definitions) this.#add(definition);
    this.#all = options.definitions;
    this.#builtInGroups = new Set(this.#all.map(({ group }) => group));
  }

  /** All resources, in the order of discovery. */
  get definitions(): readonly ResourceDefinition[] {
    return this.#all;
  }

  /** Counts the changes of what is served. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * Sets the resources that are served beside the built-in ones, in the order of discovery; those not named any more go.
   * A definition that is named again keeps its store. Call it again when what a definition says of itself has changed.
   */
  setCustom(definitions: readonly ResourceDefinition[]): void {
    for (const old of this.#custom) {
      if (definitions.includes(old)) continue;
      this.#remove(old);
      this.#stores.delete(keyOf(old));
      this.#storeOf.delete(old);
    }
    const builtin = new Set(this.#options.definitions.map(keyOf));
    this.#custom = definitions.filter((definition) => !builtin.has(keyOf(definition)));
    for (const definition of this.#custom) this.#add(definition);
    this.#all = [...this.#options.definitions, ...this.#custom];
    this.#generation++;
  }

  find(group: string, version: string, resource: string): ResourceDefinition | undefined {
    // A write comes by here seven times, and each closure is garbage.
    for (const one of this.#byResource.get(resource) ?? noDefinitions) {
      if (one.group === group && one.version === version) return one;
    }
    return undefined;
  }

  /** Takes the place of one with the same name. */
  #add(definition: ResourceDefinition): void {
    this.#remove(definition);
    const { resource } = definition;
    this.#byResource.set(resource, [...(this.#byResource.get(resource) ?? []), definition]);
  }

  #remove(definition: ResourceDefinition): void {
    const { resource } = definition;
    const key = keyOf(definition);
    const others = (this.#byResource.get(resource) ?? []).filter((one) => keyOf(one) !== key);
    if (others.length > 0) this.#byResource.set(resource, others);
    else this.#byResource.delete(resource);
  }

  /** Whether a group has built-in resources: upstream, the others have no routes of their own. */
  hasBuiltInGroup(group: string): boolean {
    return this.#builtInGroups.has(group);
  }

  store(definition: ResourceDefinition): ResourceStore {
    const known = this.#storeOf.get(definition);
    if (known) return known;
    const key = keyOf(definition);
    let store = this.#stores.get(key);
    if (!store) {
      const hooks = this.#options.hooks[printResource(definition)];
      store = new ResourceStore({ ...this.#options, definition, ...(hooks && { hooks }) });
      this.#stores.set(key, store);
    }
    this.#storeOf.set(definition, store);
    return store;
  }

  /** The store of a resource that must be there, for the server's own use. */
  coreStore(resource: string, group = '', version = 'v1'): ResourceStore {
    const definition = this.find(group, version, resource);
    if (!definition) throw new Error(`${resource} of ${group}/${version} is not served`);
    return this.store(definition);
  }
}
