// The object in a request's body: of the kind that the path names, decoded into its type.
import type { HiddenJson } from '../../apimachinery/json/parse.ts';
import { isObject, setKey } from '../../apimachinery/json/value.ts';
import { andThen, type Later } from '../../apimachinery/later.ts';
import { apiVersionOf, type GroupVersionKind, type KubeObject } from '../../apimachinery/object.ts';
import { cannotBeHandled, decodeBody } from '../../apimachinery/schema/request-body.ts';
import type { ObjectSchema } from '../../apimachinery/schema/schema.ts';
import { badRequest, invalid, StatusError } from '../../apimachinery/status.ts';
import { fieldError } from '../../apimachinery/validation/field-error.ts';
import { unsupportedBody, unsupportedCustomBody } from '../errors.ts';
import type { ApiRequest } from '../request.ts';
import { checkMediaType, checkShape, mediaType, type ParsedBody, parseBytes, protobuf, textOf } from './body.ts';
import { otherKind } from './body-kind.ts';
import type { FieldValidation } from './options.ts';

export interface BodyRequest {
  readonly request: ApiRequest;
  /** What the body must be. */
  readonly expected: GroupVersionKind;
  /** Another version of it that is as good. */
  readonly alsoVersion?: string;
  readonly schema: ObjectSchema;
  readonly fieldValidation: FieldValidation;
  readonly warnings: Set<string>;
}

/** The 400 of a body that does not even say what it is, with the beginning of the body; other errors as they are. */
function unrecognized(error: unknown, expected: GroupVersionKind, bytes: Uint8Array): unknown {
  if (!(error instanceof StatusError) || error.status.code !== 400) return error;
  const start = Buffer.from(bytes.subarray(0, shownBytes));
  const shown = bytes[0] === openingBrace ? start.toString('utf8') : start.toString('hex');
  const summary = bytes.length === 0 ? '<empty>' : bytes.length > shownBytes ? `${shown} ...` : shown;
  return badRequest(
    `the object provided is unrecognized (must be of type ${expected.kind}): ${error.message} (${summary})`,
  );
}

const shownBytes = 30;
const openingBrace = 0x7b;

/** Throws 400 when kind or apiVersion are not those expected; absent ones are taken as expected. */
function checkKind(value: unknown, { expected, alsoVersion }: BodyRequest): void {
  const other = otherKind(value, expected);
  if (!other) return;
  const { kind, version, why, isOfOtherVersion } = other;
  if (isOfOtherVersion && version === alsoVersion) return;
  if (isOfOtherVersion) throw badRequest(why);
  throw badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${expected.kind}: ${why}`);
}

/** The same for custom resources, whose bodies say themselves what they are. */
function checkCustomKind(value: unknown, expected: GroupVersionKind): void {
  const { kind, apiVersion = '', metadata } = isObject(value) ? value : {};
  const wanted = apiVersionOf(expected);
  if (apiVersion !== wanted) {
    throw badRequest(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (${wanted})`,
    );
  }
  if (typeof kind === 'string' && kind !== expected.kind) {
    const name = isObject(metadata) && typeof metadata.name === 'string' ? metadata.name : '';
    throw invalid({ group: expected.group, kind }, name, [
      fieldError.invalid('kind', kind, `must be ${expected.kind}`),
    ]);
  }
}

/** Reads the body once; the function that comes of it decodes it afresh at each call. */
export function readObject(body: BodyRequest): Later<() => KubeObject> {
  const { request, schema } = body;
  if (schema.decode !== undefined && mediaType(request) === protobuf) throw unsupportedCustomBody();
  checkMediaType(request);
  return andThen(request.body(), (bytes) => objectIn(bytes, body));
}

function objectIn(bytes: Uint8Array, body: BodyRequest): Later<() => KubeObject> {
  const { request, expected } = body;
  let parsing: Later<ParsedBody>;
  try {
    parsing = parseBytes(request, bytes);
  } catch (error) {
    throw unrecognized(error, expected, bytes);
  }
  if (!(parsing instanceof Promise)) return decoderOf(parsing, bytes, body);
  return parsing.then(
    (parsed) => decoderOf(parsed, bytes, body),
    (error) => {
      throw unrecognized(error, expected, bytes);
    },
  );
}

function decoderOf(parsed: ParsedBody, bytes: Uint8Array, body: BodyRequest): () => KubeObject {
  const { request, expected, schema, fieldValidation, warnings } = body;
  checkRecognized(parsed, bytes, body);
  const { value, hidden, repeatedKeys, isUnread } = parsed;
  if (schema.decode !== undefined) checkCustomKind(value, expected);
  else checkKind(value, body);
  if (isUnread) throw unsupportedBody();
  const options = { expected, schema, fieldValidation, hidden, repeatedKeys };
  const decode = () => decodeAs(value, options);
  const first = decode();
  request.decoded?.(first.object);
  for (const text of first.warnings) warnings.add(text);
  let unused: KubeObject | undefined = first.object;
  return () => {
    const object = unused ?? decode().object;
    unused = undefined;
    return object;
  };
}

/** The value must say what it is: a custom resource always, of other kinds the path says it. */
function checkRecognized({ value }: ParsedBody, bytes: Uint8Array, body: BodyRequest): void {
  const { expected, schema, fieldValidation } = body;
  try {
    checkShape(value);
  } catch (error) {
    throw unrecognized(error, expected, bytes);
  }
  const isNamed = isObject(value) && value.kind;
  if (schema.decode === undefined || isNamed) return;
  const why = `Object 'Kind' is missing in '${textOf(bytes)}'`;
  // The decoder that ignores unknown fields takes the kind for the one expected before it misses it.
  if (fieldValidation === 'Ignore') throw cannotBeHandled(expected.kind, expected.version, why);
  throw unrecognized(badRequest(why), expected, bytes);
}

export interface DecodeOptions {
  readonly expected: GroupVersionKind;
  readonly schema: ObjectSchema;
  readonly fieldValidation: FieldValidation;
  readonly hidden?: HiddenJson | undefined;
  readonly repeatedKeys?: readonly string[] | undefined;
}

export function decodeAs(
  value: unknown,
  { expected, schema, fieldValidation, hidden, repeatedKeys }: DecodeOptions,
): { readonly object: KubeObject; readonly warnings: readonly string[] } {
  checkShape(value);
  const decoded = decodeBody({
    // As Go reads it, null says nothing at all.
    value: value ?? {},
    schema,
    kind: expected.kind,
    version: expected.version,
    fieldValidation,
    hidden,
    repeatedKeys,
  });
  return { object: asKind(decoded.object, expected), warnings: decoded.warnings };
}

/** A decoded object with its kind and apiVersion first, and metadata at the least empty. */
export function asKind(decoded: Record<string, unknown>, kind: GroupVersionKind): KubeObject {
  const object: Record<string, unknown> = { kind: kind.kind, apiVersion: apiVersionOf(kind) };
  for (const key in decoded) if (key !== 'kind' && key !== 'apiVersion') setKey(object, key, decoded[key]);
  object.metadata ??= {};
  return object as unknown as KubeObject;
}
