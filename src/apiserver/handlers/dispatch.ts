// Which handler answers which verb on which resource or subresource.
import type { Later } from '../../apimachinery/later.ts';
import { table } from '../../apimachinery/table.ts';
import { methodNotAllowed, pathNotFound } from '../errors.ts';
import type { ApiResponse } from '../request.ts';
import { admitConnect, writeAdmission } from './admission.ts';
import { handleBinding } from './binding.ts';
import { readObject } from './body.ts';
import { handleComponentStatuses } from './component-statuses.ts';
import { handleCreate } from './create.ts';
import { handleDelete, handleDeleteCollection } from './delete.ts';
import { handleEviction } from './eviction.ts';
import { asFreshAsWanted, handleList } from './list.ts';
import { writeQuery } from './options.ts';
import { handlePatch } from './patch.ts';
import { objectResponse, valueResponse } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';
import { handleScale } from './scale.ts';
import { handleUpdate } from './update.ts';
import { handleWatch } from './watch.ts';
import { kindOf, placeInNamespace, schemaFor } from './written-object.ts';

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
    const name = info.group === '' ? subresource.resource : `${subresource.resource}.${info.group}`;
    if (info.subresource !== 'proxy' && !subresource.verbs.includes(verb)) throw methodNotAllowed();
    const connect = parts.extensions.connect[name];
    if (connect) {
      return admitConnect(request).then(() => connect(request.request, info, request.user));
    }
    return handleSubresource(request);
  }
  const isCollection = verb === 'list' || verb === 'create' || verb === 'deletecollection' || verb === 'watch';
  if (definition.schema === undefined) {
    if (!definition.verbs.includes(verb) || (info.name !== '' && verb === 'create')) throw methodNotAllowed();
    if (info.name === '' && !isCollection) throw methodNotAllowed();
  }
  if (info.group === '' && info.resource === 'bindings') return handleBinding(request, podsRequest(request));
  if (info.group === '' && info.resource === 'componentstatuses') return handleComponentStatuses(request);
  return handlers[verb]!(request);
}

function podsRequest(request: ResourceRequest): ResourceRequest {
  const store = request.parts.registry.coreStore('pods');
  return { ...request, store, definition: store.definition };
}

function handleSubresource(request: ResourceRequest): Promise<ApiResponse> {
  const { info, parts, subresource } = request;
  const name = info.group === '' ? subresource!.resource : `${subresource!.resource}.${info.group}`;
  if (parts.extensions.virtual[name]) return handleVirtual(request, name);
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

/** POST of a subresource that is not stored: serviceaccounts/token. */
async function handleVirtual(request: ResourceRequest, name: string): Promise<ApiResponse> {
  const { info, user, subresource, warnings, parts } = request;
  const { dryRun, fieldValidation } = writeQuery(request.request.query, 'CreateOptions');
  const expected = kindOf(subresource!);
  const schema = schemaFor(request, expected);
  const decode = await readObject({ request: request.request, expected, schema, fieldValidation, warnings });
  const object = decode();
  placeInNamespace(object, request);
  const admission = writeAdmission(request, { dryRun, kind: expected });
  await admission.admit(object);
  await admission.validate(object);
  return valueResponse(request, await parts.extensions.virtual[name]!(object, { user, info, dryRun }), 201);
}
