// A reflector: list, then watch from there, for ever. It keeps nothing of what it finds; whoever is told may.
import type { GroupVersionResource, KubeObject, WatchEvent } from '../apimachinery/object.ts';
import { isExpired, isNotFound, StatusError } from '../apimachinery/status.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import { Backoff } from './backoff.ts';
import { statusErrorOfEvent } from './status-of-response.ts';
import type { Client, InformerScope, ResourceClient } from './types.ts';

export interface ReflectorOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Objects come with kind, apiVersion and metadata alone, where the server can. */
  readonly metadataOnly?: boolean;
  /** Lists are asked for in pages of this many objects, so that no answer is all of them at once; by default in one. */
  readonly pageSize?: number;
  /** Milliseconds between two tries to reach the server at most; 10,000 by default. */
  readonly maxRetryDelay?: number;
  /** Told of failures that are retried. */
  readonly onError?: (error: unknown, what: string) => void;
}

/** Who is told what is found. Objects may be shared, and must not be changed. */
export interface ReflectorSink<T extends KubeObject> {
  /** A page of all that there is now; a list that ends before its last page is begun anew. */
  listed(objects: readonly T[], page: { readonly isFirst: boolean; readonly isLast: boolean }): void;
  changed(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
}

/** A watch that ends sooner than this, in milliseconds, is followed by a wait, so that a bad server is not hammered. */
const shortWatch = 1000;

export class Reflector<T extends KubeObject> {
  readonly #client: ResourceClient<T>;
  #scope: InformerScope;
  readonly #options: ReflectorOptions;
  readonly #resource: GroupVersionResource;
  readonly #sink: ReflectorSink<T>;
  readonly #backoff: Backoff;
  readonly #synced = Promise.withResolvers<void>();
  #hasSynced = false;
  /** Whether it was told that the server has no such resource, which is told once. */
  #isMissing = false;
  /** Where the watch goes on; undefined asks for a list first. */
  #resourceVersion: string | undefined;

  constructor(
    client: Client,
    { resource, scope = {} }: { readonly resource: GroupVersionResource; readonly scope?: InformerScope },
    sink: ReflectorSink<T>,
    options: ReflectorOptions,
  ) {
    this.#client = client.resource<T>(resource);
    this.#scope = scope;
    this.#options = options;
    this.#resource = resource;
    this.#sink = sink;
    this.#backoff = new Backoff({ base: 100, max: options.maxRetryDelay ?? 10_000, random: options.random });
  }

  /** Resolves once the first list was told whole; rejects when the signal aborts first. */
  synced(signal?: AbortSignal): Promise<void> {
    if (!signal || this.#hasSynced) return this.#synced.promise;
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const abort = () => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      void this.#synced.promise.then(() => {
        signal.removeEventListener('abort', abort);
        resolve();
      });
    });
  }

  /** Runs until the signal aborts. Failures of the server are retried with back-off, never thrown. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const started = this.#options.clock.monotonic();
      const lists = this.#resourceVersion === undefined;
      try {
        if (lists) await this.#list(signal);
        await this.#watch(signal);
        if (this.#options.clock.monotonic() - started >= shortWatch) this.#backoff.reset();
        else await this.#wait(signal);
      } catch (error) {
        if (signal.aborted) break;
        if (isExpired(error)) {
          this.#resourceVersion = undefined;
          if (lists) await this.#wait(signal);
        } else if (this.#isUnknownSelector(error)) {
          const { fieldSelector: _, ...rest } = this.#scope;
          this.#scope = rest;
        } else {
          this.#tell(error);
          await this.#wait(signal);
        }
      }
    }
  }

  #tell(error: unknown): void {
    const wasMissing = this.#isMissing;
    this.#isMissing = isNotFound(error);
    if (wasMissing && this.#isMissing) return;
    const { group, version, resource } = this.#resource;
    const from = group === '' ? version : `${group}/${version}`;
    // Upstream says only that it could not find the requested resource.
    const told = this.#isMissing
      ? new Error(`the API server does not serve ${resource} of ${from}`, { cause: error })
      : error;
    this.#options.onError?.(told, `list and watch of ${resource}`);
  }

  #isUnknownSelector(error: unknown): boolean {
    const { fieldSelector, isFieldSelectorOptional } = this.#scope;
    const isAsked = isFieldSelectorOptional === true && fieldSelector !== undefined;
    return isAsked && error instanceof StatusError && error.status.code === 400;
  }

  async #wait(signal: AbortSignal): Promise<void> {
    try {
      await this.#options.clock.sleep(this.#backoff.next(), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { pageSize, metadataOnly } = this.#options;
    const scope = {
      ...this.#scope,
      ...(metadataOnly && { metadataOnly }),
      ...(pageSize !== undefined && { limit: pageSize }),
      signal,
    };
    let next: string | undefined;
    let version: string | undefined;
    do {
      const { items, metadata } = await this.#client.list(next ? { ...scope, continue: next } : scope);
      this.#sink.listed(items, { isFirst: !next, isLast: !metadata.continue });
      next = metadata.continue;
      version = metadata.resourceVersion;
    } while (next);
    this.#resourceVersion = version ?? '0';
    this.#backoff.reset();
    this.#isMissing = false;
    this.#hasSynced = true;
    this.#synced.resolve();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { metadataOnly } = this.#options;
    const options = {
      ...this.#scope,
      ...(metadataOnly && { metadataOnly }),
      signal,
      allowWatchBookmarks: true,
      ...(this.#resourceVersion !== undefined && { resourceVersion: this.#resourceVersion }),
    };
    for await (const event of this.#client.watch(options)) {
      if (signal.aborted) return;
      this.#take(event);
    }
  }

  #take(event: WatchEvent<T>): void {
    if (event.type === 'ERROR') throw statusErrorOfEvent(event.object);
    if (event.type !== 'BOOKMARK') this.#sink.changed(event.type, event.object);
    this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion;
    this.#backoff.reset();
  }
}
