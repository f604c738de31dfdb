// The changes of one MutatingAdmissionPolicy to one object, under one parameter.
import type { MutatingAdmissionPolicy } from '../../../api/admissionregistration/v1/types.generated.ts';
import { GoValue } from '../../../apimachinery/json/go-text.ts';
import { isObject, jsonEqual } from '../../../apimachinery/json/value.ts';
import { misfits } from '../../../apimachinery/managedfields/check-applied.ts';
import { mergeTyped } from '../../../apimachinery/managedfields/merge.ts';
import { apiVersionOf, type GroupVersionKind, type KubeObject, printKind } from '../../../apimachinery/object.ts';
import {
  applyJsonPatch,
  PatchApplyError,
  PatchSyntaxError,
  PatchTestError,
} from '../../../apimachinery/patch/json-patch.ts';
import { applyMergePatch } from '../../../apimachinery/patch/merge-patch.ts';
import { convertObject, DecodeError } from '../../../apimachinery/schema/decode.ts';
import type { ObjectSchema, Schema } from '../../../apimachinery/schema/schema.ts';
import { ListValue, ObjectValue, toJson } from '../../../cel/values.ts';
import type { AdmissionRequest, AdmissionView } from '../admission.ts';
import { evaluateConditions, evaluateStage, type StageOptions } from '../evaluation.ts';
import { admissionBindings, conditionBindings } from '../expressions.ts';
import { whenDecided } from '../pending-decisions.ts';
import { checkStrictly, replaceObject } from '../replace-object.ts';
import { compiledPolicy, type NamedExpression } from './compile.ts';

/** A mutation that cannot be worked out or applied. */
class MutationError extends Error {
  override readonly name = 'MutationError';
}

export interface MutationCase {
  readonly policy: Readonly<MutatingAdmissionPolicy>;
  readonly params: Readonly<KubeObject> | null | undefined;
  readonly request: AdmissionRequest;
  readonly view: AdmissionView;
}

export interface MutationResult {
  readonly isChanged: boolean;
  /** Of the conditions, or of each mutation that failed: the others take effect. */
  readonly errors: readonly string[];
}

/** Mutates `request.object` in place by each mutation in turn; nothing is thrown for an expression that fails. */
export async function applyPolicy({ policy, params, request, view }: MutationCase): Promise<MutationResult> {
  const compiled = compiledPolicy(policy);
  const { variables, matchConditions } = compiled;
  const conditions = await whenDecided(() =>
    evaluateConditions(matchConditions, { bindings: conditionBindings(request, view, { params }), variables }),
  );
  if (conditions.error !== undefined) return { isChanged: false, errors: [conditions.error] };
  let isChanged = false;
  const errors: string[] = [];
  for (const [i, expression] of conditions.matches ? compiled.mutations.entries() : []) {
    try {
      // Each mutation sees what those before it made.
      const patch = await whenDecided(() =>
        evaluate(expression, { bindings: admissionBindings(request, view, { params }), variables }),
      );
      const isPatch = policy.spec.mutations?.[i]?.patchType === 'JSONPatch';
      const next = isPatch ? patched(request, patch, view) : merged(request, patch, view);
      if (jsonEqual(next, request.object)) continue;
      replaceObject(request, next, view);
      isChanged = true;
    } catch (error) {
      if (!(error instanceof MutationError)) throw error;
      errors.push(error.message);
    }
  }
  return { isChanged, errors };
}

function evaluate(expression: NamedExpression, options: StageOptions): unknown {
  const { outcomes, error } = evaluateStage([expression], options);
  if (error !== undefined) throw new MutationError(error);
  const [outcome] = outcomes;
  if (outcome!.error !== undefined) throw new MutationError(outcome!.error);
  const { value } = outcome!;
  const made = value instanceof ListValue ? value.items : [value];
  const misnamed = made.flatMap((one) => (one instanceof ObjectValue ? one.misnamed : []));
  if (misnamed.length > 0) throw new MutationError(`type mismatch: ${misnamed.join('\n')}`);
  for (const one of made) {
    if (!(one instanceof ObjectValue) || one.noJson === undefined) continue;
    throw new MutationError(
      `JSONPath valueExpression evaluated to a type that could not marshal to JSON: ${one.noJson}`,
    );
  }
  return toJson(value);
}

/** Unlike a webhook's patch, it is taken to the letter: fields that the type does not have are refused. */
function patched(request: AdmissionRequest, patch: unknown, view: AdmissionView): unknown {
  const operations = (patch as readonly object[]).map((one) => ({ op: '', path: '', ...(withTexts(one) as object) }));
  try {
    const next = applyJsonPatch(request.object, operations);
    checkStrictly(request, next, view);
    return next;
  } catch (error) {
    // A test that fails is no error: the patch is for other objects.
    if (error instanceof PatchTestError) return request.object;
    if (!(error instanceof PatchSyntaxError) && !(error instanceof PatchApplyError)) throw error;
    throw new MutationError(`JSON Patch: ${error.message}`);
  }
}

/** Whole numbers beyond 2^53 are texts, as in the JSON of protocol buffers. */
function withTexts(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(withTexts);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withTexts(item)]));
}

/** As server-side apply merges, by the schema's lists and maps; without a schema as a merge patch. */
function merged({ object, kind, definition }: AdmissionRequest, given: unknown, view: AdmissionView): unknown {
  const refuse = (why: string) => new MutationError(`error applying patch: ${why}`);
  if (kind.group !== definition.group || kind.version !== definition.version) {
    // Types are looked for in what is published of the kind's own group: no Scale is told there.
    const what = `no corresponding type for ${kind.group}/${kind.version}, Kind=${kind.kind}`;
    throw refuse(`failed to convert patch object to typed object: ${what}`);
  }
  const { apiVersion, kind: name } = object!;
  const configurationWith = (none: unknown) => ({ ...(withoutNulls(given, none) as object), apiVersion, kind: name });
  const configuration = configurationWith(0);
  const schema = definition.schema ?? view.schemas.schemaOf(kind);
  if (!schema) return applyMergePatch(object, configuration);
  const wrong = misfits(configurationWith(goNull), schema);
  if (wrong !== undefined) throw refuse(`failed to convert patch object to typed object: ${wrong}`);
  const atomics = atomicsOf(configuration, schema);
  if (atomics.length > 0) {
    const why = `may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`;
    throw refuse(`invalid ApplyConfiguration: ${why}`);
  }
  const next = mergeTyped(object, configuration, schema);
  return definition.schema ? next : converted(next, schema, kind);
}

/** The type may say number where Go has a whole one. */
function converted(object: unknown, schema: ObjectSchema, kind: GroupVersionKind): unknown {
  try {
    return convertObject(object, schema).object;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const what = printKind(apiVersionOf(kind), kind.kind);
    throw new MutationError(`unable to convert unstructured object to ${what}: ${error.message}`);
  }
}

/** As protocol buffers have it: a number of a type of its own, which fits no field. */
const goNull = new GoValue({ typeName: 'structpb.NullValue', text: 'NULL_VALUE', syntax: '0' });

/** The same value with something else for each null. */
function withoutNulls(value: unknown, instead: unknown): unknown {
  if (value === null) return instead;
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item, instead));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutNulls(item, instead)]));
}

/** The paths of what could only be replaced as a whole: whoever adds to it would remove the rest without knowing. */
function atomicsOf(value: unknown, schema: Schema, path = ''): string[] {
  if (schema.kind === 'list' && Array.isArray(value)) {
    const below = value.flatMap((item, i) => atomicsOf(item, schema.items, `${path}[${i}]`));
    return schema.type === 'atomic' ? [path, ...below] : below;
  }
  // What has no schema is taken for what it looks like.
  if (schema.kind === 'deduced' && Array.isArray(value)) return [path];
  if ((schema.kind !== 'object' && schema.kind !== 'map') || !isObject(value)) return [];
  const below = Object.entries(value).flatMap(([key, item]) => {
    const of = schema.kind === 'map' ? schema.values : (schema.fields.get(key)?.schema ?? schema.others);
    return of ? atomicsOf(item, of, `${path}.${key}`) : [];
  });
  return schema.atomic ? [path, ...below] : below;
}
