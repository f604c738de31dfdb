// The object that a write brings: its kind and schema, and whether it is the one that the path names.

import type { ResourceFacts } from '../../api/resource.ts';
import type { GroupVersionKind, KubeObject } from '../../apimachinery/object.ts';
import type { ObjectSchema } from '../../apimachinery/schema/schema.ts';
import { badRequest, conflict } from '../../apimachinery/status.ts';
import { table } from '../../apimachinery/table.ts';
import type { ResourceRequest } from './resource-request.ts';

/** The group, version and kind of a resource's or subresource's body. */
export function kindOf(facts: ResourceFacts): GroupVersionKind {
  let kind = kinds.get(facts);
  if (!kind) {
    const { group, version } = facts.kindGroupVersion ?? facts;
    kind = { group, version, kind: facts.kind };
    kinds.set(facts, kind);
  }
  return kind;
}

/** Every request asks for that of its resource several times. */
const kinds = new WeakMap<ResourceFacts, GroupVersionKind>();

/** The schema of a body of the kind. Throws where there is none: each kind that is served has one. */
export function schemaFor({ parts, definition }: ResourceRequest, kind: GroupVersionKind): ObjectSchema {
  const isOwn = kind.kind === definition.kind && kind.group === definition.group;
  const schema = (isOwn ? definition.schema : undefined) ?? parts.schemas.schemaOf(kind);
  if (!schema) throw new Error(`no schema of ${kind.kind} in ${kind.group}/${kind.version}`);
  return schema;
}

/** Sets the namespace of the URL, or none where the kind has none; throws 400 when the object names another. */
export function placeInNamespace(object: KubeObject, { info, definition }: ResourceRequest): void {
  const { metadata } = object;
  if (!definition.namespaced) {
    delete metadata.namespace;
    return;
  }
  if (metadata.namespace && metadata.namespace !== info.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  metadata.namespace = info.namespace;
}

/** 400 where the object names itself otherwise than the URL, or not at all. */
export function checkName(object: KubeObject, { info }: ResourceRequest): void {
  const { name } = object.metadata;
  if (!name) {
    throw badRequest(`the name of the object (${info.name} based on URL) was undeterminable: name must be provided`);
  }
  if (name !== info.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${info.name})`);
  }
}

/** Where upstream keeps what does not lie under the name of its resource. */
const upstreamFolders = table<string>({
  services: 'services/specs',
  endpoints: 'services/endpoints',
  nodes: 'minions',
  ingresses: 'ingress',
});

/** Upstream's key of an object: part of the text of one conflict. */
function upstreamKey({ definition, info }: ResourceRequest, name: string): string {
  const folder = upstreamFolders[definition.resource] ?? definition.resource;
  const group = definition.schema === undefined ? [] : [definition.group];
  return ['/registry', ...group, folder, ...(info.namespace ? [info.namespace] : []), name].join('/');
}

/** 409 where the object is of another UID than the present one, or there is none. */
export function checkUid(object: KubeObject, old: Readonly<KubeObject> | undefined, request: ResourceRequest): void {
  const { name } = request.info;
  checkPrecondition(request, { name, field: 'UID', given: object.metadata.uid, present: old?.metadata.uid });
}

interface Precondition {
  /** Of the object. */
  readonly name: string;
  readonly field: 'UID' | 'ResourceVersion';
  readonly given: string | undefined;
  readonly present: string | undefined;
}

/** 409 in the words of upstream's storage where the object is not as the client means it; nothing given means any. */
export function checkPrecondition(request: ResourceRequest, { name, field, given, present = '' }: Precondition): void {
  if (!given || given === present) return;
  const why = `Precondition failed: ${field} in precondition: ${given}, ${field} in object meta: ${present}`;
  throw conflict(
    request.definition,
    name,
    `StorageError: invalid object, Code: 4, Key: ${upstreamKey(request, name)}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`,
  );
}
