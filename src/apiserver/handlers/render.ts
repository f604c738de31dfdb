// Answers in the form the client asked for: objects, Tables, partial metadata; JSON or YAML.

import type { ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { invalid } from '../../apimachinery/status.ts';
import { fieldError } from '../../apimachinery/validation/field-error.ts';
import type { ApiResponse, ResponseBody } from '../request.ts';
import type { StoredObject } from '../watch-cache/stored-object.ts';
import type { ResourceRequest } from './resource-request.ts';

const metaVersion = 'meta.k8s.io/v1';

export function partialMetadata(object: Readonly<KubeObject>): unknown {
  return { kind: 'PartialObjectMetadata', apiVersion: metaVersion, metadata: object.metadata };
}

export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** The query parameter `includeObject` of Table requests. */
export function includeObject(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject') || 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  throw invalid({ group: 'meta.k8s.io', kind: 'TableOptions' }, '', [
    fieldError.invalid('includeObject', value, 'must be one of: None, Metadata, Object'),
  ]);
}

export interface TableRow {
  readonly cells: unknown[];
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

export function tableRow(
  object: Readonly<KubeObject>,
  options: { readonly definition: ResourceDefinition; readonly include: IncludeObject; readonly now: number },
): TableRow {
  const { definition, include, now } = options;
  const cells = definition.cells(object as KubeObject, now);
  if (include === 'None') return { cells, object: null };
  return { cells, object: include === 'Object' ? object : partialMetadata(object) };
}

export function tableOf(rows: readonly TableRow[], metadata: unknown, columns: unknown): unknown {
  return { kind: 'Table', apiVersion: metaVersion, metadata, columnDefinitions: columns, rows };
}

export async function encoded(
  request: ResourceRequest,
  status: number,
  body: string | Uint8Array,
): Promise<ApiResponse> {
  return { status, headers: headersOf(request), body: await inEncoding(request, body) };
}

async function inEncoding({ format }: ResourceRequest, body: string | Uint8Array): Promise<ResponseBody> {
  if (format.encoding === 'json') return body;
  const { stringify } = await import('yaml');
  return stringify(JSON.parse(typeof body === 'string' ? body : Buffer.from(body).toString()));
}

/** RFC 7234 warnings, as kubectl prints them. */
export function warningHeaders(warnings: ReadonlySet<string>): string[] {
  return [...warnings].map((text) => `299 - "${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`);
}

export function headersOf({ format, warnings }: ResourceRequest): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {
    'content-type': format.encoding === 'json' ? 'application/json' : 'application/yaml',
    'cache-control': 'no-cache, private',
  };
  if (warnings.size > 0) headers.warning = warningHeaders(warnings);
  return headers;
}

/** One stored object. */
export function objectResponse(request: ResourceRequest, stored: StoredObject, status = 200): Promise<ApiResponse> {
  const { format, definition, parts } = request;
  if (format.as === 'object') return encoded(request, status, stored.bytes);
  const { object } = stored;
  if (format.as === 'PartialObjectMetadata') return valueResponse(request, partialMetadata(object), status);
  const include = includeObject(request.request.query);
  const row = tableRow(object, { definition, include, now: parts.clock.now() });
  const metadata = { resourceVersion: object.metadata.resourceVersion };
  return valueResponse(request, tableOf([row], metadata, tableColumns(definition)), status);
}

/** Any other value: a Scale, a Status, a review. */
export function valueResponse(request: ResourceRequest, value: unknown, status = 200): Promise<ApiResponse> {
  return encoded(request, status, `${JSON.stringify(value)}\n`);
}
