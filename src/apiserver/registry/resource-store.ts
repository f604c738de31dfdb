// The generic registry: reads and writes the objects of one resource. The kind's strategy says what is right, its hooks
// what else is written; this says in which order, and makes each write one storage transaction.

import type { ResourceDefinition } from '../../api/resource.ts';
import { parseExactly } from '../../apimachinery/json/int64.ts';
import { jsonCopy, jsonEqual } from '../../apimachinery/json/value.ts';
import { andThen, type Later } from '../../apimachinery/later.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { alreadyExists, badRequest, internalError, invalid, notFound } from '../../apimachinery/status.ts';
import { formatTime } from '../../apimachinery/time.ts';
import type { FieldError } from '../../apimachinery/validation/field-error.ts';
import { pathSegment } from '../../apimachinery/validation/names.ts';
import { resourcePrefix } from '../../storage/registry-keys.ts';
import type { KeyValue, RangeRequest, RangeResult, Storage, TransactionResult } from '../../storage/storage.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import type { CacheEvent, ResourceCache } from '../watch-cache/resource-cache.ts';
import { encodeForStorage, StoredObject } from '../watch-cache/stored-object.ts';
import type { WatchCache } from '../watch-cache/watch-cache.ts';
import { isRemovedByUpdate, planDeletion } from './deletion.ts';
import { type Companions, noCompanions, type RegistryHooks } from './hooks.ts';
import { fillSystemMetadata, generatedName, keepSystemMetadata, refuseResourceVersion } from './metadata.ts';
import { checkPreconditions, checkPresentVersion } from './preconditions.ts';
import type { LedgerEntry, QuotaLedger } from './quota/ledger.ts';
import { ServedForms } from './served-forms.ts';
import type { CreateRequest, DeleteRequest, UpdateRequest, WriteContext } from './write-request.ts';

/** How often a write is tried again when other writes come between. */
const attempts = 50;
const nameAttempts = 8;

export interface StoreOptions {
  readonly definition: ResourceDefinition;
  readonly storage: Storage;
  readonly cache: WatchCache;
  readonly hooks?: RegistryHooks<KubeObject>;
  /** Absent: quotas are not kept to. */
  readonly ledger?: QuotaLedger | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

export interface UpdateResult {
  readonly object: StoredObject;
  readonly created: boolean;
}

interface PutOptions {
  /** What is written along. */
  readonly companions: Companions;
  readonly charges: Companions;
  readonly dryRun: boolean;
}

type RefusedTransaction = Extract<TransactionResult, { readonly succeeded: false }>;

export class ResourceStore {
  readonly definition: ResourceDefinition;
  readonly prefix: string;
  readonly #storage: Storage;
  readonly #watchCache: WatchCache;
  readonly #hooks: RegistryHooks<KubeObject>;
  readonly #ledger: QuotaLedger | undefined;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #forms: ServedForms;

  constructor({ definition, storage, cache, hooks = {}, ledger, clock, random }: StoreOptions) {
    this.definition = definition;
    this.prefix = resourcePrefix(definition.storage ?? definition);
    this.#forms = new ServedForms(definition);
    this.#storage = storage;
    this.#watchCache = cache;
    this.#hooks = hooks;
    this.#ledger = ledger;
    this.#clock = clock;
    this.#random = random;
  }

  get cache(): ResourceCache {
    return this.#watchCache.resource(this.prefix);
  }

  /** What all keys of a namespace start with; of all namespaces when it is empty. */
  prefixOf(namespace: string): string {
    return namespace === '' ? this.prefix : `${this.prefix}${namespace}/`;
  }

  /** The objects of a namespace, or all, as the cache has them now: shared, not to be changed. */
  objects<T = KubeObject>(namespace = ''): Readonly<T>[] {
    return this.cache.list(this.prefixOf(namespace)).map(({ object }) => object as Readonly<T>);
  }

  key(namespace: string, name: string): string {
    return this.definition.namespaced ? `${this.prefix}${namespace}/${name}` : this.prefix + name;
  }

  /** The object as the last acknowledged write left it; 404 when there is none. */
  async get(namespace: string, name: string): Promise<StoredObject> {
    await this.#watchCache.waitForNow();
    return this.served(this.#cached(namespace, name));
  }

  /** A stored object as this resource serves it: itself, unless the definition has a form of storage of its own. */
  served(stored: StoredObject): Later<StoredObject> {
    return this.#forms.one(stored);
  }

  /** The same for many, in one conversion where one is needed. */
  servedAll(stored: readonly StoredObject[]): Later<readonly StoredObject[]> {
    return this.#forms.all(stored);
  }

  /** The same for a change that watchers are told of. */
  servedEvent(event: CacheEvent): Later<CacheEvent> {
    return this.#forms.event(event);
  }

  /** The objects below a prefix as they were at a revision. */
  async rangeAt(request: RangeRequest): Promise<RangeResult> {
    this.cache.refuseUnreadable(request.prefix);
    return this.#storage.range(request);
  }

  #cached(namespace: string, name: string): StoredObject {
    const found = this.cache.get(this.key(namespace, name));
    if (!found) throw this.#missing(name);
    return found;
  }

  /** 404, or 400 for what can be no name: nothing is stored under one. */
  #missing(name: string): Error {
    const wrong = pathSegment(name);
    if (wrong.length === 0) return notFound(this.definition, name);
    return badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${wrong.join(';')}`);
  }

  async create(request: CreateRequest): Promise<StoredObject> {
    if (this.definition.load) await this.definition.load();
    for (let attempt = 0; attempt < attempts; attempt++) {
      const made = request.make();
      const object = made instanceof Promise ? await made : made;
      const isGenerated = !object.metadata.name && Boolean(object.metadata.generateName);
      const done = await this.#tryCreate(object, request);
      if (done instanceof StoredObject) return done;
      if (done === 'exists' && !(isGenerated && attempt < nameAttempts)) {
        const { name, namespace = '' } = object.metadata;
        const present = this.cache.get(this.key(namespace, name));
        throw alreadyExists(this.definition, name, { isDeleting: present?.metadata.deletionTimestamp !== undefined });
      }
    }
    throw tooManyConflicts();
  }

  #tryCreate(object: KubeObject, context: WriteContext): Later<StoredObject | 'exists' | 'again'> {
    refuseResourceVersion(object);
    const { metadata } = object;
    if (!metadata.name && metadata.generateName) metadata.name = generatedName(metadata.generateName, this.#random);
    // The rules of kinds count on a text; that it is empty is for them to refuse.
    metadata.name ??= '';
    fillSystemMetadata(object, formatTime(this.#clock.now()), this.#random.uuid());
    const beginning = this.#hooks.beginCreate?.(object, context) ?? noCompanions;
    return andThen(beginning, (companions) => {
      this.#prepareNew(object, context);
      return andThen(context.check?.(object), () =>
        this.#settle({ definition: this.definition, object, old: undefined }, (charges) =>
          this.#putNew(object, { companions, charges, dryRun: context.dryRun }),
        ),
      );
    });
  }

  #prepareNew(object: KubeObject, { warnings }: WriteContext): void {
    const { strategy } = this.definition;
    strategy.prepareForCreate?.(object, (text) => warnings.add(text));
    this.#refuse(object, strategy.validate?.(object) ?? []);
    for (const text of strategy.warnings?.(object) ?? []) warnings.add(text);
  }

  #settle<T>(entry: LedgerEntry, write: (charges: Companions) => Promise<T>): Promise<T> {
    return this.#ledger ? this.#ledger.settle(entry, write) : write(noCompanions);
  }

  async #putNew(
    object: KubeObject,
    { companions, charges, dryRun }: PutOptions,
  ): Promise<StoredObject | 'exists' | 'again'> {
    const key = this.key(object.metadata.namespace ?? '', object.metadata.name);
    const encoded = this.#encoded(object);
    const value = encoded instanceof Promise ? await encoded : encoded;
    if (dryRun) {
      await this.#watchCache.waitForNow();
      return this.cache.get(key) ? 'exists' : this.served(new StoredObject(key, value, 0));
    }
    // A form of storage may have other metadata.
    const write = this.definition.storage?.toStorage ? undefined : { value, metadata: object.metadata };
    if (write) this.#watchCache.expect(key, write);
    try {
      const result = await this.#storage.transact({
        compare: [{ key, modRevision: 0 }, ...companions.compare, ...charges.compare],
        operations: [{ type: 'put', key, value }, ...companions.operations, ...charges.operations],
      });
      if (result.succeeded) return await this.#written(key, value, result);
      return this.#notNew(result, [companions, charges]);
    } finally {
      if (write) this.#watchCache.forgetExpected(key, write);
    }
  }

  #notNew({ current }: RefusedTransaction, companions: readonly Companions[]): 'exists' | 'again' {
    tellRefused(companions, current.slice(1));
    return current[0] ? 'exists' : 'again';
  }

  async update(request: UpdateRequest): Promise<UpdateResult> {
    const { namespace, name } = request;
    const key = this.key(namespace, name);
    await Promise.all([this.definition.load?.(), this.#watchCache.waitForNow()]);
    for (let attempt = 0; attempt < attempts; attempt++) {
      const old = this.cache.get(key);
      if (!old) {
        if (!request.mayCreate || pathSegment(name).length > 0) throw this.#missing(name);
        const make = async () => {
          const object = await request.transform(undefined);
          // Of an object that is gone: what brings it back says nothing of the one that it becomes.
          delete object.metadata.resourceVersion;
          return object;
        };
        return { object: await this.create({ ...request, make }), created: true };
      }
      const updated = await this.#tryUpdate(old, request);
      if (updated) return { object: updated, created: false };
      await this.#watchCache.waitForNow();
    }
    throw tooManyConflicts();
  }

  /** Undefined: another write came between. */
  async #tryUpdate(old: StoredObject, request: UpdateRequest): Promise<StoredObject | undefined> {
    const { strategy, warnings } = request;
    const served = await this.served(old);
    const object = await request.transform(served.object);
    checkPresentVersion(this.definition, object, old);
    keepSystemMetadata(object, served.object);
    // A write to a subresource changes nothing that hooks look after.
    const hooks = strategy === this.definition.strategy ? this.#hooks : {};
    const companions = (await hooks.beginUpdate?.(object, served.object, request)) ?? noCompanions;
    strategy.prepareForUpdate?.(object, served.object);
    const warn = (text: string) => warnings.add(text);
    this.#refuse(served.object, strategy.validateUpdate?.(object, served.object, warn) ?? []);
    for (const text of strategy.warnings?.(object, served.object) ?? []) warnings.add(text);
    await request.check?.(object, served.object);
    if (this.#isRemovedByUpdate(object)) return this.#remove(old, object, request);
    const value = await this.#encoded(object);
    if (isUnchanged(value, old) && !this.#storage.isStale?.(old.key)) return served;
    return this.#settle({ definition: this.definition, object, old: served.object }, async (charges) => {
      if (request.dryRun) return this.served(new StoredObject(old.key, value, old.revision));
      const result = await this.#storage.transact({
        compare: [{ key: old.key, modRevision: old.revision }, ...companions.compare, ...charges.compare],
        operations: [{ type: 'put', key: old.key, value }, ...companions.operations, ...charges.operations],
      });
      if (!result.succeeded) tellRefused([companions], result.current.slice(1));
      return result.succeeded ? this.#written(old.key, value, result) : undefined;
    });
  }

  #isRemovedByUpdate(object: KubeObject): boolean {
    if (!isRemovedByUpdate(object)) return false;
    // Namespaces have finalizers of their own kind in their spec.
    const spec = (object as { spec?: { finalizers?: readonly string[] } }).spec;
    return this.definition.resource !== 'namespaces' || (spec?.finalizers?.length ?? 0) === 0;
  }

  /** Deletes or marks for deletion. The object returned is the last state; `removed` tells whether it is gone. */
  async delete(request: DeleteRequest): Promise<{ readonly object: StoredObject; readonly removed: boolean }> {
    await this.#watchCache.waitForNow();
    for (let attempt = 0; attempt < attempts; attempt++) {
      const old = this.#cached(request.namespace, request.name);
      const done = await this.#tryDelete(old, request);
      if (done) return done;
      await this.#watchCache.waitForNow();
    }
    throw tooManyConflicts();
  }

  async #tryDelete(
    old: StoredObject,
    request: DeleteRequest,
  ): Promise<{ readonly object: StoredObject; readonly removed: boolean } | undefined> {
    const { options } = request;
    const served = await this.served(old);
    checkPreconditions(this.definition, served, options);
    await request.check?.(served.object);
    const plan = planDeletion({
      object: served.copy(),
      options,
      gracePeriodSeconds: this.definition.gracePeriodSeconds?.(served.object),
      orphansByDefault: this.definition.orphansByDefault !== undefined,
      now: this.#clock.now(),
    });
    const decided = request.adjust?.(plan, served.object) ?? plan;
    if (decided.type === 'wait') return { object: served, removed: false };
    if (decided.type === 'remove') {
      const object = await this.#remove(old, undefined, request);
      return object && { object, removed: true };
    }
    const value = await this.#encoded(decided.object);
    if (request.dryRun) {
      return { object: await this.served(new StoredObject(old.key, value, old.revision)), removed: false };
    }
    const result = await this.#storage.transact({
      compare: [{ key: old.key, modRevision: old.revision }],
      operations: [{ type: 'put', key: old.key, value }],
    });
    return result.succeeded ? { object: await this.#written(old.key, value, result), removed: false } : undefined;
  }

  async #remove(
    old: StoredObject,
    last: KubeObject | undefined,
    context: { readonly dryRun: boolean },
  ): Promise<StoredObject | undefined> {
    const object = last ?? (await this.served(old)).object;
    const value = last ? await this.#encoded(last) : old.value;
    const companions = (await this.#hooks.beginDelete?.(object, context)) ?? noCompanions;
    if (context.dryRun) return this.served(new StoredObject(old.key, value, old.revision));
    const result = await this.#storage.transact({
      compare: [{ key: old.key, modRevision: old.revision }, ...companions.compare],
      operations: [{ type: 'delete', key: old.key }, ...companions.operations],
    });
    return result.succeeded ? this.#written(old.key, value, result) : undefined;
  }

  #written(key: string, value: string, { revision }: TransactionResult): Later<StoredObject> {
    return andThen(this.#watchCache.waitFor(revision), () => this.served(new StoredObject(key, value, revision)));
  }

  /** The text of an object in its form of storage. */
  #encoded(object: KubeObject): Later<string> {
    const { storage } = this.definition;
    if (!storage?.toStorage) return encodeForStorage(object);
    const converted = storage.toStorage(jsonCopy(object));
    return converted instanceof Promise ? converted.then(encodeForStorage) : encodeForStorage(converted);
  }

  #refuse(object: KubeObject, errors: readonly FieldError[]): void {
    if (errors.length > 0) throw invalid(this.definition, object.metadata.name ?? '', errors);
  }
}

/** Each of the companions hears of its own keys, which stand one after the other. */
function tellRefused(companions: readonly Companions[], current: readonly (KeyValue | undefined)[]): void {
  let start = 0;
  for (const one of companions) {
    one.refused?.(current.slice(start, start + one.compare.length));
    start += one.compare.length;
  }
}

function tooManyConflicts(): Error {
  return internalError('too many other writes came between; try again');
}

/** Whether a write would change nothing but the times of managed fields. */
function isUnchanged(value: string, old: StoredObject): boolean {
  if (value === old.value) return true;
  const before = old.object;
  const after = parseExactly(value) as KubeObject;
  const present = before.metadata.managedFields ?? [];
  const entries = after.metadata.managedFields;
  if (entries?.length === present.length) {
    for (const [i, entry] of entries.entries()) entry.time = present[i]!.time;
  }
  after.metadata.resourceVersion = before.metadata.resourceVersion;
  return jsonEqual(after, before);
}
