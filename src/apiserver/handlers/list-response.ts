// A list in the form and encoding that the client asked for. Long ones are encoded and sent in pieces, so that other requests
// have their turn in between.

import type { EncodedList } from '../../api/protobuf/envelope.ts';
import { parseExactly } from '../../apimachinery/json/int64.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { loadProtobuf, messageOf } from '../encoding.ts';
import type { ApiResponse, ResponseBody } from '../request.ts';
import type { StoredObject } from '../watch-cache/stored-object.ts';
import { encodeContinue } from './continue-token.ts';
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
import { byText, isLong, slices } from './slices.ts';

const byBytes = { lengthOf: ({ length }: Uint8Array) => length };

/** Of a collection, all or some objects of one revision. */
export interface Page {
  readonly items: readonly StoredObject[];
  readonly revision: number;
  /** How many follow; undefined where a selector makes it unknown, or nothing follows. */
  readonly remaining?: number;
  /** The last key of a page that is not the last. */
  readonly last?: string;
}

/** The metadata of a page as a list. */
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
      partialVersion === undefined ? itemText(stored) : JSON.stringify(partialMetadata(stored, partialVersion)),
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
          : messageOf(partialMetadata(stored, partialVersion), protobuf),
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
