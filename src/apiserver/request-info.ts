// Reads a request's path: which resource it names, and what is wanted of it (upstream RequestInfo).

import { isOn } from '../apimachinery/query.ts';
import { parseFieldSelector, requiredValue } from '../apimachinery/selectors/field-selector.ts';
import { table } from '../apimachinery/table.ts';
import { unescaped } from './unescaped.ts';

export interface RequestInfo {
  /** False for `/version`, `/healthz`, discovery: then only `verb` and `path` are set. */
  readonly isResource: boolean;
  /** get, list, watch, create, update, patch, delete, deletecollection, empty for other methods; for other paths the method in lower case. */
  readonly verb: string;
  /** Decoded where it is no resource's. */
  readonly path: string;
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural, without its subresource. */
  readonly resource: string;
  /** Empty when the object itself is meant. */
  readonly subresource: string;
  /** Empty for cluster-scoped resources and for lists over all namespaces. */
  readonly namespace: string;
  /** Empty for collections. */
  readonly name: string;
  /** What follows the subresource in the path, decoded: the path of a proxy request. */
  readonly rest: readonly string[];
}

const verbs = table<string>({
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
  GET: 'get',
  HEAD: 'get',
});

function nonResource(method: string, path: string): RequestInfo {
  const verb = method.toLowerCase();
  const empty = { group: '', version: '', resource: '', subresource: '', namespace: '', name: '', rest: [] };
  return { isResource: false, verb, path: unescaped(path), ...empty };
}

const namespaceSubresources = new Set(['status', 'finalize']);

/** The verb of a request without a name: lists may be watches, deletes are of collections. */
function collectionVerb(verb: string, query: URLSearchParams): string {
  if (verb === 'get') return isOn(query.get('watch')) ? 'watch' : 'list';
  return verb === 'delete' ? 'deletecollection' : verb;
}

/** By path: objects are made in few collections, and many in each. */
const collections = new Map<string, RequestInfo>();
const mostCollections = 1000;
/** Characters of one; names of others are kept out, who may ask before anybody knows who they are. */
const longestCollection = 200;

export function parseRequestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  if (method !== 'POST' || query.size > 0 || path.length > longestCollection)
    return readRequestInfo(method, path, query);
  const known = collections.get(path);
  if (known) return known;
  const info = readRequestInfo(method, path, query);
  if (info.isResource && info.name === '') {
    if (collections.size === mostCollections) collections.clear();
    collections.set(path, info);
  }
  return info;
}

function readRequestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  // Decoded first, as Go's paths are: an escaped slash parts segments too.
  const segments = unescaped(path).split('/');
  segments.shift();
  if (segments.at(-1) === '') segments.pop();
  const isCore = segments[0] === 'api';
  const skip = isCore ? 2 : 3;
  if ((!isCore && segments[0] !== 'apis') || segments.length <= skip) return nonResource(method, path);
  const group = isCore ? '' : segments[1]!;
  const version = segments[skip - 1]!;
  let parts = segments.slice(skip);
  let verb = verbs[method] ?? '';
  if (parts[0] === 'watch' && parts.length > 1) {
    parts = parts.slice(1);
    verb = 'watch';
  }
  let namespace = '';
  if (parts[0] === 'namespaces' && parts.length > 1) {
    namespace = parts[1]!;
    const third = parts[2];
    if (third !== undefined && !namespaceSubresources.has(third)) parts = parts.slice(2);
  }
  const [resource = '', name = '', subresource = '', ...rest] = parts;
  // Who asks for one object by its name gets it: `watch` is for collections.
  const resolved = name === '' ? collectionVerb(verb, query) : verb;
  return { isResource: true, verb: resolved, path, group, version, resource, subresource, namespace, name, rest };
}

/**
 * A list or watch of one object by its name (a field selector on metadata.name) is about that object: so it is authorized, and so
 * the audit log has it.
 */
export function namedBySelector(info: RequestInfo, query: URLSearchParams): RequestInfo {
  if (info.verb !== 'list' && info.verb !== 'watch') return info;
  const selector = info.name === '' ? query.get('fieldSelector') : null;
  const name = selector ? selectedValue(selector, 'metadata.name') : undefined;
  return name === undefined || !isPathSegment(name) ? info : { ...info, name };
}

/** The one value that a field selector asks of a field; a selector that cannot be read asks for nothing. */
export function selectedValue(fieldSelector: string, field: string): string | undefined {
  try {
    return requiredValue(parseFieldSelector(fieldSelector), field);
  } catch {
    return undefined;
  }
}

function isPathSegment(name: string): boolean {
  return name !== '.' && name !== '..' && !/[/%]/.test(name);
}

const streaming = new Set(['attach', 'exec', 'log', 'portforward', 'proxy']);

/** Requests that last as long as their client likes: no limit in number or time holds for them. */
export function isLongRunning({ isResource, verb, subresource }: RequestInfo): boolean {
  return isResource && (verb === 'watch' || streaming.has(subresource));
}
