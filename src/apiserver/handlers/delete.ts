// DELETE of one object, and of all that a selector finds.

import { parseExactly } from '../../apimachinery/json/int64.ts';
import { isObject } from '../../apimachinery/json/value.ts';
import { type KubeObject, printResource } from '../../apimachinery/object.ts';
import { isOn } from '../../apimachinery/query.ts';
import { DecodeError, decodeObject } from '../../apimachinery/schema/decode.ts';
import { badRequest, forbidden, isNotFound } from '../../apimachinery/status.ts';
import { table } from '../../apimachinery/table.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { terminateDefinition } from '../custom-resources/terminate.ts';
import { type DeleteOptions, type Deletion, saysOfDependents, validateDeleteOptions } from '../registry/deletion.ts';
import type { ApiResponse } from '../request.ts';
import type { StoredObject } from '../watch-cache/stored-object.ts';
import { admitDelete } from './admission.ts';
import { checkShape, parseOptionalBody } from './body.ts';
import { readPage } from './list.ts';
import { listMetadata, listResponse } from './list-response.ts';
import { integer, listQuery } from './options.ts';
import { objectResponse, valueResponse } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';

const optionsKind = { group: 'meta.k8s.io', version: 'v1', kind: 'DeleteOptions' };
/** Where upstream keeps the kinds of options: part of a refusal. */
const optionsScheme = 'k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27';

/** From the body, or from the query where there is none. */
async function readDeleteOptions(request: ResourceRequest): Promise<DeleteOptions> {
  const body = await parseOptionalBody(request.request);
  const given = body ? fromBody(request, body.value) : fromQuery(request.request.query);
  const { gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions, dryRun } = given as {
    gracePeriodSeconds?: unknown;
    propagationPolicy?: DeleteOptions['propagationPolicy'];
    orphanDependents?: boolean;
    preconditions?: DeleteOptions['preconditions'];
    dryRun?: readonly string[];
  };
  validateDeleteOptions({
    ...(typeof propagationPolicy === 'string' && { propagationPolicy }),
    ...(typeof orphanDependents === 'boolean' && { orphanDependents }),
    ...(Array.isArray(dryRun) && { dryRun }),
  });
  return {
    ...(typeof gracePeriodSeconds === 'number' && { gracePeriodSeconds }),
    ...(typeof propagationPolicy === 'string' && { propagationPolicy }),
    ...(typeof orphanDependents === 'boolean' && { orphanDependents }),
    ...(isObject(preconditions) && { preconditions }),
    dryRun: Array.isArray(dryRun) && dryRun.length > 0,
  };
}

/** Options of any group: all have them, and all are the same. */
function fromBody({ parts }: ResourceRequest, value: unknown): Record<string, unknown> {
  checkShape(value);
  const kind = isObject(value) ? value.kind : undefined;
  if (kind !== undefined && kind !== '' && kind !== optionsKind.kind) {
    const { apiVersion = 'v1' } = value as { apiVersion?: unknown };
    const version = JSON.stringify(apiVersion);
    throw badRequest(
      kind === 'Status'
        ? 'converting (v1.Status) to (v1.DeleteOptions): unknown conversion'
        : `no kind ${JSON.stringify(kind)} is registered for version ${version} in scheme "${optionsScheme}"`,
    );
  }
  const schema = parts.schemas.typeSchema('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions')!;
  try {
    return decodeObject(value ?? {}, schema).object;
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(error.message);
    throw error;
  }
}

function fromQuery(query: URLSearchParams): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  const grace = integer(query, 'gracePeriodSeconds');
  if (grace !== undefined) given.gracePeriodSeconds = grace;
  const policy = query.get('propagationPolicy');
  if (policy !== null) given.propagationPolicy = policy;
  const [uid, resourceVersion] = [query.get('uid'), query.get('resourceVersion')];
  if (uid !== null || resourceVersion !== null) {
    given.preconditions = { ...(uid !== null && { uid }), ...(resourceVersion !== null && { resourceVersion }) };
  }
  if (query.has('orphanDependents')) given.orphanDependents = isOn(query.get('orphanDependents'));
  if (query.has('dryRun')) given.dryRun = query.getAll('dryRun');
  return given;
}

/** Of an object or a collection. */
async function deletionOptions(request: ResourceRequest): Promise<DeleteOptions> {
  const options = await readDeleteOptions(request);
  const { orphansByDefault } = request.definition;
  if (orphansByDefault?.warning && !saysOfDependents(options)) request.warnings.add(orphansByDefault.warning);
  return options;
}

export async function handleDelete(request: ResourceRequest): Promise<ApiResponse> {
  const options = await deletionOptions(request);
  const { definition, info } = request;
  const refused = definition.undeletable?.(info.name);
  if (refused !== undefined) throw forbidden(definition, info.name, refused);
  const { object, removed } = await deleteOne(request, { options, name: info.name });
  // As upstream: who asks in the old words for what depends on it to go too learns that it goes on.
  const status = !removed && options.orphanDependents === false ? 202 : 200;
  return deletedResponse(request, { object, removed, status });
}

/** The object where the kind says so or it is still there; else a Status that names what went. */
function deletedResponse(
  request: ResourceRequest,
  { object, removed, status }: { readonly object: StoredObject; readonly removed: boolean; readonly status: number },
): Promise<ApiResponse> | ApiResponse {
  const { definition } = request;
  if (!removed || definition.returnsDeletedObject) return objectResponse(request, object, status);
  const { group, resource } = definition;
  const { name, uid } = object.object.metadata;
  const details = { name, ...(group && { group }), kind: resource, uid };
  return valueResponse(request, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
}

export function deleteOne(
  request: ResourceRequest,
  given: {
    readonly options: DeleteOptions;
    readonly name: string;
    readonly namespace?: string;
    /** False where the deletion was admitted as something else: an eviction. */
    readonly admitted?: boolean;
  },
): Promise<{ readonly object: StoredObject; readonly removed: boolean }> {
  const { parts, definition, store } = request;
  const { options, name, namespace = request.info.namespace, admitted = true } = given;
  const { dryRun = false, ...others } = options;
  const printed = { ...others, ...(dryRun && { dryRun: ['All'] }) };
  const terminate = terminations[printResource(definition)];
  return store.delete({
    namespace,
    name,
    options,
    dryRun,
    ...(admitted && { check: (old) => admitDelete(request, old, { dryRun, options: printed }) }),
    ...(terminate && { adjust: (plan, old) => terminate(plan, old, parts.clock.now()) }),
  });
}

/** Kinds that hold other objects: they are marked first, and go when those are gone. */
const terminations = table<typeof terminateNamespace>({
  namespaces: terminateNamespace,
  'customresourcedefinitions.apiextensions.k8s.io': terminateDefinition,
});

interface NamespaceLike extends KubeObject {
  spec?: { finalizers?: string[] };
  status?: { phase?: string };
}

/** A namespace is marked first; it goes when nothing holds it any more, its spec's finalizers among them. */
function terminateNamespace(plan: Deletion, old: Readonly<KubeObject>, now: number): Deletion {
  const { spec } = old as NamespaceLike;
  if (old.metadata.deletionTimestamp !== undefined) {
    return plan.type === 'remove' && (spec?.finalizers?.length ?? 0) > 0 ? { type: 'wait' } : plan;
  }
  const base = plan.type === 'mark' ? plan.object : (parseExactly(JSON.stringify(old)) as KubeObject);
  const object = base as NamespaceLike;
  object.metadata.deletionTimestamp = formatTime(now);
  delete object.metadata.deletionGracePeriodSeconds;
  object.status = { ...object.status, phase: 'Terminating' };
  return { type: 'mark', object };
}

export async function handleDeleteCollection(request: ResourceRequest): Promise<ApiResponse> {
  const query = listQuery(request.request.query, request.definition, false);
  const options = await deletionOptions(request);
  const page = await readPage(request, query);
  for (const { object } of page.items) {
    const { name, namespace = '' } = object.metadata;
    try {
      await deleteOne(request, { options, name, namespace });
    } catch (error) {
      // Someone else was quicker.
      if (!isNotFound(error)) throw error;
    }
  }
  // What was found, as it was.
  return listResponse(request, page.items, listMetadata(request, page));
}
