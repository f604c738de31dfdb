// A store whose values are sealed in another one. Everything but values goes through untouched.
import type {
  KeyValue,
  RangeRequest,
  RangeResult,
  Storage,
  StorageEvent,
  Transaction,
  TransactionResult,
  WatchBatch,
  WatchRequest,
} from '../storage.ts';
import type { ResourceTransformers } from './resource-transformers.ts';
import { isSealed, UnreadableError } from './sealed-prefix.ts';
import { type StoredForm, textForm } from './stored-form.ts';
import { identity } from './transformer.ts';

export interface EncryptedStorageOptions {
  readonly storage: Storage;
  readonly form: StoredForm;
  readonly transformers: Transformers;
  /** A watch came to a value that no key opens, and ended there. */
  readonly onUnreadable?: (error: unknown) => void;
}

/** Which transformer is for which key. */
export type Transformers = Pick<ResourceTransformers, 'of'>;

export class EncryptedStorage implements Storage {
  readonly #storage: Storage;
  readonly #form: StoredForm;
  readonly #onUnreadable: (error: unknown) => void;
  #transformers: Transformers;
  /** Keys whose value was last seen as a write of now would seal it. */
  readonly #fresh = new Set<string>();

  constructor({ storage, form, transformers, onUnreadable = () => {} }: EncryptedStorageOptions) {
    this.#storage = storage;
    this.#form = form;
    this.#onUnreadable = onUnreadable;
    this.#transformers = transformers;
  }

  /** From now on values are sealed and opened by these. */
  reload(transformers: Transformers): void {
    this.#transformers = transformers;
    this.#fresh.clear();
  }

  isStale(key: string): boolean {
    return this.#transformers.of(key) !== identity && !this.#fresh.has(key);
  }

  async get(key: string, revision?: number) {
    const { item, revision: at } = await this.#storage.get(key, revision);
    const preparing = item && this.#prepare([item]);
    if (preparing) await preparing;
    return { item: item && this.#opened(item, revision === undefined), revision: at };
  }

  async range(request: RangeRequest): Promise<RangeResult> {
    const { items, ...rest } = await this.#storage.range(request);
    const preparing = this.#prepare(items);
    if (preparing) await preparing;
    return { ...rest, items: items.map((item) => this.#opened(item, request.revision === undefined)) };
  }

  async transact({ compare, operations }: Transaction): Promise<TransactionResult> {
    const sealed = operations.map((one) =>
      one.type === 'put' ? { ...one, value: this.#sealed(one.key, one.value) } : one,
    );
    const result = await this.#storage.transact({ compare, operations: sealed });
    if (result.succeeded) return result;
    const preparing = this.#prepare(result.current);
    if (preparing) await preparing;
    return { ...result, current: result.current.map((item) => item && this.#opened(item, true)) };
  }

  async *watch(request: WatchRequest): AsyncGenerator<WatchBatch> {
    for await (const { revision, events } of this.#storage.watch(request)) {
      const preparing = this.#prepare(events.map(({ current }) => current));
      if (preparing) await preparing.catch((error) => this.#unreadable(error));
      yield { revision, events: events.map((event) => this.#openedEvent(event)) };
    }
  }

  compact(revision: number): Promise<void> {
    return this.#storage.compact(revision);
  }

  currentRevision(): Promise<number> | number {
    return this.#storage.currentRevision();
  }

  close(): Promise<void> {
    return this.#storage.close();
  }

  #openedEvent(event: StorageEvent): StorageEvent {
    if (!event.current) {
      this.#fresh.delete(event.key);
      return event;
    }
    try {
      return { ...event, current: this.#opened(event.current, true) };
    } catch (error) {
      return this.#unreadable(error);
    }
  }

  #unreadable(error: unknown): never {
    this.#onUnreadable(error);
    throw error;
  }

  /**
   * Has transformers get what they need to open the values; undefined: it is all there. Rejects with an UnreadableError, and never
   * throws: what is asked already would fail for nobody.
   */
  #prepare(items: readonly (KeyValue | undefined)[]): Promise<unknown> | undefined {
    let preparing: Promise<unknown> | undefined;
    for (const item of items) {
      const prepared = item && this.#preparedFor(item);
      if (prepared) preparing = preparing ? Promise.all([preparing, prepared]) : prepared;
    }
    return preparing;
  }

  #preparedFor({ key, value }: KeyValue): Promise<void> | undefined {
    const transformer = this.#transformers.of(key);
    if (!transformer.prepare) return undefined;
    const fail = (error: unknown) => Promise.reject(new UnreadableError(key, (error as Error).message));
    try {
      return transformer.prepare(this.#form.bytes(value))?.catch(fail);
    } catch (error) {
      return fail(error);
    }
  }

  #sealed(key: string, text: string): string {
    const transformer = this.#transformers.of(key);
    if (transformer === identity) return this.#form.plain(text);
    const sealed = transformer.seal(Buffer.from(text), key);
    return sealed.prefix === '' ? this.#form.plain(text) : this.#form.sealed(sealed);
  }

  /** `isPresent`: the state of now, by which is judged whether a write is due. */
  #opened(item: KeyValue, isPresent: boolean): KeyValue {
    const transformer = this.#transformers.of(item.key);
    if (transformer === identity && this.#form === textForm && !isSealed(item.value)) return item;
    try {
      const { value, isStale } = transformer.open(this.#form.bytes(item.value), item.key);
      if (isPresent && transformer !== identity) this.#note(item.key, isStale);
      return { ...item, value: value.toString() };
    } catch (error) {
      throw new UnreadableError(item.key, (error as Error).message);
    }
  }

  #note(key: string, isStale: boolean): void {
    if (isStale) this.#fresh.delete(key);
    else this.#fresh.add(key);
  }
}
