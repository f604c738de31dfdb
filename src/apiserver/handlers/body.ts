// The value in a request's body: JSON, YAML or protocol buffers, read for what it is, whatever it ought to be.
import { type HiddenJson, JsonSyntaxError, parseJson } from '../../apimachinery/json/parse.ts';
import { isObject } from '../../apimachinery/json/value.ts';
import type { Later } from '../../apimachinery/later.ts';
import { badRequest, type StatusError } from '../../apimachinery/status.ts';
import { unsupportedBody } from '../errors.ts';
import type { ApiRequest } from '../request.ts';
import { parseYaml } from './yaml.ts';

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
export const protobuf = 'application/vnd.kubernetes.protobuf';

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

/** Throws 415 for what nobody here reads. */
export function checkMediaType(request: ApiRequest): void {
  const text = request.headers['content-type'] ?? '';
  if (text.includes(';') && (!wellFormed.test(text) || repeatsParameter(text))) throw unsupportedBody();
  if (!readTypes.has(mediaType(request))) throw unsupportedBody();
}

function repeatsParameter(text: string): boolean {
  const names = Array.from(text.matchAll(/;\s*([^\s;=",]+)\s*=/g), ([, name = '']) => name.toLowerCase());
  return new Set(names).size < names.length;
}

/** As {@link parseBody}, of bytes that were read and are of a type that is. */
export function parseBytes(request: ApiRequest, bytes: Uint8Array): Later<ParsedBody> {
  const type = mediaType(request);
  if (type === protobuf) return parseProtobuf(bytes);
  const text = textOf(bytes);
  return type === yaml ? parseYaml(text) : parseJsonBody(text);
}

/** Bytes of UTF-8 as a text. */
export function textOf(bytes: Uint8Array): string {
  // As they mostly are.
  if (Buffer.isBuffer(bytes)) return bytes.toString('utf8');
  const { buffer, byteOffset, byteLength } = bytes;
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
