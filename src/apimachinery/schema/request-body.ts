// The body of a create or update, decoded as the query parameter `fieldValidation` asks for.
import type { HiddenJson } from '../json/parse.ts';
import { badRequest, type StatusError } from '../status.ts';
import { type Decoded, DecodeError, decodeObject } from './decode.ts';
import type { ObjectSchema } from './schema.ts';

/** Strict refuses unknown and repeated fields, Warn (the default) names them in Warning headers, Ignore drops them silently. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface DecodeRequest {
  /** The parsed body: see parseJson of apimachinery/json. */
  readonly value: unknown;
  /** What JSON.parse hides, from the same parser. */
  readonly hidden?: HiddenJson | undefined;
  /** Repeated keys of a YAML body, as in `line 3: key "name" already set in map`. */
  readonly repeatedKeys?: readonly string[] | undefined;
  readonly schema: ObjectSchema;
  readonly kind: string;
  /** Without the group: `v1`. */
  readonly version: string;
  readonly fieldValidation: FieldValidation;
}

export interface DecodedBody {
  readonly object: Record<string, unknown>;
  /** Texts for the Warning header. */
  readonly warnings: readonly string[];
}

/** More than this many complaints are not listed (sigs.k8s.io/json). */
const mostComplaints = 100;

const none: readonly string[] = [];

/** Throws a 400 StatusError worded as kube-apiserver's when the body does not fit the type, or not strictly so. */
export function decodeBody(request: DecodeRequest): DecodedBody {
  const { value, hidden, repeatedKeys = none, schema, kind, version, fieldValidation } = request;
  const tooLarge = schema.decode && notIntoFloat(hidden);
  if (tooLarge) throw cannotBeHandled(kind, version, tooLarge);
  let decoded: Decoded;
  try {
    decoded = decodeObject(hidden && !schema.decode ? hidden.value : value, schema, hidden?.decimals);
  } catch (error) {
    if (error instanceof DecodeError) throw cannotBeHandled(kind, version, error.message);
    throw error;
  }
  const { object, unknownFields, unread } = decoded;
  const isClean = !hidden && unknownFields.length === 0 && repeatedKeys.length === 0;
  if (isClean || fieldValidation === 'Ignore') return { object, warnings: none };
  const complaints =
    hidden && !schema.decode
      ? complaintsInOrder(hidden, { unknownFields, unread })
      : strictComplaints(duplicateFields(hidden), unknownFields);
  if (fieldValidation === 'Strict') {
    const yaml = repeatedKeys.length > 0 ? [`yaml: unmarshal errors:\n  ${repeatedKeys.join('\n  ')}`] : [];
    const all = [...yaml, ...complaints];
    if (all.length > 0) throw cannotBeHandled(kind, version, `strict decoding error: ${all.join(', ')}`);
  }
  return { object, warnings: [...repeatedKeys, ...complaints] };
}

/**
 * As they stand in the text, each once (sigs.k8s.io/json reads the text into the type). Of what stands in an unknown field nothing
 * more is said, nor of what a type reads itself.
 */
function complaintsInOrder(
  { keys, duplicates }: HiddenJson,
  { unknownFields, unread = [] }: Pick<Decoded, 'unknownFields' | 'unread'>,
): string[] {
  const unknown = new Set(unknownFields);
  const complaints = new Set<string>();
  /** The unknown field in which the keys stand that follow it. */
  let around: string | undefined;
  for (const [i, path] of keys.entries()) {
    if (complaints.size === mostComplaints) break;
    if (unknown.has(path)) {
      complaints.add(`unknown field "${path}"`);
      around = path;
    } else if (around === undefined || !isBelow(path, around)) {
      around = undefined;
      const isSilent = () => unread.some((one) => isBelow(path, one));
      if (duplicates.has(i) && !isSilent()) complaints.add(`duplicate field "${path}"`);
    }
  }
  return [...complaints];
}

function isBelow(path: string, field: string): boolean {
  return path.startsWith(field) && (path[field.length] === '.' || path[field.length] === '[');
}

/** `duplicate field "metadata.name"` of each key that stands twice. */
export function duplicateFields(hidden: HiddenJson | undefined): string[] {
  const paths = [...(hidden?.duplicates ?? [])].map((i) => hidden?.keys[i]);
  return [...new Set(paths)].map((path) => `duplicate field "${path}"`);
}

/** What Strict refuses and Warn warns of: other complaints, and `unknown field "spec.colour"`. */
export function strictComplaints(others: readonly string[], unknownFields: readonly string[]): string[] {
  const unknown = unknownFields.map((path) => `unknown field "${path}"`);
  return [...others, ...unknown].slice(0, mostComplaints);
}

/** Why a text cannot be read that has a number which no float64 can hold; undefined: it has none. */
export function notIntoFloat(hidden: HiddenJson | undefined): string | undefined {
  const tooLarge = [...(hidden?.decimals.values() ?? [])].find((text) => !Number.isFinite(Number(text)));
  return tooLarge && `json: cannot unmarshal number ${tooLarge} into Go value of type float64`;
}

/** 400: `Service in version "v1" cannot be handled as a Service: <why>`. */
export function cannotBeHandled(kind: string, version: string, why: string): StatusError {
  return badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`);
}
