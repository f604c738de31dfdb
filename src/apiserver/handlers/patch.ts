// PATCH: JSON patch, merge patch, strategic merge patch, and server-side apply.

import { goText, printedJson } from '../../apimachinery/json/go-text.ts';
import { isObject, type JsonObject } from '../../apimachinery/json/value.ts';
import { apiVersionOf, type GroupVersionKind, type KubeObject, parseApiVersion } from '../../apimachinery/object.ts';
import { takeWrittenNumbers } from '../../apimachinery/patch/written-numbers.ts';
import { convertObject, DecodeError, decodeObject } from '../../apimachinery/schema/decode.ts';
import { strictComplaints } from '../../apimachinery/schema/request-body.ts';
import type { ObjectSchema } from '../../apimachinery/schema/schema.ts';
import { invalid } from '../../apimachinery/status.ts';
import { fieldError } from '../../apimachinery/validation/field-error.ts';
import type { ApiResponse } from '../request.ts';
import { writeAdmission } from './admission.ts';
import { otherKind } from './body-kind.ts';
import { applyConfiguration, recordManager } from './field-managers.ts';
import { asKind } from './object-body.ts';
import { type WriteQuery, writeQuery } from './options.ts';
import { dropRepeatedOwners } from './owner-references.ts';
import { applyPatch, type Patch, patchType, readPatch } from './patch-body.ts';
import { objectResponse } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';
import { updateStrategy } from './update.ts';
import { checkName, kindOf, placeInNamespace, schemaFor } from './written-object.ts';

export async function handlePatch(request: ResourceRequest): Promise<ApiResponse> {
  const { definition, info, store, warnings } = request;
  const type = patchType(request.request, definition);
  const query = writeQuery(request.request.query, 'PatchOptions', { isApply: type === 'apply' });
  const { namespace, name, subresource } = info;
  const patch = await readPatch(request, { type, fieldValidation: query.fieldValidation }).catch(async (error) => {
    // What is not there cannot be patched, whatever the patch says.
    if (type !== 'apply') await store.get(namespace, name);
    throw error;
  });
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
  const object = decodePatched(request, { value, patch, schema, expected, query });
  checkName(object, request);
  placeInNamespace(object, request);
  dropRepeatedOwners(object, { warnings: request.warnings, of: 'patch' });
  definition.strategy.default?.(object);
  recordManager(request, { object, old, fieldManager: query.fieldManager });
  return object;
}

/** A custom resource says itself what it is, and stays it. Throws DecodeError when it does not, 422 when it is something else. */
function checkPatchedKind(value: unknown, expected: GroupVersionKind): void {
  const { kind, apiVersion, metadata } = isObject(value) ? value : {};
  if (typeof kind !== 'string' || kind === '') {
    throw new DecodeError(`Object 'Kind' is missing in '${printedJson(value)}'`);
  }
  const wanted = { kind: expected.kind, apiVersion: apiVersionOf(expected) };
  const given = { kind, apiVersion: typeof apiVersion === 'string' ? apiVersion : '' };
  const wrong = (['kind', 'apiVersion'] as const).filter((name) => given[name] !== wanted[name]);
  if (wrong.length === 0) return;
  const { group } = parseApiVersion(given.apiVersion);
  const name = isObject(metadata) && typeof metadata.name === 'string' ? metadata.name : '';
  throw invalid(
    { group, kind },
    name,
    wrong.map((field) => fieldError.invalid(field, given[field], `must be ${wanted[field]}`)),
  );
}

/** What a patch made, as the type that it is of. Throws 422 for what does not fit that. */
export function decodePatched(
  { warnings }: Pick<ResourceRequest, 'warnings'>,
  options: {
    readonly value: unknown;
    readonly patch: Patch;
    readonly schema: ObjectSchema;
    readonly expected: GroupVersionKind;
    readonly query: WriteQuery;
  },
): KubeObject {
  const { patch, schema, expected, query } = options;
  const { value, decimals } =
    patch.type === 'json' && patch.decimals
      ? takeWrittenNumbers(options.value)
      : { value: options.value, decimals: patch.decimals };
  const isCustom = schema.decode !== undefined;
  try {
    if (isCustom) checkPatchedKind(value, expected);
    // A strategic merge patch goes into the typed object, which is what it is; the others make text that says what it is.
    const other = isCustom || patch.type === 'strategic' ? undefined : otherKind(value, expected);
    if (other) throw new DecodeError(other.why);
    const { object, unknownFields } =
      patch.type === 'strategic' ? convertObject(value, schema) : decodeObject(value, schema, decimals);
    const complaints = strictComplaints(patch.complaints, unknownFields);
    if (complaints.length > 0 && query.fieldValidation === 'Strict') {
      throw new DecodeError(`strict decoding error: ${complaints.join(', ')}`);
    }
    if (query.fieldValidation === 'Warn') for (const text of complaints) warnings.add(text);
    return asKind(object, expected);
  } catch (error) {
    // Where a whole body would be malformed, a patch is one that does not fit: 422, with what was not understood.
    if (!(error instanceof DecodeError)) throw error;
    const text =
      patch.type === 'strategic' ? goText(patch.value) : isCustom ? printedJson(value) : JSON.stringify(options.value);
    throw invalid({ group: '', kind: '' }, '', [fieldError.invalid('patch', text, error.message)]);
  }
}
