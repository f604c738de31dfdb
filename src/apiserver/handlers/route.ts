// What a path and a method lead to. Built-in resources have routes of their own, as upstream's: what matches none is not there,
// or is not allowed. Custom resources are served by one handler that looks at what a request means.

import type { ResourceDefinition, ResourceFacts } from '../../api/resource.ts';
import { badRequest, methodNotSupported, notFound } from '../../apimachinery/status.ts';
import { methodNotAllowed, pathNotFound } from '../errors.ts';
import type { Registry } from '../registry/registry.ts';
import type { RequestInfo } from '../request-info.ts';

export interface Route {
  readonly definition: ResourceDefinition;
  readonly subresource: ResourceFacts | undefined;
}

/** Subresources that speak for themselves, whatever the method and the rest of the path. */
export const connectSubresources: ReadonlySet<string> = new Set(['log', 'exec', 'attach', 'portforward', 'proxy']);

/** Undefined: the path leads nowhere, which is told as plain text. Throws a StatusError for what is refused. */
export function routeTo(
  registry: Pick<Registry, 'find' | 'hasBuiltInGroup'>,
  info: RequestInfo,
  method: string,
): Route | undefined {
  const definition = registry.find(info.group, info.version, info.resource);
  if (definition?.schema !== undefined) return customRoute(definition, info);
  if (definition) return builtInRoute(definition, info, method);
  if (registry.hasBuiltInGroup(info.group)) throw pathNotFound();
  return undefined;
}

function subresourceOf({ subresources }: ResourceDefinition, info: RequestInfo): ResourceFacts | undefined {
  if (info.subresource === '') return undefined;
  return subresources.find(({ resource }) => resource === `${info.resource}/${info.subresource}`);
}

function builtInRoute(definition: ResourceDefinition, info: RequestInfo, method: string): Route {
  const subresource = subresourceOf(definition, info);
  if (info.subresource !== '' && !subresource) throw pathNotFound();
  // Namespaced resources have no object outside a namespace, cluster-scoped ones none inside.
  if (definition.namespaced ? info.name !== '' && info.namespace === '' : isMisplaced(info)) throw pathNotFound();
  // What lies behind a proxy has paths and methods of its own.
  if (subresource && info.subresource === 'proxy') return { definition, subresource };
  if (info.rest.length > 0 || (info.name !== '' && info.path.endsWith('/'))) throw pathNotFound();
  if (!subresource && isNowhere(definition, info)) throw pathNotFound();
  if (subresource && info.verb === 'watch') throw pathNotFound();
  if (method === 'HEAD' || (info.verb === 'watch' && method !== 'GET')) throw methodNotAllowed();
  return { definition, subresource };
}

const objectVerbs: readonly string[] = ['get', 'update', 'patch', 'delete'];

/** What is only ever asked (a review, a binding) has no objects, and nothing outside of namespaces that is inside. */
function isNowhere({ namespaced, verbs }: ResourceDefinition, { name, namespace }: RequestInfo): boolean {
  if (name !== '') return !objectVerbs.some((verb) => verbs.includes(verb));
  return namespaced && namespace === '' && !verbs.includes('list');
}

function isMisplaced({ namespace, resource }: RequestInfo): boolean {
  return namespace !== '' && resource !== 'namespaces';
}

function customRoute(definition: ResourceDefinition, info: RequestInfo): Route | undefined {
  const { verb, name, namespace } = info;
  if (definition.namespaced ? namespace === '' && verb !== 'list' && verb !== 'watch' : namespace !== '') {
    return undefined;
  }
  const subresource = subresourceOf(definition, info);
  if (info.subresource !== '' && !subresource) throw notFound(definition, name);
  if (!(subresource ?? definition).verbs.includes(verb)) throw methodNotSupported(definition, verb);
  if (name === '' && (verb === 'update' || verb === 'patch')) throw badRequest('name must be provided');
  return { definition, subresource };
}
