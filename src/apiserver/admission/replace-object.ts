// What a webhook or a policy made of an object takes its place: decoded as its type, and defaulted again.
import { isObject } from '../../apimachinery/json/value.ts';
import { DecodeError, decodeObject } from '../../apimachinery/schema/decode.ts';
import { internalError } from '../../apimachinery/status.ts';
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

function decoded(
  changed: Record<string, unknown>,
  { kind, definition }: AdmissionRequest,
  view: AdmissionView,
): object {
  const schema = view.schemas.schemaOf(kind) ?? (kind.kind === definition.kind ? definition.schema : undefined);
  if (!schema) return changed;
  try {
    const { kind: name, apiVersion } = changed;
    return { kind: name, apiVersion, ...decodeObject(changed, schema).object };
  } catch (error) {
    if (error instanceof DecodeError) throw internalError(error.message);
    throw error;
  }
}
