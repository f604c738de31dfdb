// GET with watch: the changes of a collection as they happen. Watchers of the same form share each event's encoding.
import { badRequest, expired, StatusError } from '../../apimachinery/status.ts';
import type { Timer } from '../../system/clock.ts';
import type { ApiResponse, ByteSink, PushedBody } from '../request.ts';
import { isWebSocket } from '../streaming/websocket-peer.ts';
import type { CacheEvent, ChangeType, ResourceCache } from '../watch-cache/resource-cache.ts';
import type { StoredObject } from '../watch-cache/stored-object.ts';
import { notOlderThan } from './freshness.ts';
import { type ListQuery, listQuery, revisionOf, selectedName, selectorOf } from './options.ts';
import { headersOf } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';
import { type WatchFrames, watchFrames } from './watch-frames.ts';

const bookmarkMs = 60_000;
/** A last bookmark comes this long before the end, so that who comes back need not read much again. */
const lastBookmarkMs = 2000;
/** Without timeoutSeconds a watch ends after this long (--min-request-timeout), plus up to as much again, so that not all come back at once. */
const shortestMs = 1_800_000;
/** A client that lets so much pile up is cut off; it resumes where it stopped. */
const mostBuffered = 16 * 1024 * 1024;
/** The same for changes that come while the present objects are being sent. */
const mostWaiting = 10_000;

export async function handleWatch(request: ResourceRequest): Promise<ApiResponse> {
  const query = listQuery(request.request.query, request.definition, true);
  checkName(request, query);
  let tooEarly: StatusError | undefined;
  if (query.resourceVersion === '') await request.parts.cache.waitForNow();
  else if (revisionOf(query.resourceVersion) > 0 && query.sendInitialEvents) {
    try {
      await notOlderThan(request, query.resourceVersion);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      // The answer has begun, upstream, when this is known.
      tooEarly = error;
    }
  }
  const watch = new Watch(request, query, { frames: await watchFrames(request), tooEarly });
  const { upgrade } = request.request;
  if (upgrade && isWebSocket(upgrade)) {
    const { watchMessages } = await import('../streaming/watch-messages.ts');
    return watchMessages({ upgrade, watch, isText: request.format.encoding === 'json' });
  }
  return { status: 200, headers: streamHeaders(request), body: watch };
}

/** 400 where the path names one object and a field selector does not name the same. */
function checkName({ info }: ResourceRequest, query: ListQuery): void {
  if (info.name === '' || query.fields.length === 0 || selectedName(query) === info.name) return;
  throw badRequest("fieldSelector metadata.name doesn't match requested name");
}

/** Of JSON, the type does not say that it is a stream. */
function streamHeaders(request: ResourceRequest): ApiResponse['headers'] {
  const headers = headersOf(request);
  if (request.format.encoding === 'json') return headers;
  return { ...headers, 'content-type': `${headers['content-type']};stream=watch` };
}

class Watch implements PushedBody {
  readonly #request: ResourceRequest;
  readonly #query: ListQuery;
  readonly #selects: ReturnType<typeof selectorOf>;
  readonly #prefix: string;
  readonly #exactKey: string | undefined;
  /** What keys end in that are selected by name in all namespaces. */
  readonly #suffix: string;
  readonly #frames: WatchFrames;
  /** Why it ends as it begins. */
  readonly #tooEarly: StatusError | undefined;
  /** Changes that happened before everything earlier was sent. */
  #waiting: CacheEvent[] | undefined = [];
  #lastRevision = 0;
  /** Changes that wait for a conversion, and those behind them, go out one after the other. */
  #converting: Promise<void> | undefined;
  #fail: (error: Error) => void = () => {};

  constructor(
    request: ResourceRequest,
    query: ListQuery,
    { frames, tooEarly }: { readonly frames: WatchFrames; readonly tooEarly: StatusError | undefined },
  ) {
    const { store, info, definition } = request;
    this.#tooEarly = tooEarly;
    this.#request = request;
    this.#query = query;
    this.#frames = frames;
    const name = info.name || selectedName(query);
    this.#selects = selectorOf(query, definition);
    this.#prefix = store.prefixOf(info.namespace);
    const canName = name !== undefined && (info.namespace !== '' || !definition.namespaced);
    this.#exactKey = canName ? store.key(info.namespace, name) : undefined;
    this.#suffix = name === undefined ? '' : `/${name}`;
  }

  async pushTo(given: ByteSink): Promise<void> {
    const { store, request, parts, info, definition } = this.#request;
    const { gone } = definition;
    const counted = parts.metrics.requests.watch(info);
    const sink = counted.sink(given);
    const ended = Promise.withResolvers<void>();
    const end = () => ended.resolve();
    ended.promise.catch(() => {});
    this.#fail = ended.reject;
    const stop = store.cache.subscribe((event) => {
      try {
        if (this.#waiting) this.#waiting.push(event);
        else this.#deliver(event, sink);
      } catch (error) {
        // An object that somebody spoilt in storage and that has no such form: the cache goes on, and all who follow it.
        ended.reject(error);
      }
      if (sink.buffered > mostBuffered || (this.#waiting?.length ?? 0) > mostWaiting) {
        // Not an orderly end, for which all that waits would have to be sent first.
        ended.reject(new Error('the client reads its watch too slowly'));
      }
    });
    const timers = this.#timers(sink, end);
    request.signal.addEventListener('abort', end, { once: true });
    gone?.addEventListener('abort', end, { once: true });
    if (request.signal.aborted || gone?.aborted) end();
    try {
      // What came before the subscription and what comes after it meet here, in one turn: nothing falls between.
      const first = this.#start(parts.cache.revision);
      if (await this.#sendFirst(first, sink, ended.promise)) await ended.promise;
    } finally {
      counted.ended();
      stop();
      for (const timer of timers) timer.cancel();
      request.signal.removeEventListener('abort', end);
      gone?.removeEventListener('abort', end);
    }
  }

  /** What is sent before live changes: present objects, or the changes since a revision; or an error. */
  #start(now: number): FirstEvents {
    const query = this.#query;
    const { cache } = this.#request.store;
    if (this.#tooEarly) return { error: this.#tooEarly };
    this.#lastRevision = now;
    const wanted = Number(query.resourceVersion || 0);
    const wantsState = query.sendInitialEvents ?? wanted === 0;
    if (wantsState) return { objects: this.#present(cache), revision: now };
    if (wanted === 0) return { events: [] };
    const events = cache.eventsAfter(wanted);
    if (events) return { events };
    return { error: expired(`too old resource version: ${wanted} (${cache.forgottenRevision})`) };
  }

  /** Those that it may concern; of one that it names, no others are looked at. */
  #present(cache: ResourceCache): readonly StoredObject[] {
    if (this.#exactKey === undefined) return cache.list(this.#prefix);
    const named = cache.get(this.#exactKey);
    return named ? [named] : [];
  }

  /** False when the watch ends at once. */
  async #sendFirst(first: FirstEvents, sink: ByteSink, ended: Promise<void>): Promise<boolean> {
    if ('error' in first) {
      this.#frames.error(first.error, sink);
      return false;
    }
    if ('objects' in first) {
      const { store } = this.#request;
      for (const each of first.objects) {
        if (!this.#concerns(each.key)) continue;
        const served = store.served(each);
        const stored = served instanceof Promise ? await served : served;
        if (this.#selects && !this.#selects(stored.object)) continue;
        if (!this.#frames.present(stored, sink)) await Promise.race([sink.drained(), ended]);
        if (this.#request.request.signal.aborted) return false;
      }
      if (this.#query.sendInitialEvents && this.#query.allowWatchBookmarks) {
        this.#frames.initialEventsEnd(sink, first.revision);
      }
    } else {
      for (const event of first.events) this.#deliver(event, sink);
    }
    for (const event of this.#waiting ?? []) this.#deliver(event, sink);
    this.#waiting = undefined;
    return true;
  }

  #concerns(key: string): boolean {
    if (this.#exactKey !== undefined) return key === this.#exactKey;
    return key.startsWith(this.#prefix) && key.endsWith(this.#suffix);
  }

  #deliver(event: CacheEvent, sink: ByteSink): void {
    this.#lastRevision = event.revision;
    if (!this.#concerns(event.current.key) || event.revision <= Number(this.#query.resourceVersion || 0)) return;
    const served = this.#request.store.servedEvent(event);
    if (!(served instanceof Promise) && this.#converting === undefined) {
      this.#send(served, sink);
      return;
    }
    // Both at once: it may fail while the one before is still being converted.
    const sent = Promise.all([served, this.#converting]).then(([shown]) => this.#send(shown, sink));
    this.#converting = sent;
    sent.then(
      () => {
        if (this.#converting === sent) this.#converting = undefined;
      },
      (error: Error) => this.#fail(error),
    );
  }

  #send(event: CacheEvent, sink: ByteSink): void {
    const type = this.#typeFor(event);
    if (type) this.#frames.change(event, type, sink);
  }

  /** What the change is to someone who sees selected objects only. */
  #typeFor({ type, current, previous }: CacheEvent): ChangeType | undefined {
    const selects = this.#selects;
    if (!selects) return type;
    const was = previous !== undefined && selects(previous.object);
    if (type === 'DELETED') return was ? 'DELETED' : undefined;
    const is = selects(current.object);
    if (is) return was ? 'MODIFIED' : 'ADDED';
    return was ? 'DELETED' : undefined;
  }

  #timers(sink: ByteSink, end: () => void): Timer[] {
    const { clock, random, cache, minRequestMs: least = shortestMs } = this.#request.parts;
    const { timeoutSeconds, allowWatchBookmarks } = this.#query;
    const timers: Timer[] = [];
    const limit = timeoutSeconds ? timeoutSeconds * 1000 : least + random.int(Math.max(least, 1));
    timers.push(clock.after(limit, end));
    if (!allowWatchBookmarks) return timers;
    const bookmark = () => {
      // The cache has told of all changes up to its revision.
      if (this.#waiting || this.#converting) return;
      this.#frames.bookmark(sink, Math.max(this.#lastRevision, cache.revision));
    };
    const remind = () => {
      bookmark();
      timers[1] = clock.after(bookmarkMs, remind);
    };
    timers.push(clock.after(bookmarkMs, remind));
    if (limit > lastBookmarkMs) timers.push(clock.after(limit - lastBookmarkMs, bookmark));
    return timers;
  }
}

type FirstEvents =
  | { readonly objects: readonly StoredObject[]; readonly revision: number }
  | { readonly events: readonly CacheEvent[] }
  | { readonly error: StatusError };
