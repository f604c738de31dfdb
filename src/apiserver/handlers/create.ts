// POST: makes an object.

import { andThen } from '../../apimachinery/later.ts';
import { methodNotAllowed } from '../errors.ts';
import { dropSystemMetadata } from '../registry/metadata.ts';
import type { ApiResponse } from '../request.ts';
import { writeAdmission } from './admission.ts';
import { recordManager } from './field-managers.ts';
import { readObject } from './object-body.ts';
import { writeQuery } from './options.ts';
import { dropRepeatedOwners } from './owner-references.ts';
import { objectResponse } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';
import { kindOf, placeInNamespace, schemaFor } from './written-object.ts';

export async function handleCreate(request: ResourceRequest): Promise<ApiResponse> {
  const { definition, info, parts, store, warnings } = request;
  if (definition.namespaced && info.namespace === '') throw methodNotAllowed();
  const { dryRun, fieldValidation, fieldManager } = writeQuery(request.request.query, 'CreateOptions');
  const expected = kindOf(definition);
  const schema = schemaFor(request, expected);
  const reading = readObject({ request: request.request, expected, schema, fieldValidation, warnings });
  const decode = reading instanceof Promise ? await reading : reading;
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
