// Makes the FlowSchemas and PriorityLevelConfigurations of a new cluster, keeps them as reconcile.ts says, and tells in every
// FlowSchema's status whether its priority level is there.
import { jsonCopy } from '../../apimachinery/json/value.ts';
import type { GroupVersionResource, KubeObject } from '../../apimachinery/object.ts';
import { isConflict, isNotFound } from '../../apimachinery/status.ts';
import { formatTime } from '../../apimachinery/time.ts';
import type { Transport } from '../../client/types.ts';
import type { Clock } from '../../system/clock.ts';
import { ownWrite } from '../own-write.ts';
import type { Registry } from '../registry/registry.ts';
import type { ResourceStore } from '../registry/resource-store.ts';
import { bootstrapFlowSchemas, bootstrapPriorityLevels, type FlowSchemaObject } from './bootstrap-objects.ts';
import { type Configuration, danglingCondition, isObsolete, reconciledConfiguration } from './reconcile.ts';

export interface ConfigurationKeeperOptions {
  readonly registry: Registry;
  /** Makes an object of the server's own, unless it is there. */
  readonly create: (resource: GroupVersionResource, object: KubeObject) => Promise<void>;
  /** For what is there, and is corrected or removed. */
  readonly transport: Transport;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** Whose fields the objects' are. */
export const configurationManager = 'api-priority-and-fairness-config-producer-v1';

const group = 'flowcontrol.apiserver.k8s.io';
/** Milliseconds after which objects are looked at again, as upstream. */
const lookEveryMs = 60_000;

export class ConfigurationKeeper {
  readonly #options: ConfigurationKeeperOptions;
  readonly #schemas: ResourceStore;
  readonly #levels: ResourceStore;
  #wake: () => void = () => {};

  constructor(options: ConfigurationKeeperOptions) {
    this.#options = options;
    this.#schemas = options.registry.coreStore('flowschemas', group);
    this.#levels = options.registry.coreStore('prioritylevelconfigurations', group);
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const wake = () => this.#wake();
    const unsubscribe = [this.#schemas.cache.subscribe(wake), this.#levels.cache.subscribe(wake)];
    signal.addEventListener('abort', wake, { once: true });
    const { clock } = this.#options;
    let nextLook = clock.monotonic();
    try {
      while (!signal.aborted) {
        // Made before the look: a change during it is not missed.
        const changed = new Promise<void>((resolve) => (this.#wake = resolve));
        if (clock.monotonic() >= nextLook) {
          await this.#attempt(() => this.#ensureAll(), signal);
          nextLook = clock.monotonic() + lookEveryMs;
        }
        await this.#attempt(() => this.#updateStatuses(), signal);
        const timer = clock.after(Math.max(nextLook - clock.monotonic(), 0), wake);
        await changed;
        timer.cancel();
      }
    } finally {
      for (const end of unsubscribe) end();
    }
  }

  async #attempt(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) this.#options.onError(error);
    }
  }

  async #ensureAll(): Promise<void> {
    const levels = new Set(bootstrapPriorityLevels.map(({ metadata }) => metadata.name));
    const now = formatTime(this.#options.clock.now());
    // With the status that they come to have at once.
    const schemas = bootstrapFlowSchemas.map((schema) => {
      const condition = danglingCondition(schema, levels, now);
      return { ...schema, status: { conditions: condition ? [condition] : [] } };
    });
    await this.#ensure(this.#levels, bootstrapPriorityLevels);
    await this.#ensure(this.#schemas, schemas);
  }

  async #ensure(store: ResourceStore, expected: readonly Configuration[]): Promise<void> {
    const { create, transport } = this.#options;
    const { resource } = store.definition;
    const pathOf = ({ metadata }: Readonly<KubeObject>) =>
      `/apis/${group}/v1/${resource}/${metadata.name}?fieldManager=${configurationManager}`;
    const present = new Map(store.objects().map((one) => [one.metadata.name, one]));
    for (const object of expected) {
      const found = present.get(object.metadata.name) as typeof object | undefined;
      const changed = found && reconciledConfiguration(found, object);
      if (!found) await create({ group, version: 'v1', resource }, object);
      else if (changed) await ownWrite(transport, { method: 'PUT', path: pathOf(object), body: changed });
    }
    for (const one of present.values()) {
      if (isObsolete(one, expected)) await ownWrite(transport, { method: 'DELETE', path: pathOf(one) });
    }
  }

  async #updateStatuses(): Promise<void> {
    const levels = new Set(this.#levels.objects().map(({ metadata }) => metadata.name));
    const now = formatTime(this.#options.clock.now());
    for (const schema of this.#schemas.objects<FlowSchemaObject>()) {
      const condition = danglingCondition(schema, levels, now);
      if (!condition) continue;
      const transform = (old: Readonly<KubeObject> | undefined) => {
        const object = jsonCopy(old) as unknown as FlowSchemaObject;
        const others = (object.status?.conditions ?? []).filter(({ type }) => type !== condition.type);
        object.status = { ...object.status, conditions: [...others, condition] };
        return object;
      };
      const { name } = schema.metadata;
      try {
        await this.#schemas.update({
          namespace: '',
          name,
          dryRun: false,
          warnings: new Set(),
          strategy: {},
          transform,
        });
      } catch (error) {
        // Deleted or changed meanwhile: the change brings it back here.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    }
  }
}
