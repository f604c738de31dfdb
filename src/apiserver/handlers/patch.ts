// PATCH: JSON patch, merge patch, strategic merge patch, and server-side apply.
import type { ResourceDefinition } from '../../api/resource.ts';
import { JsonSyntaxError, parseJson } from '../../apimachinery/json/parse.ts';
import { isObject, type JsonObject } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { applyJsonPatch, PatchApplyError, PatchSyntaxError } from '../../apimachinery/patch/json-patch.ts';
import { applyMergePatch } from '../../apimachinery/patch/merge-patch.ts';
import { applyStrategicMergePatch } from '../../apimachinery/patch/strategic-merge.ts';
import { DecodeError, decodeObject } from '../../apimachinery/schema/decode.ts';
import { strictComplaints } from '../../apimachinery/schema/request-body.ts';
import type { ObjectSchema } from '../../apimachinery/schema/schema.ts';
import { badRequest, invalid, StatusError } from '../../apimachinery/status.ts';
import { fieldError } from '../../apimachinery/validation/field-error.ts';
import { unsupportedCustomPatch, unsupportedPatch } from '../errors.ts';
import type { ApiRequest, ApiResponse } from '../request.ts';
import { writeAdmission } from './admission.ts';
import { asKind, mediaType, parseYaml } from './body.ts';
import { kindOf, placeInNamespace, schemaFor } from './create.ts';
import { applyConfiguration, recordManager } from './field-managers.ts';
import { type WriteQuery, writeQuery } from './options.ts';
import { objectResponse } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';
import { checkName, updateStrategy } from './update.ts';

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

const types: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

/** Throws 415 for types that are not known, and for strategic merge where no type says how lists are merged. */
export function patchType(request: ApiRequest, { schema }: Pick<ResourceDefinition, 'schema'>): PatchType {
  const type = types[mediaType(request)];
  if (schema !== undefined && (!type || type === 'strategic')) throw unsupportedCustomPatch();
  if (!type) throw unsupportedPatch();
  return type;
}

export async function handlePatch(request: ResourceRequest): Promise<ApiResponse> {
  const { definition, info, store, warnings } = request;
  const type = patchType(request.request, definition);
  const query = writeQuery(request.request.query, 'PatchOptions');
  checkPatchOptions(type, query);
  const patch = await readPatch(request.request, type);
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
          ? applyConfiguration(request, { configuration: patch, old, query })
          : patchedObject(request, { type, patch, old: old!, query });
      await admission.admit(object, old);
      return object;
    },
  });
  return objectResponse(request, result.object, result.created ? 201 : 200);
}

function checkPatchOptions(type: PatchType, { force, fieldManager }: WriteQuery): void {
  const errors = [];
  if (type === 'apply' && fieldManager === '') {
    errors.push(fieldError.required('fieldManager', 'is required for apply patch'));
  }
  if (type !== 'apply' && force !== undefined) {
    errors.push(fieldError.forbidden('force', 'may not be specified for non-apply patch'));
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', errors);
}

export async function readPatch(request: ApiRequest, type: PatchType): Promise<unknown> {
  const text = Buffer.from(await request.body()).toString('utf8');
  if (type === 'apply') return (await parseYaml(text)).value;
  try {
    return parseJson(text).value;
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw badRequest(`error decoding patch: ${error.message}`);
    throw error;
  }
}

interface PatchedRequest {
  readonly type: PatchType;
  readonly patch: unknown;
  readonly old: Readonly<KubeObject>;
  readonly query: WriteQuery;
}

function patchedObject(request: ResourceRequest, { type, patch, old, query }: PatchedRequest): KubeObject {
  const { definition } = request;
  const expected = kindOf(definition);
  const schema = schemaFor(request, expected);
  const value = applyPatch({ type, patch, old, schema });
  const object = decodePatched(request, { value, patch, schema, query });
  checkName(object, request);
  placeInNamespace(object, request);
  definition.strategy.default?.(object);
  recordManager(request, { object, old, fieldManager: query.fieldManager });
  return object;
}

/** The whole value after a patch. Throws 400 for a patch that cannot be read, 422 for one that does not fit. */
export function applyPatch(options: {
  readonly type: PatchType;
  readonly patch: unknown;
  readonly old: Readonly<KubeObject>;
  readonly schema: ObjectSchema;
}): unknown {
  const { type, patch, old, schema } = options;
  try {
    if (type === 'json') return applyJsonPatch(old, patch);
    if (!isObject(patch)) {
      const what = Array.isArray(patch) ? 'array' : patch === null ? 'null' : typeof patch;
      throw new PatchSyntaxError(`json: cannot unmarshal ${what} into Go value of type map[string]interface {}`);
    }
    if (type === 'merge') return applyMergePatch(old, patch);
    return applyStrategicMergePatch(old as unknown as JsonObject, patch, schema);
  } catch (error) {
    if (error instanceof PatchSyntaxError) throw badRequest(`error decoding patch: ${error.message}`);
    if (error instanceof PatchApplyError) {
      const message = 'the server rejected our request due to an error in our request';
      throw new StatusError({ code: 422, reason: 'Invalid', message, details: {} });
    }
    throw error;
  }
}

function decodePatched(
  { definition, warnings }: ResourceRequest,
  options: { value: unknown; patch: unknown; schema: ObjectSchema; query: WriteQuery },
): KubeObject {
  const { value, patch, schema, query } = options;
  try {
    const { object, unknownFields } = decodeObject(value, schema);
    const complaints = strictComplaints([], unknownFields);
    if (complaints.length > 0 && query.fieldValidation === 'Strict') {
      throw new DecodeError(`strict decoding error: ${complaints.join(', ')}`);
    }
    if (query.fieldValidation === 'Warn') for (const text of complaints) warnings.add(text);
    return asKind(object, kindOf(definition));
  } catch (error) {
    // Where a whole body would be malformed, a patch is one that does not fit: 422 with the patch as its value.
    if (!(error instanceof DecodeError)) throw error;
    throw invalid({ group: '', kind: '' }, '', [
      { ...fieldError.invalid('patch', '', error.message), value: JSON.stringify(JSON.stringify(patch)) },
    ]);
  }
}
