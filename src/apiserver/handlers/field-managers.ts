// Who owns which field: recorded on every write, decided by on server-side apply.

import type { ResourceDefinition } from '../../api/resource.ts';
import { apply } from '../../apimachinery/managedfields/apply.ts';
import { printObject } from '../../apimachinery/managedfields/check-applied.ts';
import { type FieldSet, inTextOrder } from '../../apimachinery/managedfields/field-set.ts';
import { recordUpdate, type Writer } from '../../apimachinery/managedfields/record-update.ts';
import { oneVersion, type Versions } from '../../apimachinery/managedfields/versions.ts';
import type { ManagedFieldsEntry } from '../../apimachinery/meta/v1.generated.ts';
import { apiVersionOf, type GroupVersionKind, type KubeObject, printKind } from '../../apimachinery/object.ts';
import { convertObject, DecodeError } from '../../apimachinery/schema/decode.ts';
import type { ObjectSchema } from '../../apimachinery/schema/schema.ts';
import { conflict, StatusError } from '../../apimachinery/status.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { managerOfUserAgent } from '../../apimachinery/validation/field-manager.ts';
import type { Clock } from '../../system/clock.ts';
import { asKind } from './object-body.ts';
import { versionsOf } from './object-versions.ts';
import type { WriteQuery } from './options.ts';
import { ownFieldsOf } from './own-fields.ts';
import type { ResourceRequest } from './resource-request.ts';
import { checkName, kindOf, placeInNamespace, schemaFor } from './written-object.ts';

function writerOf(
  request: ResourceRequest,
  { fieldManager, kind, versions }: { fieldManager: string; kind: GroupVersionKind; versions: Versions },
): Writer {
  const agent = request.request.headers['user-agent'] ?? '';
  return {
    manager: fieldManager || managerOfUserAgent(agent),
    apiVersion: apiVersionOf(kind),
    subresource: request.info.subresource,
    time: formatTime(request.parts.clock.now()),
    versions,
  };
}

function setManagedFields(
  { metadata }: KubeObject,
  entries: ManagedFieldsEntry[] | undefined,
  { inVersion }: ResourceDefinition,
): void {
  if (entries === undefined || entries.length === 0) delete metadata.managedFields;
  else metadata.managedFields = inVersion ? entries.map(asCustom) : entries;
}

function asCustom(entry: ManagedFieldsEntry): ManagedFieldsEntry {
  return { ...entry, fieldsV1: inTextOrder(entry.fieldsV1 as FieldSet) };
}

export interface ManagedWrite {
  readonly object: KubeObject;
  readonly old: Readonly<KubeObject> | undefined;
  readonly fieldManager: string;
}

/** For every write but apply. The object is decoded and defaulted, and the server has filled nothing in yet. */
export function recordManager(request: ResourceRequest, write: ManagedWrite): void {
  recordManagerAs(request, kindOf(request.definition), write);
}

/** The same for an object of any kind: the body of a subresource may be of one of its own. */
export function recordManagerAs(request: ResourceRequest, kind: GroupVersionKind, write: ManagedWrite): void {
  const { object, old, fieldManager } = write;
  const versions = versionsOfKind(request, kind);
  setManagedFields(
    object,
    recordUpdate({ ...writerOf(request, { fieldManager, kind, versions }), old, new: object }),
    request.definition,
  );
}

function versionsOfKind(request: ResourceRequest, kind: GroupVersionKind): Versions {
  const schema = schemaFor(request, kind);
  return kind.kind === request.definition.kind ? versionsOf(request, schema) : oneVersion({ schema });
}

/** The same for an object that the server itself makes. */
export function recordMaker(
  object: KubeObject,
  maker: { readonly definition: ResourceDefinition; readonly schema: ObjectSchema; manager: string; clock: Clock },
): void {
  const { definition, schema, manager, clock } = maker;
  const apiVersion = apiVersionOf(definition);
  const time = formatTime(clock.now());
  const versions = oneVersion({ schema, own: ownFieldsOf(definition, '') });
  setManagedFields(
    object,
    recordUpdate({ manager, apiVersion, subresource: '', time, versions, old: undefined, new: object }),
    definition,
  );
}

export interface GivenConfiguration {
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly old: Readonly<KubeObject> | undefined;
  readonly query: WriteQuery;
}

/** The object that a server-side apply makes. Throws 409 with one cause per conflict. */
export function applyConfiguration(request: ResourceRequest, given: GivenConfiguration): KubeObject {
  const { definition } = request;
  const { old } = given;
  const kind = kindOf(definition);
  const object = appliedAs(request, kind, given);
  const { uid } = object.metadata;
  if (!old && uid) {
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict(definition, request.info.name, why);
  }
  checkName(object, request);
  placeInNamespace(object, request);
  return object;
}

/** The same for an object of any kind: the body of a subresource may be of one of its own. */
export function appliedAs(
  request: ResourceRequest,
  kind: GroupVersionKind,
  { configuration, old, query }: GivenConfiguration,
): KubeObject {
  const { definition } = request;
  const versions = versionsOfKind(request, kind);
  const applied = apply({
    ...writerOf(request, { fieldManager: query.fieldManager, kind, versions }),
    kind: kind.kind,
    live: old,
    applied: configuration,
    force: query.force ?? false,
  });
  const object = asKind(decodeApplied(applied.object, schemaFor(request, kind), { configuration, kind }), kind);
  if (kind.kind === definition.kind) definition.strategy.default?.(object);
  setManagedFields(object, applied.managedFields, definition);
  return object;
}

/** What fits the type may still be no such object: a text that is no time. */
function decodeApplied(
  object: unknown,
  schema: ObjectSchema,
  { configuration, kind }: { readonly configuration: unknown; readonly kind: GroupVersionKind },
): Record<string, unknown> {
  if (schema.decode) return schema.decode(object, { keepsNulls: true }).object;
  try {
    return convertObject(object, schema).object;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const what = printObject(configuration, apiVersionOf(kind), kind.kind);
    const why = `unable to convert unstructured object to ${printKind(apiVersionOf(kind), kind.kind)}: ${error.message}`;
    const message = `failed to convert new object (${what}) to proper version: ${why}`;
    throw new StatusError({ code: 500, message });
  }
}
