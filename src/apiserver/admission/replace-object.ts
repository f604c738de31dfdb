// What a webhook or a policy made of an object takes its place: decoded as its type, and defaulted again.
import { printedJson } from '../../apimachinery/json/go-text.ts';
import { isObject } from '../../apimachinery/json/value.ts';
import { apiVersionOf, type GroupVersionKind } from '../../apimachinery/object.ts';
import { type Decoded, DecodeError, decodeObject } from '../../apimachinery/schema/decode.ts';
import { strictComplaints } from '../../apimachinery/schema/request-body.ts';
import type { ObjectSchema } from '../../apimachinery/schema/schema.ts';
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

/** A built-in kind says what it is, or nothing. Throws 500 for another one. */
function checkType(changed: Record<string, unknown>, expected: GroupVersionKind): void {
  const wanted = { kind: expected.kind, apiVersion: apiVersionOf(expected) };
  const { kind, apiVersion } = {
    kind: changed.kind || wanted.kind,
    apiVersion: changed.apiVersion || wanted.apiVersion,
  };
  if (kind === wanted.kind && apiVersion === wanted.apiVersion) return;
  const scheme = 'k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30';
  throw internalError(
    `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "${scheme}"`,
  );
}

/** Throws 500 where an object of a built-in kind would be of another one, or have fields that its type has not. */
export function checkStrictly({ kind }: AdmissionRequest, changed: unknown, view: AdmissionView): void {
  const schema = view.schemas.schemaOf(kind);
  if (!schema || !isObject(changed)) return;
  checkType(changed, kind);
  const { unknownFields } = decodedAs(changed, schema);
  if (unknownFields.length === 0) return;
  throw internalError(`strict decoding error: ${strictComplaints([], unknownFields).join(', ')}`);
}

function decodedAs(changed: Record<string, unknown>, schema: ObjectSchema): Decoded {
  try {
    return decodeObject(changed, schema);
  } catch (error) {
    if (error instanceof DecodeError) throw internalError(error.message);
    throw error;
  }
}

function decoded(
  changed: Record<string, unknown>,
  { kind, definition }: AdmissionRequest,
  view: AdmissionView,
): object {
  const builtIn = view.schemas.schemaOf(kind);
  if (builtIn) {
    checkType(changed, kind);
    return { kind: kind.kind, apiVersion: apiVersionOf(kind), ...decodedAs(changed, builtIn).object };
  }
  const schema = kind.kind === definition.kind ? definition.schema : undefined;
  if (!schema) return changed;
  checkKind(changed, kind);
  const { kind: name, apiVersion } = changed;
  return { kind: name, apiVersion, ...decodedAs(changed, schema).object };
}
