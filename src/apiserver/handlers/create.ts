// POST: makes an object.

import type { ResourceFacts } from '../../api/resource.ts';
import { andThen } from '../../apimachinery/later.ts';
import type { GroupVersionKind, KubeObject } from '../../apimachinery/object.ts';
import type { ObjectSchema } from '../../apimachinery/schema/schema.ts';
import { badRequest } from '../../apimachinery/status.ts';
import { methodNotAllowed } from '../errors.ts';
import { dropSystemMetadata } from '../registry/metadata.ts';
import type { ApiResponse } from '../request.ts';
import { writeAdmission } from './admission.ts';
import { readObject } from './body.ts';
import { recordManager } from './field-managers.ts';
import { writeQuery } from './options.ts';
import { dropRepeatedOwners } from './owner-references.ts';
import { objectResponse, valueResponse } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';

/** The group, version and kind of a resource's or subresource's body. */
export function kindOf(facts: ResourceFacts): GroupVersionKind {
  return { ...(facts.kindGroupVersion ?? { group: facts.group, version: facts.version }), kind: facts.kind };
}

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

export async function handleCreate(request: ResourceRequest): Promise<ApiResponse> {
  const { definition, info, parts, user, store, warnings } = request;
  if (definition.namespaced && info.namespace === '') throw methodNotAllowed();
  const { dryRun, fieldValidation, fieldManager } = writeQuery(request.request.query, 'CreateOptions');
  const expected = kindOf(definition);
  const schema = schemaFor(request, expected);
  const decode = await readObject({ request: request.request, expected, schema, fieldValidation, warnings });
  const virtual = parts.extensions.virtual[info.group === '' ? info.resource : `${info.resource}.${info.group}`];
  if (virtual) {
    const object = decode();
    dropSystemMetadata(object);
    placeInNamespace(object, request);
    const admission = writeAdmission(request, { dryRun });
    await admission.admit(object);
    await admission.validate(object);
    return valueResponse(request, await virtual(object, { user, info, dryRun }), 201);
  }
  const admission = writeAdmission(request, { dryRun });
  const make = () => {
    const object = decode();
    dropSystemMetadata(object);
    placeInNamespace(object, request);
    dropRepeatedOwners(object, { warnings, of: 'body' });
    definition.strategy.default?.(object);
    recordManager(request, { object, old: undefined, fieldManager });
    return andThen(admission.admit(object), () => {
      // What changes an object in admission may have moved it.
      placeInNamespace(object, request);
      return object;
    });
  };
  const fresh = parts.cache.waitForNow();
  if (fresh instanceof Promise) await fresh;
  return objectResponse(request, await store.create({ make, check: admission.validate, dryRun, warnings }), 201);
}
