// What a webhook or a policy made of an object takes its place: decoded as its type, and defaulted again.
import { printedJson } from '../../apimachinery/json/go-text.ts';
import { isObject } from '../../apimachinery/json/value.ts';
import { apiVersionOf, type GroupVersionKind } from '../../apimachinery/object.ts';
import { DecodeError, decodeObject } from '../../apimachinery/schema/decode.ts';
import { internalError, invalid } from '../../apimachinery/status.ts';
import { fieldError } from '../../apimachinery/validation/field-error.ts';
import type { AdmissionRequest, AdmissionView } from './admission.ts';

/** Changes `request.object` in place. Throws 500 for what is no object of the type. */
export function replaceObject(request: AdmissionRequest, changed: unknown, view: AdmissionView): void {
  const { object, definition, kind } = request;
  if (!object) throw internalError('there is no object to change');
  if (!isObject(changed)) throw internalError('the changed object is no JSON object');
  const next = decoded(changed, request, view);
  for (const key of Object.keys(object)) delete (object as unknown as Record<string, unknown>)[key];
  Object.assign(object, next);
  if (kind.kind === definition.kind && kind.group === definition.group) definition.strategy.default?.(object);
}

/** A custom resource stays of its kind; in another version of it, it is what it was. Throws 422, and 500 for one without a kind. */
function checkKind(changed: Record<string, unknown>, { group, version, kind }: GroupVersionKind): void {
  if (!changed.kind) throw internalError(`Object 'Kind' is missing in '${printedJson(changed)}'`);
  changed.apiVersion = apiVersionOf({ group, version });
  if (changed.kind === kind) return;
  const { name = '' } = isObject(changed.metadata) ? (changed.metadata as { name?: string }) : {};
  const wrong = fieldError.invalid('kind', changed.kind, `must be ${kind}`);
  throw invalid({ group, kind: String(changed.kind) }, name, [wrong]);
}

function decoded(
  changed: Record<string, unknown>,
  { kind, definition }: AdmissionRequest,
  view: AdmissionView,
): object {
  const schema = view.schemas.schemaOf(kind) ?? (kind.kind === definition.kind ? definition.schema : undefined);
  if (!view.schemas.schemaOf(kind) && schema) checkKind(changed, kind);
  if (!schema) return changed;
  try {
    const { kind: name, apiVersion } = changed;
    return { kind: name, apiVersion, ...decodeObject(changed, schema).object };
  } catch (error) {
    if (error instanceof DecodeError) throw internalError(error.message);
    throw error;
  }
}
