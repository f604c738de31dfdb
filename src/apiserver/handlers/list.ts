// GET of a collection: all of it, or page by page, at one revision. Long lists are filtered in pieces, so that other requests
// have their turn in between.

import { badRequest, expired, StatusError } from '../../apimachinery/status.ts';
import { CompactedError, FutureRevisionError, type RangeResult } from '../../storage/storage.ts';
import { tooLargeResourceVersion } from '../errors.ts';
import type { ApiResponse } from '../request.ts';
import { StoredObject } from '../watch-cache/stored-object.ts';
import { decodeContinue, encodeContinue, latest } from './continue-token.ts';
import { notOlderThan } from './freshness.ts';
import { listMetadata, listResponse, type Page } from './list-response.ts';
import { type ListQuery, listQuery, listRevisionOf, selectedName, selectorOf } from './options.ts';
import type { ResourceRequest } from './resource-request.ts';
import { byText, slices } from './slices.ts';

export async function handleList(request: ResourceRequest): Promise<ApiResponse> {
  const query = listQuery(request.request.query, request.definition, false);
  const page = await readPage(request, query);
  return listResponse(request, page.items, listMetadata(request, page));
}

function candidates({ store, info }: ResourceRequest, query: ListQuery): readonly StoredObject[] {
  const name = selectedName(query);
  if (name === undefined || (info.namespace === '' && store.definition.namespaced)) {
    return store.cache.list(store.prefixOf(info.namespace));
  }
  const one = store.cache.get(store.key(info.namespace, name));
  return one ? [one] : [];
}

/** Those that are selected, no more than the limit (0: none). */
async function filtered(
  { definition, store }: ResourceRequest,
  query: ListQuery,
  objects: readonly StoredObject[],
): Promise<readonly StoredObject[]> {
  const selects = selectorOf(query, definition);
  const { limit } = query;
  if (!selects) return limit === 0 ? objects : objects.slice(0, limit);
  const found: StoredObject[] = [];
  for await (const slice of slices(objects, byText)) {
    for (const stored of await store.servedAll(slice)) {
      if (!selects(stored.object)) continue;
      found.push(stored);
      if (found.length === limit) return found;
    }
  }
  return found;
}

/** As the resource serves them, in pieces: most resources serve what is stored as it is. */
async function servedAll(
  { store }: ResourceRequest,
  objects: readonly StoredObject[],
): Promise<readonly StoredObject[]> {
  if (store.definition.storage?.fromStorage === undefined) return objects;
  const served: StoredObject[] = [];
  for await (const slice of slices(objects, byText)) served.push(...(await store.servedAll(slice)));
  return served;
}

/** The objects that a list's query names, at the revision that it asks for. */
export async function readPage(request: ResourceRequest, query: ListQuery): Promise<Page> {
  const { cache } = request.parts;
  if (query.continueToken !== '') return nextPage(request, query);
  const wanted = query.resourceVersion === '' ? 0 : listRevisionOf(query.resourceVersion);
  if (isExact(query)) return pageAt(request, query, { revision: wanted });
  if (query.resourceVersion === '') await cache.waitForNow();
  else await notOlderThan(request, query.resourceVersion);
  // A snapshot: what the cache holds now is not changed while it is filtered and sent.
  const { revision } = cache;
  return cut(request, unlessAny(query), { objects: candidates(request, query), revision });
}

/** Whoever is content with any state gets all of it, in one piece. */
function unlessAny(query: ListQuery): ListQuery {
  return query.resourceVersion === '0' && query.limit > 0 ? { ...query, limit: 0 } : query;
}

/** Pages are of the revision asked for, where nothing else is said. */
function isExact({ match, limit, resourceVersion }: ListQuery): boolean {
  const names = resourceVersion !== '' && resourceVersion !== '0';
  return names && (match === 'Exact' || (match === '' && limit > 0));
}

async function nextPage(request: ResourceRequest, query: ListQuery): Promise<Page> {
  const { store, parts } = request;
  const { revision, after } = decodeContinue(query.continueToken);
  if (query.resourceVersion !== '' && query.resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  const key = store.prefix + after;
  if (revision !== latest) return pageAt(request, query, { revision, after: key });
  await parts.cache.waitForNow();
  return pageAt(request, query, { revision: parts.cache.revision, after: key });
}

async function cut(
  request: ResourceRequest,
  query: ListQuery,
  { objects, revision }: { objects: readonly StoredObject[]; revision: number },
): Promise<Page> {
  const found = await filtered(request, query, objects);
  const items = await servedAll(request, found);
  const last = found.at(-1)?.key;
  // As upstream, a page is not the last while any object follows, whether it will be selected or not.
  const isLast = query.limit === 0 || found.length < query.limit || last === objects.at(-1)?.key;
  if (isLast || last === undefined) return { items, revision };
  const isSelected = selectorOf(query, request.definition) !== undefined;
  return { items, revision, last, ...(!isSelected && { remaining: objects.length - found.length }) };
}

/** Pages after the first, and exact lists: read at their revision, from storage where the cache has gone on. */
async function pageAt(
  request: ResourceRequest,
  query: ListQuery,
  position: { readonly revision: number; readonly after?: string },
): Promise<Page> {
  const { store, info, parts } = request;
  const { revision, after = '' } = position;
  const prefix = store.prefixOf(info.namespace);
  const isPresent = store.cache.lastChange <= revision && revision <= parts.cache.revision;
  if (!isPresent) return storedPage(request, query, { prefix, revision, after });
  const objects = store.cache.list(prefix);
  const rest = after === '' ? objects : objects.filter((o) => o.key > after);
  return cut(request, unlessAny(query), { objects: rest, revision });
}

interface Position {
  readonly prefix: string;
  readonly revision: number;
  readonly after: string;
}

/** Where a selector leaves few of many, at least so many are read at a time. */
const selectedChunk = 500;

/** A page of the past: of storage no more is read than it takes. */
async function storedPage(request: ResourceRequest, query: ListQuery, position: Position): Promise<Page> {
  const { limit } = query;
  const { revision } = position;
  const isSelected = selectorOf(query, request.definition) !== undefined;
  const chunk = isSelected && limit > 0 ? Math.max(limit, selectedChunk) : limit;
  const found: StoredObject[] = [];
  for (let { after } = position; ; ) {
    const range = await rangeAt(request, query, { ...position, after, limit: chunk });
    const objects = storedAt(range);
    const missing = limit === 0 ? 0 : limit - found.length;
    found.push(...(await filtered(request, { ...query, limit: missing }, objects)));
    const end = objects.at(-1)?.key ?? '';
    const last = found.at(-1)?.key;
    const isLast = range.count <= objects.length;
    if (last !== undefined && found.length === limit && !(isLast && last === end)) {
      const remaining = range.count - found.length;
      return { items: await servedAll(request, found), revision, last, ...(!isSelected && { remaining }) };
    }
    if (isLast) return { items: await servedAll(request, found), revision };
    after = end;
  }
}

/** The history of the revision is gone: 410. A later page may be had of the present, by the continue in the answer. */
function expiredList({ store }: ResourceRequest, after: string): StatusError {
  if (after === '') return expired('The resourceVersion for the provided list is too old.');
  const { status } = expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  );
  const token = encodeContinue({ revision: latest, after: after.slice(store.prefix.length) });
  return new StatusError({ ...status, metadata: { continue: token } });
}

async function rangeAt(
  request: ResourceRequest,
  { resourceVersion, continueToken }: ListQuery,
  { prefix, revision, after, limit }: Position & { readonly limit: number },
): Promise<RangeResult> {
  const { store, parts } = request;
  try {
    return await store.rangeAt({ prefix, revision, limit, ...(after !== '' && { after }) });
  } catch (error) {
    if (error instanceof CompactedError) throw expiredList(request, after);
    if (error instanceof FutureRevisionError) {
      const wanted = continueToken !== '' ? String(revision) : resourceVersion;
      throw tooLargeResourceVersion(wanted, parts.cache.revision);
    }
    throw error;
  }
}

function storedAt({ items }: RangeResult): StoredObject[] {
  return items.map((item) => new StoredObject(item.key, item.value, item.modRevision));
}
