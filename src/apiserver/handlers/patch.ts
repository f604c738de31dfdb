// PATCH: JSON patch, merge patch, strategic merge patch, and server-side apply.
import { goText } from '../../apimachinery/json/go-text.ts';
import type { JsonObject } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { DecodeError, decodeObject } from '../../apimachinery/schema/decode.ts';
import { strictComplaints } from '../../apimachinery/schema/request-body.ts';
import type { ObjectSchema } from '../../apimachinery/schema/schema.ts';
import { invalid } from '../../apimachinery/status.ts';
import { fieldError } from '../../apimachinery/validation/field-error.ts';
import type { ApiResponse } from '../request.ts';
import { writeAdmission } from './admission.ts';
import { asKind, checkCustomKind, otherKind } from './body.ts';
import { kindOf, placeInNamespace, schemaFor } from './create.ts';
import { applyConfiguration, recordManager } from './field-managers.ts';
import { type WriteQuery, writeQuery } from './options.ts';
import { applyPatch, type Patch, type PatchType, patchType, readPatch } from './patch-body.ts';
import { objectResponse } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';
import { checkName, updateStrategy } from './update.ts';

export async function handlePatch(request: ResourceRequest): Promise<ApiResponse> {
  const { definition, info, store, warnings } = request;
  const type = patchType(request.request, definition);
  const query = writeQuery(request.request.query, 'PatchOptions');
  checkPatchOptions(type, query);
  const patch = await readPatch(request, { type, fieldValidation: query.fieldValidation });
  const { namespace, name, subresource } = info;
  const admission = writeAdmission(request, { dryRun: query.dryRun });
  const result = await store.update({
    namespace,
    name,
    dryRun: query.dryRun,
    warnings,
    mayCreate: type === 'apply' && subresource === '',
    strategy: updateStrategy(definition, subresource),
    check: admission.validate,
    async transform(old) {
      const object =
        type === 'apply'
          ? applyConfiguration(request, { configuration: patch.value as JsonObject, old, query })
          : patchedObject(request, { patch, old: old!, query });
      await admission.admit(object, old);
      return object;
    },
  });
  return objectResponse(request, result.object, result.created ? 201 : 200);
}

/** Throws 422 for parameters that do not belong to the type of patch. */
export function checkPatchOptions(type: PatchType, { force, fieldManager }: WriteQuery): void {
  const errors = [];
  if (type === 'apply' && fieldManager === '') {
    errors.push(fieldError.required('fieldManager', 'is required for apply patch'));
  }
  if (type !== 'apply' && force !== undefined) {
    errors.push(fieldError.forbidden('force', 'may not be specified for non-apply patch'));
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', errors);
}

interface PatchedRequest {
  readonly patch: Patch;
  readonly old: Readonly<KubeObject>;
  readonly query: WriteQuery;
}

function patchedObject(request: ResourceRequest, { patch, old, query }: PatchedRequest): KubeObject {
  const { definition } = request;
  const expected = kindOf(definition);
  const schema = schemaFor(request, expected);
  const value = applyPatch({ patch, old, schema });
  const object = decodePatched(request, { value, patch, schema, query });
  checkName(object, request);
  placeInNamespace(object, request);
  definition.strategy.default?.(object);
  recordManager(request, { object, old, fieldManager: query.fieldManager });
  return object;
}

function decodePatched(
  { definition, warnings }: ResourceRequest,
  options: { value: unknown; patch: Patch; schema: ObjectSchema; query: WriteQuery },
): KubeObject {
  const { value, patch, schema, query } = options;
  const expected = kindOf(definition);
  if (schema.decode !== undefined) checkCustomKind(value, expected);
  try {
    // A strategic merge patch goes into the typed object, which is what it is; the others make text that says what it is.
    const other = patch.type === 'strategic' ? undefined : otherKind(value, expected);
    if (other) throw new DecodeError(other.why);
    const { object, unknownFields } = decodeObject(value, schema, patch.decimals);
    const complaints = strictComplaints(patch.complaints, unknownFields);
    if (complaints.length > 0 && query.fieldValidation === 'Strict') {
      throw new DecodeError(`strict decoding error: ${complaints.join(', ')}`);
    }
    if (query.fieldValidation === 'Warn') for (const text of complaints) warnings.add(text);
    return asKind(object, expected);
  } catch (error) {
    // Where a whole body would be malformed, a patch is one that does not fit: 422, with what was not understood.
    if (!(error instanceof DecodeError)) throw error;
    const text = patch.type === 'strategic' ? goText(patch.value) : JSON.stringify(value);
    throw invalid({ group: '', kind: '' }, '', [fieldError.invalid('patch', text, error.message)]);
  }
}
