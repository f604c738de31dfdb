// The body of a PATCH: read, and put on an object. Errors are worded as upstream words them for each type of patch.

import type { ResourceDefinition } from '../../api/resource.ts';
import { JsonSyntaxError, type ParsedJson, parseJson } from '../../apimachinery/json/parse.ts';
import { isObject, type JsonObject } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import {
  applyJsonPatch,
  mostOperations,
  PatchApplyError,
  PatchSyntaxError,
} from '../../apimachinery/patch/json-patch.ts';
import { applyMergePatch } from '../../apimachinery/patch/merge-patch.ts';
import { applyStrategicMergePatch } from '../../apimachinery/patch/strategic-merge.ts';
import { PatchTypeError } from '../../apimachinery/patch/strategic-problems.ts';
import { withWrittenNumbers } from '../../apimachinery/patch/written-numbers.ts';
import { duplicateFields, notIntoFloat } from '../../apimachinery/schema/request-body.ts';
import type { ObjectSchema } from '../../apimachinery/schema/schema.ts';
import { badRequest, StatusError } from '../../apimachinery/status.ts';
import { table } from '../../apimachinery/table.ts';
import { unsupportedCustomPatch, unsupportedPatch } from '../errors.ts';
import type { ApiRequest } from '../request.ts';
import type { FieldValidation } from './options.ts';
import type { ResourceRequest } from './resource-request.ts';
import { parseYaml } from './yaml.ts';

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

export interface Patch {
  readonly type: PatchType;
  readonly value: unknown;
  /** What strict validation has to say of the patch itself: keys that stand twice, operations with unknown fields. */
  readonly complaints: readonly string[];
  /**
   * Numbers that are written with a fraction or an exponent. Those of a merge patch stand in the object where they stand here; of a
   * JSON patch the value has them as WrittenNumbers.
   */
  readonly decimals?: ReadonlyMap<string, string>;
}

const types = table<PatchType>({
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
});

/** Throws 415 for types that are not known, and for strategic merge where no type says how lists are merged. */
export function patchType(request: ApiRequest, { schema }: Pick<ResourceDefinition, 'schema'>): PatchType {
  // To the letter, unlike types of other bodies.
  const [name = ''] = (request.headers['content-type'] ?? '').split(';');
  const type = types[name];
  if (schema !== undefined && (!type || type === 'strategic')) throw unsupportedCustomPatch();
  if (!type) throw unsupportedPatch();
  return type;
}

/** Throws a StatusError 400 for what cannot be read, 413 for too many operations. */
export async function readPatch(
  { request }: Pick<ResourceRequest, 'request'>,
  { type, fieldValidation }: { readonly type: PatchType; readonly fieldValidation: FieldValidation },
): Promise<Patch> {
  const text = Buffer.from(await request.body()).toString('utf8');
  if (type === 'apply') return { type, value: await readConfiguration(text, fieldValidation), complaints: [] };
  const { value, hidden } = parsePatch(text, type);
  const tooLarge = notIntoFloat(hidden);
  if (tooLarge) throw badRequest(prefixes[type] + tooLarge);
  const repeated = duplicateFields(hidden);
  const decimals = type === 'strategic' ? undefined : hidden?.decimals;
  if (type === 'json') {
    const plain = operations(value);
    const complaints = operationComplaints(value, repeated);
    if (!decimals) return { type, value: plain, complaints };
    return { type, value: plain.map(withNumbersOf(decimals)), complaints, decimals };
  }
  if (isObject(value)) return { type, value, complaints: repeated, ...(decimals && { decimals }) };
  if (value === null && type === 'merge') throw badRequest('Invalid JSON Patch');
  if (value === null) return { type, value: {}, complaints: [] };
  throw badRequest(prefixes[type] + notInto(value, 'map[string]interface {}'));
}

const prefixes = { json: 'error decoding patch: ', merge: 'error decoding patch: ', strategic: '' };

function parsePatch(text: string, type: keyof typeof prefixes): ParsedJson {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw badRequest(prefixes[type] + error.message);
    throw error;
  }
}

function notInto(value: unknown, goType: string): string {
  const what = Array.isArray(value) ? 'array' : value === null ? 'null' : isObject(value) ? 'object' : goKind(value);
  return `json: cannot unmarshal ${what} into Go value of type ${goType}`;
}

const goKind = (value: unknown): string => (typeof value === 'boolean' ? 'bool' : typeof value);

async function readConfiguration(text: string, fieldValidation: FieldValidation): Promise<unknown> {
  try {
    const { value, repeatedKeys } = await parseYaml(text);
    if (repeatedKeys.length > 0 && fieldValidation === 'Strict') {
      const why = `yaml: unmarshal errors:\n  ${repeatedKeys.join('\n  ')}`;
      throw badRequest(`error strict decoding YAML: error converting YAML to JSON: ${why}`);
    }
    // Nothing at all is an object without anything in it.
    if (value === null || isObject(value)) return value ?? {};
    const why = notInto(value, 'map[string]interface {}');
    throw badRequest(`error unmarshaling JSON: while decoding JSON: ${why}`);
  } catch (error) {
    if (!(error instanceof StatusError) || error.message.startsWith('error strict')) throw error;
    throw badRequest(`error decoding YAML: ${error.message}`);
  }
}

const operationFields = ['op', 'path', 'from', 'value'];

/** Nothing, or an operation of nothing, is read as such; what comes of it is for the library to say. */
function operations(value: unknown): unknown[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw badRequest(prefixes.json + notInto(value, '[]handlers.jsonPatchOp'));
  for (const operation of value as unknown[]) {
    if (operation === null) continue;
    if (!isObject(operation)) throw badRequest(prefixes.json + notInto(operation, 'handlers.jsonPatchOp'));
    for (const field of ['op', 'path', 'from']) {
      const given = operation[field] ?? '';
      if (typeof given === 'string') continue;
      const why = notInto(given, 'string').replace('Go value', `Go struct field jsonPatchOp.${field}`);
      throw badRequest(prefixes.json + why);
    }
  }
  if (value.length > mostOperations) {
    const message = `Request entity too large: The allowed maximum operations in a JSON patch is ${mostOperations}, got ${value.length}`;
    throw new StatusError({ code: 413, reason: 'RequestEntityTooLarge', message });
  }
  return value;
}

function withNumbersOf(decimals: ReadonlyMap<string, string>): (operation: unknown, index: number) => unknown {
  return (operation, index) => {
    if (!isObject(operation) || !('value' in operation)) return operation;
    return { ...operation, value: withWrittenNumbers(operation.value, decimals, `[${index}].value`) };
  };
}

function operationComplaints(value: unknown, repeated: readonly string[]): string[] {
  const unknown = ((value ?? []) as (JsonObject | null)[]).flatMap((operation, index) =>
    Object.keys(operation ?? {})
      .filter((key) => !operationFields.includes(key))
      .map((key) => `unknown field ${JSON.stringify(`[${index}].${key}`)}`),
  );
  return [...repeated, ...unknown].map((text) => `json patch ${text}`);
}

/** The whole value after a patch. Throws 400 for a patch that makes no sense, 422 for one that does not fit the object. */
export function applyPatch(options: {
  readonly patch: Patch;
  readonly old: Readonly<KubeObject>;
  readonly schema: ObjectSchema;
}): unknown {
  const { patch, old, schema } = options;
  try {
    if (patch.type === 'json') return applyJsonPatch(old, patch.value);
    if (patch.type === 'strategic') {
      return applyStrategicMergePatch(old as unknown as JsonObject, patch.value as JsonObject, schema);
    }
    return applyMergePatch(old, patch.value);
  } catch (error) {
    // Upstream takes a patch that does not fit the type for a failure of its own, and answers 500.
    if (error instanceof PatchSyntaxError || error instanceof PatchTypeError) throw badRequest(error.message);
    if (error instanceof PatchApplyError) {
      const message = 'the server rejected our request due to an error in our request';
      throw new StatusError({ code: 422, reason: 'Invalid', message, details: {} });
    }
    throw error;
  }
}
