// The Client over any Transport: turns calls into requests of the API's path grammar, and answers into objects or
// StatusErrors.

import { parseExactly } from '../apimachinery/json/int64.ts';
import {
  apiVersionOf,
  type GroupVersionResource,
  type KubeList,
  type KubeObject,
  type WatchEvent,
} from '../apimachinery/object.ts';
import { LateIterator } from './late-iterator.ts';
import { statusErrorOf } from './status-of-response.ts';
import type {
  Client,
  DeleteOptions,
  ListOptions,
  PatchRequest,
  RawRequest,
  RawResponse,
  ResourceClient,
  Transport,
  WatchOptions,
  WriteOptions,
} from './types.ts';
import { readText, watchEvents } from './watch-stream.ts';

const patchTypes: Readonly<Record<PatchRequest['type'], string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** A client of the API server that `transport` reaches. */
export function createClient(transport: Transport): Client {
  return {
    resource: (resource) => new RestResource(transport, resource),
    raw: (request) => transport.request(request),
  };
}

interface Target {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/** `/api/v1/namespaces/NS/pods/NAME/SUB`, each part escaped. */
export function resourcePath(resource: GroupVersionResource, target: Target = {}): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${apiVersionOf(resource)}`;
  const parts = [root];
  if (target.namespace) parts.push('namespaces', encodeURIComponent(target.namespace));
  parts.push(resource.resource);
  if (target.name) parts.push(encodeURIComponent(target.name));
  if (target.subresource) parts.push(target.subresource);
  return parts.join('/');
}

function queryOf(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== '') query.set(name, String(value));
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

function listQuery(options: ListOptions): Record<string, string | number | undefined> {
  const { labelSelector, fieldSelector, resourceVersion, limit } = options;
  return { labelSelector, fieldSelector, resourceVersion, limit, continue: options.continue };
}

function writeQuery({ fieldManager, fieldValidation, dryRun }: WriteOptions): Record<string, string | undefined> {
  return { fieldManager, fieldValidation, dryRun: dryRun ? 'All' : undefined };
}

class RestResource<T extends KubeObject> implements ResourceClient<T> {
  readonly #transport: Transport;
  readonly #resource: GroupVersionResource;

  constructor(transport: Transport, resource: GroupVersionResource) {
    this.#transport = transport;
    this.#resource = resource;
  }

  async get(name: string, namespace?: string): Promise<T> {
    return this.#json<T>({ method: 'GET', path: resourcePath(this.#resource, { namespace, name }) });
  }

  async list(options: ListOptions = {}): Promise<KubeList<T>> {
    const path = resourcePath(this.#resource, { namespace: options.namespace }) + queryOf(listQuery(options));
    const headers = acceptOf(options, 'PartialObjectMetadataList');
    const { signal } = options;
    const list = await this.#json<KubeList<T>>({ method: 'GET', path, headers, ...(signal && { signal }) });
    list.items ??= [];
    completeItems(list);
    return list;
  }

  watch(options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    return { [Symbol.asyncIterator]: () => new LateIterator(() => this.#openWatch(options)) };
  }

  async #openWatch(options: WatchOptions): Promise<AsyncIterable<WatchEvent<T>>> {
    const query = { ...listQuery(options), watch: '1', allowWatchBookmarks: options.allowWatchBookmarks ? 'true' : '' };
    const path = resourcePath(this.#resource, { namespace: options.namespace }) + queryOf(query);
    const headers = acceptOf(options, 'PartialObjectMetadata');
    const response = await this.#send({ method: 'GET', path, headers, signal: options.signal, takesEvents: true });
    // The path names the resource, so that events are of its kind.
    return (response.events as AsyncIterable<WatchEvent<T>> | undefined) ?? watchEvents<T>(response.body);
  }

  async create(object: T, options: WriteOptions = {}): Promise<T> {
    const { namespace, name } = object.metadata;
    const { subresource } = options;
    const path = resourcePath(this.#resource, subresource ? { namespace, name, subresource } : { namespace });
    return this.#json<T>({ method: 'POST', path: path + queryOf(writeQuery(options)), ...jsonBody(unnamed(object)) });
  }

  async update(object: T, options: WriteOptions = {}): Promise<T> {
    const { namespace, name } = object.metadata;
    const path = resourcePath(this.#resource, { namespace, name, subresource: options.subresource });
    return this.#json<T>({ method: 'PUT', path: path + queryOf(writeQuery(options)), ...jsonBody(object) });
  }

  async patch(request: PatchRequest, options: WriteOptions = {}): Promise<T> {
    const { namespace, name } = request;
    const path = resourcePath(this.#resource, { namespace, name, subresource: options.subresource });
    const query = { ...writeQuery(options), force: request.force ? 'true' : undefined };
    const body = jsonBody(request.body, patchTypes[request.type]);
    return this.#json<T>({ method: 'PATCH', path: path + queryOf(query), ...body });
  }

  async delete(name: string, namespace?: string, options?: DeleteOptions): Promise<void> {
    const path = resourcePath(this.#resource, { namespace, name });
    const body = options ? jsonBody({ apiVersion: 'v1', kind: 'DeleteOptions', ...options }) : {};
    await this.#json({ method: 'DELETE', path, ...body });
  }

  async #json<R>(request: RawRequest): Promise<R> {
    const response = await this.#send(request);
    return parseExactly(await readText(response.body)) as R;
  }

  async #send(request: RawRequest): Promise<RawResponse> {
    const headers = { accept: 'application/json', ...request.headers };
    const response = await this.#transport.request({ ...request, headers });
    if (response.status >= 200 && response.status < 300) return response;
    throw statusErrorOf(request, response, await readText(response.body));
  }
}

function jsonBody(value: unknown, type = 'application/json'): Pick<RawRequest, 'headers' | 'body'> {
  return { headers: { 'content-type': type }, body: JSON.stringify(value) };
}

/** An empty name asks for a generated one; it is not sent. */
function unnamed<T extends KubeObject>(object: T): unknown {
  if (object.metadata.name !== '') return object;
  const { name: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function acceptOf({ metadataOnly }: ListOptions, kind: string): Readonly<Record<string, string>> {
  return metadataOnly ? { accept: `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json` } : {};
}

/** Items of a list come without apiVersion and kind; those who hold single objects want them. */
function completeItems<T extends KubeObject>(list: KubeList<T>): void {
  if (!list.kind?.endsWith('List')) return;
  const kind = list.kind.slice(0, -'List'.length);
  for (const item of list.items) {
    item.apiVersion ??= list.apiVersion;
    item.kind ??= kind;
  }
}
