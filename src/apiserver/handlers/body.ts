// The object in a request's body: JSON or YAML, decoded into its type, defaulted.
import { type HiddenJson, JsonSyntaxError, parseJson } from '../../apimachinery/json/parse.ts';
import { isObject, setKey } from '../../apimachinery/json/value.ts';
import type { Later } from '../../apimachinery/later.ts';
import { apiVersionOf, type GroupVersionKind, type KubeObject } from '../../apimachinery/object.ts';
import { cannotBeHandled, decodeBody } from '../../apimachinery/schema/request-body.ts';
import type { ObjectSchema } from '../../apimachinery/schema/schema.ts';
import { badRequest, invalid, StatusError } from '../../apimachinery/status.ts';
import { fieldError } from '../../apimachinery/validation/field-error.ts';
import { unsupportedBody, unsupportedCustomBody } from '../errors.ts';
import type { ApiRequest } from '../request.ts';
import type { FieldValidation } from './options.ts';
import { parseYaml } from './yaml.ts';

export interface BodyRequest {
  readonly request: ApiRequest;
  /** What the body must be. */
  readonly expected: GroupVersionKind;
  readonly schema: ObjectSchema;
  readonly fieldValidation: FieldValidation;
  readonly warnings: Set<string>;
}

export interface ParsedBody {
  readonly value: unknown;
  /** Of JSON: see {@link parseJson}. */
  readonly hidden?: HiddenJson;
  /** The same in YAML: see {@link parseYaml}. */
  readonly repeatedKeys?: readonly string[];
  /** A body in protocol buffers of a kind that is only known as JSON. */
  readonly isUnread?: boolean;
}

/** Of what everything has that is an object, as Go names it. */
const goKind =
  'Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

const json = 'application/json';
const yaml = 'application/yaml';
const protobuf = 'application/vnd.kubernetes.protobuf';

/** The media type without its parameters. */
export function mediaType(request: ApiRequest): string {
  const { 'content-type': given = '' } = request.headers;
  // Most are: nothing is cut from them.
  if (given === json || given === protobuf) return given;
  return given.split(';', 1)[0]!.trim().toLowerCase();
}

/** Text to value. 415 for media types that are not known, 400 for what cannot be parsed. */
export async function parseBody(request: ApiRequest): Promise<ParsedBody> {
  checkMediaType(request);
  return parseBytes(request, await request.body());
}

/** The same where a body may be left out: undefined then, whatever its type is said to be. */
export async function parseOptionalBody(request: ApiRequest): Promise<ParsedBody | undefined> {
  const bytes = await request.body();
  if (bytes.length === 0) return undefined;
  checkMediaType(request);
  return parseBytes(request, bytes);
}

/** With parameters that are whole, as Go's mime.ParseMediaType wants them. */
const wellFormed = /^[^\s;=",]+\s*(?:;\s*[^\s;=",]+\s*=\s*(?:[^\s;=",]+|"(?:[^"\\]|\\.)*")\s*)*;?\s*$/;

const readTypes: ReadonlySet<string> = new Set(['', json, yaml, protobuf]);

function checkMediaType(request: ApiRequest): void {
  const text = request.headers['content-type'] ?? '';
  if (text.includes(';') && (!wellFormed.test(text) || repeatsParameter(text))) throw unsupportedBody();
  if (!readTypes.has(mediaType(request))) throw unsupportedBody();
}

function repeatsParameter(text: string): boolean {
  const names = Array.from(text.matchAll(/;\s*([^\s;=",]+)\s*=/g), ([, name = '']) => name.toLowerCase());
  return new Set(names).size < names.length;
}

function parseBytes(request: ApiRequest, bytes: Uint8Array): Later<ParsedBody> {
  const type = mediaType(request);
  if (type === protobuf) return parseProtobuf(bytes);
  const text = textOf(bytes);
  return type === yaml ? parseYaml(text) : parseJsonBody(text);
}

/** Bytes of UTF-8 as a text. */
function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
}

/** kubectl and other Go clients write built-in kinds in protocol buffers wherever they can. */
async function parseProtobuf(bytes: Uint8Array): Promise<ParsedBody> {
  const { decodeProtobuf, ProtobufError } = await import('../../api/protobuf/decode.ts');
  try {
    const { kind, apiVersion, value } = decodeProtobuf(bytes);
    if (!value && kind === '') throw badRequest('the protobuf body names no kind');
    // Of a kind without a message nothing is read: checkKind refuses what does not belong here, and the rest is JSON's.
    return { value: { kind, apiVersion, ...value }, isUnread: !value };
  } catch (error) {
    if (error instanceof ProtobufError) throw badRequest(error.message);
    throw error;
  }
}

function parseJsonBody(text: string): ParsedBody {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) {
      throw badRequest(`couldn't get version/kind; json parse error: ${error.message}`);
    }
    throw error;
  }
}

/**
 * What Go reads first of any body: throws 400 for what is no object, or does not say in texts what it is. Null says nothing at
 * all, which is for others to judge.
 */
export function checkShape(value: unknown): void {
  if (value === null) return;
  if (!isObject(value)) throw misshapen(value, goKind);
  const { apiVersion, kind } = value;
  if (typeof (apiVersion ?? '') !== 'string') throw misshapen(apiVersion, 'Go struct field .apiVersion of type string');
  if (typeof (kind ?? '') !== 'string') throw misshapen(kind, 'Go struct field .kind of type string');
  if (typeof apiVersion === 'string' && apiVersion.indexOf('/') !== apiVersion.lastIndexOf('/')) {
    throw badRequest(`unexpected GroupVersion string: ${apiVersion}`);
  }
}

function misshapen(what: unknown, into: string): StatusError {
  const type = Array.isArray(what) ? 'array' : typeof what === 'boolean' ? 'bool' : typeof what;
  return badRequest(`couldn't get version/kind; json parse error: json: cannot unmarshal ${type} into ${into}`);
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
function checkKind(value: unknown, expected: GroupVersionKind): void {
  const other = otherKind(value, expected);
  if (!other) return;
  const { kind, version, why } = other;
  throw badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${expected.kind}: ${why}`);
}

/** What a value says that it is, and why it is not what is expected; undefined: it is, or does not say. */
export function otherKind(
  value: unknown,
  expected: GroupVersionKind,
): { readonly kind: string; readonly version: string; readonly why: string } | undefined {
  const { kind, apiVersion } = (value ?? {}) as { kind?: unknown; apiVersion?: unknown };
  const named = typeof kind === 'string' && kind !== '' ? kind : expected.kind;
  if (typeof apiVersion === 'string' && apiVersion !== '' && apiVersion !== apiVersionOf(expected)) {
    const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
    const why = `no kind ${JSON.stringify(named)} is registered for version ${JSON.stringify(apiVersion)}`;
    return { kind: named, version, why };
  }
  if (named === expected.kind) return undefined;
  const { group, version } = expected;
  const why = `converting (${version}.${named}) to (${group || 'core'}.${expected.kind}): unknown conversion`;
  return { kind: named, version, why };
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

/** The body as a value that says what it is: a custom resource must, of other kinds the path says it. */
async function parseRecognized(options: BodyRequest, bytes: Uint8Array): Promise<ParsedBody> {
  const { request, expected, schema, fieldValidation } = options;
  let parsed: ParsedBody;
  try {
    const parsing = parseBytes(request, bytes);
    parsed = parsing instanceof Promise ? await parsing : parsing;
    checkShape(parsed.value);
  } catch (error) {
    throw unrecognized(error, expected, bytes);
  }
  const isNamed = isObject(parsed.value) && parsed.value.kind;
  if (schema.decode === undefined || isNamed) return parsed;
  const why = `Object 'Kind' is missing in '${textOf(bytes)}'`;
  // The decoder that ignores unknown fields takes the kind for the one expected before it misses it.
  if (fieldValidation === 'Ignore') throw cannotBeHandled(expected.kind, expected.version, why);
  throw unrecognized(badRequest(why), expected, bytes);
}

/** Reads the body once; the function returned decodes it afresh at each call. */
export async function readObject(body: BodyRequest): Promise<() => KubeObject> {
  const { request, expected, schema, fieldValidation, warnings } = body;
  const isCustom = schema.decode !== undefined;
  if (isCustom && mediaType(request) === protobuf) throw unsupportedCustomBody();
  checkMediaType(request);
  const bytes = await request.body();
  const { value, hidden, repeatedKeys, isUnread } = await parseRecognized(body, bytes);
  if (isCustom) checkCustomKind(value, expected);
  else checkKind(value, expected);
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
