// Follows the CustomResourceDefinitions in the watch cache: what is established is served in the same turn in which the
// cache shows it; what status says, and what is deleted, is decided one definition after the other.
import {
  findCondition,
  isConditionTrue,
  withCondition,
} from '../../api/apiextensions/v1/custom-resource-definition/conditions.ts';
import type { CustomResourceDefinition } from '../../api/apiextensions/v1/types.generated.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { Schemas } from '../../api/schema.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { recordUpdate, type Writer } from '../../apimachinery/managedfields/record-update.ts';
import { oneVersion } from '../../apimachinery/managedfields/versions.ts';
import { apiVersionOf } from '../../apimachinery/object.ts';
import { isConflict, isNotFound } from '../../apimachinery/status.ts';
import { formatTime } from '../../apimachinery/time.ts';
import type { Clock, Timer } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { ownFieldsOf } from '../handlers/own-fields.ts';
import type { Registry } from '../registry/registry.ts';
import type { ResourceStore } from '../registry/resource-store.ts';
import type { WatchCache } from '../watch-cache/watch-cache.ts';
import {
  deletionCompleted,
  deletionFailed,
  deletionInProgress,
  deletionPending,
  neverEstablished,
  nextStatus,
} from './next-status.ts';
import { byDiscovery, type ReviewSender, ServedSet } from './served-set.ts';
import { cleanupFinalizer } from './terminate.ts';

export interface CustomResourcesOptions {
  readonly registry: Registry;
  readonly cache: WatchCache;
  readonly schemas: Schemas;
  readonly clock: Clock;
  readonly random: Random;
  /** How conversion webhooks are called. */
  readonly reviewSender: ReviewSender;
  readonly onError: (error: unknown) => void;
}

/** Who changes the status of definitions, in their managedFields. */
const manager = 'apiextensions-apiserver';

/** Milliseconds until what failed is tried again: twice as long each time. */
const firstRetry = 1000;
const longestRetry = 300_000;

export class CustomResources {
  readonly #options: CustomResourcesOptions;
  readonly #store: ResourceStore;
  readonly #served: ServedSet;
  /** Names of definitions to look at, each once. */
  readonly #queue = new Set<string>();
  #wake: () => void = () => {};
  /** Ends the watching of instances whose definition goes, by the definition's name. */
  readonly #watched = new Map<string, () => void>();
  /** What failed, until it succeeds. */
  readonly #failures = new Map<string, { readonly wait: number; readonly timer: Timer; isDue: boolean }>();

  constructor(options: CustomResourcesOptions) {
    this.#options = options;
    this.#store = options.registry.coreStore('customresourcedefinitions', 'apiextensions.k8s.io');
    this.#served = new ServedSet(options);
  }

  /** Serves what is stored. After the cache is loaded, before the first request. */
  load(): void {
    this.#serve();
  }

  /** Keeps what is served and said of it in step with the definitions, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = this.#store.cache.subscribe(({ current }) => {
      try {
        this.#changed(current.object as unknown as Readonly<CustomResourceDefinition>);
      } catch (error) {
        // Of one that somebody spoilt in storage: the cache goes on, and all who follow it.
        this.#options.onError(error);
      }
    });
    for (const { metadata } of this.#definitions()) this.#enqueue(metadata.name);
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    try {
      while (!signal.aborted) {
        const [name] = this.#queue;
        if (name === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
        else await this.#attend(name, signal);
      }
    } finally {
      stop();
      for (const end of this.#watched.values()) end();
      for (const { timer } of this.#failures.values()) timer.cancel();
    }
  }

  #changed(crd: Readonly<CustomResourceDefinition>): void {
    this.#serve();
    this.#enqueue(crd.metadata.name);
    // A name that was freed may be what others of the group wait for.
    for (const other of this.#inGroup(crd)) {
      if (!isConditionTrue(other, 'NamesAccepted')) this.#enqueue(other.metadata.name);
    }
  }

  #definitions(): readonly Readonly<CustomResourceDefinition>[] {
    return this.#store.objects<CustomResourceDefinition>();
  }

  /** The other definitions of a definition's group. */
  #inGroup({ metadata, spec }: Readonly<CustomResourceDefinition>): CustomResourceDefinition[] {
    return this.#definitions().filter(
      (other) => other.spec.group === spec.group && other.metadata.name !== metadata.name,
    );
  }

  #find(name: string): Readonly<CustomResourceDefinition> | undefined {
    const { cache } = this.#store;
    return cache.get(this.#store.key('', name))?.object as unknown as Readonly<CustomResourceDefinition> | undefined;
  }

  #serve(): void {
    const established = this.#definitions().filter((crd) => isEstablished(crd));
    const definitions = this.#served.update(established);
    if (definitions) this.#options.registry.setCustom([...definitions].sort(byDiscovery));
  }

  #enqueue(name: string): void {
    this.#queue.add(name);
    this.#wake();
  }

  async #attend(name: string, signal: AbortSignal): Promise<void> {
    this.#queue.delete(name);
    try {
      const crd = this.#find(name);
      if (!crd) this.#forget(name);
      else if (!crd.metadata.finalizers?.includes(cleanupFinalizer)) await this.#updateStatus(crd);
      // That it failed is written too, and must not be what brings it back here.
      else if (this.#failures.get(name)?.isDue !== false) await this.#finalize(crd);
      else return;
      this.#succeeded(name);
    } catch (error) {
      // Deleted or changed meanwhile: the change brings it back here.
      if (isNotFound(error) || isConflict(error) || signal.aborted) return;
      this.#options.onError(error);
      this.#failed(name);
    }
  }

  #succeeded(name: string): void {
    this.#failures.get(name)?.timer.cancel();
    this.#failures.delete(name);
  }

  #failed(name: string): void {
    const before = this.#failures.get(name);
    before?.timer.cancel();
    const wait = before ? Math.min(2 * before.wait, longestRetry) : firstRetry;
    const timer = this.#options.clock.after(wait, () => {
      failure.isDue = true;
      this.#enqueue(name);
    });
    const failure = { wait, timer, isDue: false };
    this.#failures.set(name, failure);
  }

  #forget(name: string): void {
    this.#watched.get(name)?.();
    this.#watched.delete(name);
  }

  async #updateStatus(crd: Readonly<CustomResourceDefinition>): Promise<void> {
    const { name } = crd.metadata;
    const now = formatTime(this.#options.clock.now());
    const status = nextStatus(crd, this.#inGroup(crd), now);
    if (!status) return;
    await this.#write(name, (present) => {
      present.status = { ...present.status, ...status, storedVersions: present.status?.storedVersions ?? [] };
    });
  }

  /** Writes the status of a definition as the server's own: nothing of it is prepared or validated. */
  async #write(name: string, change: (crd: CustomResourceDefinition) => void): Promise<void> {
    const { definition } = this.#store;
    const schema = this.#options.schemas.schemaOf(definition);
    if (!schema) throw new Error(`the tables of facts do not have ${definition.kind}`);
    const writer: Writer = {
      manager,
      apiVersion: apiVersionOf(definition),
      subresource: 'status',
      time: formatTime(this.#options.clock.now()),
      versions: oneVersion({ schema, own: ownFieldsOf(definition, 'status') }),
    };
    await this.#store.update({
      namespace: '',
      name,
      dryRun: false,
      warnings: new Set(),
      strategy: {},
      transform(old) {
        const object = jsonCopy(old) as unknown as CustomResourceDefinition;
        change(object);
        const managedFields = recordUpdate({ ...writer, old, new: object });
        if (managedFields) object.metadata.managedFields = managedFields;
        return object;
      },
    });
  }

  /** Deletes the instances of a definition that goes; when there are none any more its finalizer is taken. */
  async #finalize(crd: Readonly<CustomResourceDefinition>): Promise<void> {
    const { name } = crd.metadata;
    if (findCondition(crd, 'Terminating')?.reason === deletionPending.reason) {
      await this.#write(name, (present) => this.#setTerminating(present, deletionInProgress));
      return;
    }
    const definition = this.#served.storageDefinition(name);
    if (definition) {
      this.#watchInstances(name, definition);
      await this.#deleteInstances(definition).catch(async (error: unknown) => {
        const failed = deletionFailed(errorMessage(error));
        await this.#write(name, (present) => this.#setTerminating(present, failed));
        throw error;
      });
      const store = this.#options.registry.store(definition);
      if (store.cache.list(store.prefix).length > 0) return;
    }
    await this.#write(name, (present) => {
      present.metadata.finalizers = (present.metadata.finalizers ?? []).filter((one) => one !== cleanupFinalizer);
      this.#setTerminating(present, definition ? deletionCompleted : neverEstablished);
    });
  }

  #setTerminating(crd: CustomResourceDefinition, condition: Parameters<typeof withCondition>[1]): void {
    const now = formatTime(this.#options.clock.now());
    const status = crd.status ?? { storedVersions: [] };
    crd.status = { ...status, conditions: withCondition(status.conditions ?? [], condition, now) };
  }

  /** Instances with finalizers of their own go later: each that goes brings its definition back here. */
  #watchInstances(name: string, definition: ResourceDefinition): void {
    if (this.#watched.has(name)) return;
    const { cache } = this.#options.registry.store(definition);
    this.#watched.set(
      name,
      cache.subscribe((event) => {
        if (event.type === 'DELETED') this.#enqueue(name);
      }),
    );
  }

  async #deleteInstances(definition: ResourceDefinition): Promise<void> {
    const store = this.#options.registry.store(definition);
    for (const { object } of store.cache.list(store.prefix)) {
      const { name, namespace = '', deletionTimestamp } = object.metadata;
      if (deletionTimestamp !== undefined) continue;
      try {
        await store.delete({ namespace, name, options: {}, dryRun: false });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }
}

/** One whose conditions somebody spoilt in storage is not. */
function isEstablished(crd: Readonly<CustomResourceDefinition>): boolean {
  try {
    return isConditionTrue(crd, 'Established');
  } catch {
    return false;
  }
}
