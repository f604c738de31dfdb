// POST of what is answered and not stored: reviews, and serviceaccounts/token.

import { methodNotAllowed } from '../errors.ts';
import type { VirtualHandler } from '../extensions.ts';
import { dropSystemMetadata } from '../registry/metadata.ts';
import type { ApiResponse } from '../request.ts';
import { writeAdmission } from './admission.ts';
import { readObject } from './object-body.ts';
import { writeQuery } from './options.ts';
import { valueResponse } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';
import { kindOf, placeInNamespace, schemaFor } from './written-object.ts';

export async function handleVirtual(request: ResourceRequest, answer: VirtualHandler): Promise<ApiResponse> {
  const { definition, subresource, info, user, warnings } = request;
  if (definition.namespaced && info.namespace === '') throw methodNotAllowed();
  const { dryRun, fieldValidation } = writeQuery(request.request.query, 'CreateOptions');
  const expected = kindOf(subresource ?? definition);
  const schema = schemaFor(request, expected);
  const decode = await readObject({ request: request.request, expected, schema, fieldValidation, warnings });
  const object = decode();
  // What a subresource is sent may say by uid which object it means.
  if (!subresource) dropSystemMetadata(object);
  placeInNamespace(object, request);
  const admission = writeAdmission(request, { dryRun, kind: expected });
  await admission.admit(object);
  await admission.validate(object);
  return valueResponse(request, await answer(object, { user, info, dryRun }), 201);
}
