// Who owns which field: recorded on every write, decided by on server-side apply.

import type { ResourceDefinition } from '../../api/resource.ts';
import { isObject } from '../../apimachinery/json/value.ts';
import { apply, type SeenAs } from '../../apimachinery/managedfields/apply.ts';
import { emptySet, type FieldSet, setOf } from '../../apimachinery/managedfields/field-set.ts';
import { recordUpdate, type Writer } from '../../apimachinery/managedfields/record-update.ts';
import type { ManagedFieldsEntry } from '../../apimachinery/meta/v1.generated.ts';
import { apiVersionOf, type KubeObject } from '../../apimachinery/object.ts';
import { decodeObject } from '../../apimachinery/schema/decode.ts';
import type { ObjectSchema } from '../../apimachinery/schema/schema.ts';
import { conflict, StatusError } from '../../apimachinery/status.ts';
import { formatTime } from '../../apimachinery/time.ts';
import type { Clock } from '../../system/clock.ts';
import { asKind } from './body.ts';
import { kindOf, placeInNamespace, schemaFor } from './create.ts';
import type { WriteQuery } from './options.ts';
import type { ResourceRequest } from './resource-request.ts';
import { checkName } from './update.ts';

const statusReset = setOf([['f:spec'], ['f:metadata', 'f:labels']]);
const objectReset = setOf([['f:status']]);

/** What an endpoint does not let the client set, and so nobody comes to own by it. */
function resetFields(definition: ResourceDefinition, subresource: string): FieldSet {
  if (subresource === 'status') return statusReset;
  const hasStatus = definition.subresources.some(({ resource }) => resource === `${definition.resource}/status`);
  return hasStatus && subresource === '' ? objectReset : emptySet;
}

function writerOf(request: ResourceRequest, fieldManager: string): Writer {
  const { definition, info, parts } = request;
  const agent = request.request.headers['user-agent'] ?? '';
  return {
    manager: fieldManager || agent.split('/', 1)[0]!,
    apiVersion: apiVersionOf(definition),
    subresource: info.subresource,
    time: formatTime(parts.clock.now()),
    resetFields: resetFields(definition, info.subresource),
  };
}

function setManagedFields({ metadata }: KubeObject, entries: ManagedFieldsEntry[] | undefined): void {
  if (entries === undefined || entries.length === 0) delete metadata.managedFields;
  else metadata.managedFields = entries;
}

/** For every write but apply. The object is decoded and defaulted, and the server has filled nothing in yet. */
export function recordManager(
  request: ResourceRequest,
  write: { readonly object: KubeObject; readonly old: Readonly<KubeObject> | undefined; readonly fieldManager: string },
): void {
  const { object, old, fieldManager } = write;
  const schema = schemaFor(request, kindOf(request.definition));
  setManagedFields(object, recordUpdate({ ...writerOf(request, fieldManager), schema, old, new: object }));
}

/** The same for an object that the server itself makes. */
export function recordMaker(
  object: KubeObject,
  maker: { readonly definition: ResourceDefinition; readonly schema: ObjectSchema; manager: string; clock: Clock },
): void {
  const { definition, schema, manager, clock } = maker;
  const apiVersion = apiVersionOf(definition);
  const time = formatTime(clock.now());
  const writer: Writer = { manager, apiVersion, subresource: '', time, resetFields: resetFields(definition, '') };
  setManagedFields(object, recordUpdate({ ...writer, schema, old: undefined, new: object }));
}

/** The object that a server-side apply makes. Throws 409 with one cause per conflict. */
export function applyConfiguration(
  request: ResourceRequest,
  given: {
    readonly configuration: unknown;
    readonly old: Readonly<KubeObject> | undefined;
    readonly query: WriteQuery;
    readonly seenAs?: SeenAs;
  },
): KubeObject {
  const { definition } = request;
  const { configuration, old, query, seenAs } = given;
  const schema = schemaFor(request, kindOf(definition));
  checkName({ metadata: { name: request.info.name, ...metadataOf(configuration) } }, request);
  checkAppliedKind(configuration, definition);
  const applied = apply({
    ...writerOf(request, query.fieldManager),
    schema,
    kind: definition.kind,
    live: old,
    applied: configuration,
    force: query.force ?? false,
    ...(seenAs && { seenAs }),
  });
  const object = asKind(decodeObject(applied.object, schema).object, kindOf(definition));
  const { uid } = object.metadata;
  if (!old && uid) {
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict(definition, request.info.name, why);
  }
  checkName(object, request);
  placeInNamespace(object, request);
  definition.strategy.default?.(object);
  setManagedFields(object, applied.managedFields);
  return object;
}

/** As upstream, a configuration of another kind is one whose type is not found. Versions are told of later. */
function checkAppliedKind(configuration: unknown, definition: ResourceRequest['definition']): void {
  if (!isObject(configuration)) return;
  const { apiVersion, kind = '' } = configuration;
  if (kind === definition.kind || apiVersion !== apiVersionOf(definition)) return;
  const { namespace = '', name = '' } = metadataOf(configuration);
  const type = `${apiVersion}, Kind=${String(kind)}`;
  const message = `failed to create typed patch object (${namespace}/${name}; ${type}): no corresponding type for ${type}`;
  throw new StatusError({ code: 500, message });
}

function metadataOf(configuration: unknown): Partial<KubeObject['metadata']> {
  const { metadata } = (configuration ?? {}) as { metadata?: Partial<KubeObject['metadata']> | null };
  return metadata ?? {};
}
