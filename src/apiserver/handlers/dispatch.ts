// Which handler answers which verb on which resource or subresource.
import type { Later } from '../../apimachinery/later.ts';
import { printResource } from '../../apimachinery/object.ts';
import { table } from '../../apimachinery/table.ts';
import { methodNotAllowed, pathNotFound } from '../errors.ts';
import type { ApiResponse } from '../request.ts';
import { admitConnect } from './admission.ts';
import { handleBinding } from './binding.ts';
import { handleComponentStatuses } from './component-statuses.ts';
import { handleCreate } from './create.ts';
import { handleDelete, handleDeleteCollection } from './delete.ts';
import { handleEviction } from './eviction.ts';
import { asFreshAsWanted } from './freshness.ts';
import { handleList } from './list.ts';
import { handlePatch } from './patch.ts';
import { objectResponse } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';
import { handleScale } from './scale.ts';
import { handleUpdate } from './update.ts';
import { handleVirtual } from './virtual.ts';
import { handleWatch } from './watch.ts';

type Handler = (request: ResourceRequest) => Promise<ApiResponse>;

const handlers = table<Handler>({
  get: handleGet,
  list: handleList,
  watch: handleWatch,
  create: handleCreate,
  update: handleUpdate,
  patch: handlePatch,
  delete: handleDelete,
  deletecollection: handleDeleteCollection,
});

async function handleGet(request: ResourceRequest): Promise<ApiResponse> {
  const { store, info } = request;
  await asFreshAsWanted(request);
  return objectResponse(request, await store.get(info.namespace, info.name));
}

export function handleResource(request: ResourceRequest): Later<ApiResponse> {
  const { info, definition, subresource, parts } = request;
  const { verb } = info;
  if (subresource) {
    if (info.subresource !== 'proxy' && !subresource.verbs.includes(verb)) throw methodNotAllowed();
    const name = printResource(subresource);
    const connect = parts.extensions.connect[name];
    if (connect) {
      return admitConnect(request).then(() => connect(request.request, info, request.user));
    }
    const virtual = parts.extensions.virtual[name];
    return virtual ? handleVirtual(request, virtual) : handleSubresource(request);
  }
  const isCollection = verb === 'list' || verb === 'create' || verb === 'deletecollection' || verb === 'watch';
  if (definition.schema === undefined) {
    if (!definition.verbs.includes(verb) || (info.name !== '' && verb === 'create')) throw methodNotAllowed();
    if (info.name === '' && !isCollection) throw methodNotAllowed();
  }
  if (info.group === '' && info.resource === 'bindings') return handleBinding(request, podsRequest(request));
  if (info.group === '' && info.resource === 'componentstatuses') return handleComponentStatuses(request);
  const virtual = verb === 'create' ? parts.extensions.virtual[printResource(definition)] : undefined;
  return virtual ? handleVirtual(request, virtual) : handlers[verb]!(request);
}

function podsRequest(request: ResourceRequest): ResourceRequest {
  const store = request.parts.registry.coreStore('pods');
  return { ...request, store, definition: store.definition };
}

function handleSubresource(request: ResourceRequest): Promise<ApiResponse> {
  const { info } = request;
  switch (info.subresource) {
    case 'binding':
      return handleBinding(request, request);
    case 'eviction':
      return handleEviction(request);
    case 'scale':
      return handleScale(request);
    case 'status':
    case 'finalize':
    case 'approval':
    case 'resize':
    case 'ephemeralcontainers':
      return handlers[info.verb]!(request);
    default:
      throw pathNotFound();
  }
}
