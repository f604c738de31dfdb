// GET of a collection: all of it, or page by page, at one revision. Long lists are filtered and sent in pieces, so that
// other requests have their turn in between.

import type { EncodedList } from '../../api/protobuf/envelope.ts';
import { parseExactly } from '../../apimachinery/json/int64.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { badRequest, expired, StatusError } from '../../apimachinery/status.ts';
import { CompactedError, FutureRevisionError, type RangeResult } from '../../storage/storage.ts';
import { loadProtobuf, messageOf } from '../encoding.ts';
import { tooLargeResourceVersion } from '../errors.ts';
import type { ApiResponse, ResponseBody } from '../request.ts';
import { StoredObject } from '../watch-cache/stored-object.ts';
import { decodeContinue, encodeContinue, latest } from './continue-token.ts';
import { type ListQuery, listQuery, listRevisionOf, revisionOf, selectedName, selectorOf } from './options.ts';
import {
  headersOf,
  listTypeOf,
  noObject,
  partialMetadata,
  type TableRow,
  tableColumns,
  tableOf,
  tableRow,
  valueResponse,
} from './render.ts';
import type { ResourceRequest } from './resource-request.ts';
import { isLong, slices } from './slices.ts';

const byText = { lengthOf: ({ value }: StoredObject) => value.length };
const byBytes = { lengthOf: ({ length }: Uint8Array) => length };
/** How long a reader waits for a revision that has not happened yet. */
const freshnessMs = 3000;

interface Page {
  readonly items: readonly StoredObject[];
  readonly revision: number;
  /** How many follow; undefined where a selector makes it unknown, or nothing follows. */
  readonly remaining?: number;
  /** The last key of a page that is not the last. */
  readonly last?: string;
}

export async function handleList(request: ResourceRequest): Promise<ApiResponse> {
  const query = listQuery(request.request.query, request.definition, false);
  const page = await readPage(request, query);
  return listResponse(request, page.items, listMetadata(request, page));
}

export function listMetadata(
  { store, definition, format }: ResourceRequest,
  { revision, last, remaining }: Omit<Page, 'items'>,
): object {
  return {
    resourceVersion: String(revision),
    // As upstream: whole custom resources always come with one.
    ...(definition.schema !== undefined && format.as === 'object' && { continue: '' }),
    ...(last !== undefined && {
      continue: encodeContinue({ revision, after: last.slice(store.prefix.length) }),
      ...(remaining !== undefined && { remainingItemCount: remaining }),
    }),
  };
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

/** For a GET of one object that names a resourceVersion: as below. */
export async function asFreshAsWanted(request: ResourceRequest): Promise<void> {
  const { query } = request.request;
  const wanted = query.size > 0 ? query.get('resourceVersion') : null;
  if (wanted && revisionOf(wanted) > 0) await notOlderThan(request, wanted);
}

/** Waits a little for a revision that is yet to come; then 504. */
export async function notOlderThan({ parts }: ResourceRequest, resourceVersion: string): Promise<void> {
  const { cache, clock } = parts;
  const revision = Number(resourceVersion);
  if (cache.revision >= revision) return;
  const late = new AbortController();
  const timer = clock.after(freshnessMs, () => late.abort());
  await cache.waitFor(revision, late.signal);
  timer.cancel();
  if (cache.revision < revision) throw tooLargeResourceVersion(resourceVersion, cache.revision);
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

/** A list in the form the client asked for; long ones are sent in pieces. */
export async function listResponse(
  request: ResourceRequest,
  items: readonly StoredObject[],
  metadata: object,
): Promise<ApiResponse> {
  const { format, definition } = request;
  const { version } = format;
  if (format.as === 'Table') {
    const rows: TableRow[] = [];
    for await (const slice of slices(inRowOrder(items, request), byText))
      rows.push(...slice.map(({ object }) => tableRow(object, request)));
    return valueResponse(request, tableOf(rows, metadata, { version, columns: tableColumns(definition) }));
  }
  if (format.as === 'PartialObjectMetadata') throw noObject(definition);
  const isPartial = format.as === 'PartialObjectMetadataList';
  const list: ListForm = {
    ...listTypeOf(request),
    metadata,
    items,
    partialVersion: isPartial ? version : undefined,
    itemsHaveKind: definition.schema !== undefined,
  };
  if (format.encoding === 'protobuf') {
    return { status: 200, headers: headersOf(request), body: await protobufList(list), isCompressible: true };
  }
  const json = format.pretty && items.length > 0 ? indentedList(jsonList(list), list) : jsonList(list);
  const { head, textOf, separator, end } = json;
  if (format.encoding === 'yaml' || items.length === 0) {
    return valueResponse(request, parseExactly(`${head}${items.map(textOf).join(separator)}${end}`));
  }
  if (isLong(items, byText)) {
    return { status: 200, headers: headersOf(request), body: jsonPieces(items, json), isCompressible: true };
  }
  return { status: 200, headers: headersOf(request), body: `${head}${items.map(textOf).join(separator)}${end}` };
}

function inRowOrder(items: readonly StoredObject[], { definition }: ResourceRequest): readonly StoredObject[] {
  if (!definition.rowOrder) return items;
  return [...items].sort((a, b) => definition.rowOrder!(a.object as KubeObject, b.object as KubeObject));
}

interface ListForm {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: object;
  readonly items: readonly StoredObject[];
  /** The version of meta.k8s.io, where only metadata is wanted. */
  readonly partialVersion: string | undefined;
  /** As those of custom resources do. */
  readonly itemsHaveKind: boolean;
}

interface JsonList {
  /** Up to the first item. */
  readonly head: string;
  textOf(stored: StoredObject): string;
  /** Between two items. */
  readonly separator: string;
  readonly end: string;
}

function jsonList({ kind, apiVersion, metadata, partialVersion, itemsHaveKind }: ListForm): JsonList {
  const itemText = (stored: StoredObject) => (itemsHaveKind ? stored.text : stored.itemText);
  return {
    head: `{"kind":"${kind}","apiVersion":"${apiVersion}","metadata":${JSON.stringify(metadata)},"items":[`,
    textOf: (stored) =>
      partialVersion === undefined ? itemText(stored) : JSON.stringify(partialMetadata(stored.object, partialVersion)),
    separator: ',',
    end: ']}\n',
  };
}

/** The same, indented by two spaces a level: item by item, so that long lists are still sent in pieces. */
function indentedList({ textOf }: JsonList, { kind, apiVersion, metadata }: ListForm): JsonList {
  const head = JSON.stringify({ kind, apiVersion, metadata, items: [] }, null, 2);
  return {
    head: `${head.slice(0, head.lastIndexOf(']'))}\n    `,
    textOf: (stored) => JSON.stringify(parseExactly(textOf(stored)), null, 2).replaceAll('\n', '\n    '),
    separator: ',\n    ',
    end: '\n  ]\n}',
  };
}

async function* jsonPieces(items: readonly StoredObject[], list: JsonList): AsyncGenerator<string> {
  const { head, textOf, separator, end } = list;
  let before = head;
  for await (const slice of slices(items, byText)) {
    yield before + slice.map(textOf).join(separator);
    before = separator;
  }
  yield end;
}

/** The length of it all comes first: every item is encoded before the first is sent. */
async function protobufList({ kind, apiVersion, metadata, items, partialVersion }: ListForm): Promise<ResponseBody> {
  const protobuf = await loadProtobuf();
  const messages: Uint8Array[] = [];
  for await (const slice of slices(items, byText)) {
    for (const stored of slice) {
      messages.push(
        partialVersion === undefined
          ? stored.message((object) => messageOf(object, protobuf))
          : messageOf(partialMetadata(stored.object, partialVersion), protobuf),
      );
    }
  }
  const { head, item, tail } = protobuf.encodeList({ kind, apiVersion, metadata, items: messages });
  if (isLong(messages, byBytes)) return protobufPieces(messages, { head, item, tail });
  return Buffer.concat([head, ...messages.map(item), tail]);
}

async function* protobufPieces(
  messages: readonly Uint8Array[],
  { head, item, tail }: EncodedList,
): AsyncGenerator<Uint8Array> {
  yield head;
  for await (const slice of slices(messages, byBytes)) yield Buffer.concat(slice.map(item));
  yield tail;
}
