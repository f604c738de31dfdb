// Answers in the form the client asked for: objects, Tables, partial metadata; JSON, YAML or protocol buffers.

import type { ResourceDefinition, TableRowCondition } from '../../api/resource.ts';
import { apiVersionOf, type KubeObject } from '../../apimachinery/object.ts';
import { badRequest, type StatusError } from '../../apimachinery/status.ts';
import { fieldError, fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';
import { encodeValue, loadProtobuf, mediaTypes, messageOf } from '../encoding.ts';
import { metadataNotAcceptable } from '../errors.ts';
import type { ResponseFormat } from '../negotiation.ts';
import type { ApiResponse } from '../request.ts';
import type { StoredObject } from '../watch-cache/stored-object.ts';
import type { ResourceRequest } from './resource-request.ts';

interface Typed {
  readonly kind: string;
  readonly apiVersion: string;
}

export function partialMetadata(object: Pick<KubeObject, 'metadata'>, version: string): KubeObject {
  return { kind: 'PartialObjectMetadata', apiVersion: metaAPIVersion(version), metadata: object.metadata };
}

/** One text for all: readers in this process keep what they are given. */
function metaAPIVersion(version: string): string {
  return version === 'v1beta1' ? 'meta.k8s.io/v1beta1' : 'meta.k8s.io/v1';
}

/** Whether only metadata is wanted, of one object or of many. */
export function isMetadataForm({ as }: Pick<ResponseFormat, 'as'>): boolean {
  return as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList';
}

/** Kind and version of a list, of whole objects or of their metadata. */
export function listTypeOf({ definition, format }: Pick<ResourceRequest, 'definition' | 'format'>): Typed {
  if (isMetadataForm(format)) {
    return { kind: 'PartialObjectMetadataList', apiVersion: metaAPIVersion(format.version) };
  }
  return { kind: definition.listKind ?? `${definition.kind}List`, apiVersion: apiVersionOf(definition) };
}

/** Where upstream's own types of a group's objects are: part of the texts of refusals. */
function goPackage({ group, schema }: Pick<ResourceDefinition, 'group' | 'schema'>): string {
  if (schema !== undefined) return 'unstructured';
  if (group === '' || group === 'events.k8s.io') return 'core';
  return group === 'internal.apiserver.k8s.io' ? 'apiserverinternal' : group.split('.', 1)[0]!;
}

/** Metadata of one object was asked for where there is a list. */
export function noObject(definition: ResourceDefinition): StatusError {
  const { kind, listKind = `${kind}List`, schema } = definition;
  const name = schema === undefined ? listKind : 'UnstructuredList';
  return metadataNotAcceptable(`*${goPackage(definition)}.${name}`, true);
}

/** Metadata of a list was asked for where there is one object. */
function noList(definition: ResourceDefinition): StatusError {
  const name = definition.schema === undefined ? definition.kind : 'Unstructured';
  return metadataNotAcceptable(`*${goPackage(definition)}.${name}`, false);
}

type IncludeObject = 'None' | 'Metadata' | 'Object';

/** The query parameter `includeObject` of Table requests. */
export function includeObject(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject') || 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  const error = fieldError.invalid('includeObject', value, "must be 'Metadata', 'Object', 'None', or empty");
  throw badRequest(`Unable to convert to Table as requested: ${fieldErrorMessage(error)}`);
}

export interface TableRow {
  readonly cells: unknown[];
  readonly conditions?: readonly TableRowCondition[];
  readonly object?: unknown;
}

export function tableColumns({ columns }: Pick<ResourceDefinition, 'columns'>): unknown[] {
  return columns.map(({ name, type, format = '', description, priority }) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
}

export function tableRow(object: Readonly<KubeObject>, request: ResourceRequest): TableRow {
  const { definition, parts } = request;
  const { cells, object: shown } = rowOf(definition.cells(object as KubeObject, parts.clock.now()), object, request);
  const conditions = definition.rowConditions?.(object as KubeObject) ?? [];
  return { cells, ...(conditions.length > 0 && { conditions }), object: shown };
}

/** Of an object that has nothing but metadata: a bookmark. One that ends the present state comes with its object at any rate. */
export function emptyRow(object: Readonly<KubeObject>, request: ResourceRequest): TableRow {
  const { definition, format } = request;
  const empty = definition.schema === undefined ? 0 : null;
  const cells = definition.columns.map(({ name, type }) => {
    if (empty === null) return name === 'Name' ? '' : null;
    return type === 'string' ? '' : empty;
  });
  const isEnd = object.metadata.annotations !== undefined;
  return isEnd ? { cells, object: partialMetadata(object, format.version) } : rowOf(cells, object, request);
}

/** A row with as much of its object as the client wants. */
export function rowOf(cells: unknown[], object: Readonly<KubeObject>, { format, request }: ResourceRequest): TableRow {
  const include = includeObject(request.query);
  if (include === 'None') return { cells, object: null };
  return { cells, object: include === 'Object' ? object : partialMetadata(object, format.version) };
}

/** `version` is that of meta.k8s.io. */
export function tableOf(
  rows: readonly TableRow[],
  metadata: unknown,
  { version, columns }: { readonly version: string; readonly columns: unknown },
): unknown {
  return { kind: 'Table', apiVersion: metaAPIVersion(version), metadata, columnDefinitions: columns, rows };
}

/** Upstream's bounds, in characters: past the first for all warnings together, each is cut to the second. */
const mostWarningText = 4096;
const cutWarningText = 256;

/** RFC 7234 warnings, as kubectl prints them. Texts with control characters are left out, as upstream leaves them out. */
export function warningHeaders(warnings: ReadonlySet<string>): string[] {
  const texts = [...warnings].filter((text) => text !== '' && !/\p{Cc}/u.test(text)).map((text) => [...text]);
  const isLong = texts.reduce((sum, text) => sum + text.length, 0) > mostWarningText;
  const kept: string[] = [];
  let total = 0;
  for (const text of texts) {
    const cut = isLong ? text.slice(0, cutWarningText) : text;
    total += cut.length;
    if (total > mostWarningText) break;
    kept.push(cut.join(''));
  }
  // Header values are bytes: UTF-8, one character for each.
  return kept.map((text) => {
    const quoted = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
    return `299 - "${Buffer.from(quoted).toString('latin1')}"`;
  });
}

export function headersOf({ format, warnings }: ResourceRequest): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'content-type': mediaTypes[format.encoding] };
  if (warnings.size > 0) headers.warning = warningHeaders(warnings);
  return headers;
}

/** What the client is shown of an object. */
function viewOf(request: ResourceRequest, object: Readonly<KubeObject>): unknown {
  const { format, definition } = request;
  if (format.as === 'object') return object;
  if (format.as === 'PartialObjectMetadata') return partialMetadata(object, format.version);
  if (format.as === 'PartialObjectMetadataList') throw noList(definition);
  const metadata = { resourceVersion: object.metadata.resourceVersion };
  const columns = tableColumns(definition);
  return tableOf([tableRow(object, request)], metadata, { version: format.version, columns });
}

/** One stored object: at once where its text is there to be sent. */
export function objectResponse(
  request: ResourceRequest,
  stored: StoredObject,
  status = 200,
): Promise<ApiResponse> | ApiResponse {
  const { format } = request;
  if (format.as !== 'object') return valueResponse(request, viewOf(request, stored.object), status);
  if (format.encoding === 'json' && !format.pretty) return { status, headers: headersOf(request), body: stored.line };
  if (format.encoding !== 'protobuf') return valueResponse(request, stored.object, status);
  return protobufResponse(request, stored, status);
}

async function protobufResponse(request: ResourceRequest, stored: StoredObject, status: number): Promise<ApiResponse> {
  const protobuf = await loadProtobuf();
  const message = stored.message((object) => messageOf(object, protobuf));
  const typed = { apiVersion: apiVersionOf(request.definition), kind: request.definition.kind };
  return { status, headers: headersOf(request), body: protobuf.enveloped(typed, message) };
}

/** Any other value: a Scale, a Status, a review. */
export async function valueResponse(request: ResourceRequest, value: unknown, status = 200): Promise<ApiResponse> {
  return { status, headers: headersOf(request), body: await encodeValue(value, request.format) };
}
