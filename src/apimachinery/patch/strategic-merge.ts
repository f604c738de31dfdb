// Strategic merge patch: a merge patch that knows the type, so that lists with a merge key are merged item by item.
// Directives, behaviour and errors are those of k8s.io/apimachinery/pkg/util/strategicpatch:
//   $patch: replace | delete             on an object, or on an item of a list
//   $retainKeys: [a, b]                  clears all other keys of the object
//   $setElementOrder/<list>: […]         the order of the merged list
//   $deleteFromPrimitiveList/<list>: […] values to take out of a list of scalars
// Directives that stand where nothing can be merged (in what is new) stay in the result, where the decoder finds them unknown.

import { isObject, type JsonObject, setKey } from '../json/value.ts';
import type { ObjectSchema, Schema } from '../schema/schema.ts';
import { ownValue } from '../table.ts';
import { PatchSyntaxError } from './json-patch.ts';
import { withoutNulls } from './merge-patch.ts';
import { checkAgainstOrder, deleteFromList, inOrder, type ListKind, mergeList } from './strategic-list.ts';
import { badArgument, badDirective, goKindOf, PatchTypeError } from './strategic-problems.ts';

const patchDirective = '$patch';
const retainKeysDirective = '$retainKeys';
const orderPrefix = '$setElementOrder';
const deletePrefix = '$deleteFromPrimitiveList';

/**
 * The patched document; neither argument is changed, unchanged parts are shared. Throws PatchSyntaxError (400),
 * PatchApplyError (422), and PatchTypeError for what does not fit the type.
 */
export function applyStrategicMergePatch(document: JsonObject, patch: JsonObject, schema: ObjectSchema): JsonObject {
  return mergeObject(document, patch, schema);
}

function mergeObject(original: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  if (Object.hasOwn(patch, patchDirective)) return replaced(patch);
  const result: Record<string, unknown> = retainKeys(original, patch);
  const rest: Record<string, unknown> = { ...patch };
  delete rest[retainKeysDirective];
  for (const key of Object.keys(rest)) {
    if (!key.startsWith(orderPrefix)) continue;
    const { [key]: order } = rest;
    delete rest[key];
    mergeOrdered({ result, rest, schema }, key, order);
  }
  for (const key of Object.keys(rest).filter((one) => one.startsWith(deletePrefix))) {
    deleteValues({ result, schema }, key, rest[key]);
    delete rest[key];
  }
  for (const [key, value] of Object.entries(rest)) {
    if (value === null) delete result[key];
    else
      setOrDrop(
        result,
        key,
        Object.hasOwn(result, key) ? mergeValue(result[key], value, { schema, key }) : bare(value),
      );
  }
  return result;
}

/** What an object with `$patch` makes of the one that is there. */
function replaced(patch: JsonObject): JsonObject {
  const { [patchDirective]: directive, ...rest } = patch;
  if (directive === 'replace') return rest;
  if (directive === 'delete') return {};
  throw badDirective(directive, patch);
}

/** Keeps only the listed keys of the original; every key of the patch must be among them. */
function retainKeys(original: JsonObject, patch: JsonObject): Record<string, unknown> {
  if (!Object.hasOwn(patch, retainKeysDirective)) return { ...original };
  const list = patch[retainKeysDirective];
  const isListed = (key: string) => Array.isArray(list) && list.includes(key);
  const isForeign = (key: string) =>
    patch[key] !== null && !/^\$(retainKeys$|setElementOrder|deleteFromPrimitiveList)/.test(key) && !isListed(key);
  if (!Array.isArray(list) || Object.keys(patch).some(isForeign)) {
    throw new PatchSyntaxError('invalid patch format of retainKeys');
  }
  return Object.fromEntries(Object.entries(original).filter(([key]) => isListed(key)));
}

/** The key of the list that a directive is about. */
function listKeyOf(directive: string, prefix: string, format: string): string {
  if (directive.startsWith(`${prefix}/`)) return directive.slice(prefix.length + 1);
  throw new PatchSyntaxError(`invalid patch format of ${format}`);
}

/** `$setElementOrder/x`, with the `x` that the patch may have: that is merged here, and taken out of the rest. */
function mergeOrdered(
  { result, rest, schema }: { result: Record<string, unknown>; rest: Record<string, unknown>; schema: Schema },
  directive: string,
  order: unknown,
): void {
  if (!Array.isArray(order)) throw badArgument('list', order);
  const key = listKeyOf(directive, orderPrefix, 'setElementOrder list');
  const [original, patch] = [listAt(result, key), listAt(rest, key)];
  const list = listKindOf(schema, key);
  checkAgainstOrder(patch ?? [], order, list.mergeKey);
  delete rest[key];
  if (!original && !patch) return;
  const merged =
    original && patch ? mergeItems(original, patch, list) : (original ?? (withoutDirectives(patch) as unknown[]));
  setKey(result, key, inOrder(merged, order, { lists: [original ?? [], patch ?? []], list }));
}

function listAt(object: JsonObject, key: string): readonly unknown[] | undefined {
  if (!Object.hasOwn(object, key)) return undefined;
  const value = object[key];
  if (Array.isArray(value)) return value;
  throw badArgument('list', value);
}

function deleteValues(
  { result, schema }: { result: Record<string, unknown>; schema: Schema },
  directive: string,
  values: unknown,
): void {
  const key = listKeyOf(directive, deletePrefix, 'primitive list');
  const current = ownValue(result, key);
  if (values === null) delete result[key];
  if (!Array.isArray(values) || !Array.isArray(current)) return;
  const list = listKindOf(schema, key);
  setKey(result, key, deleteFromList(current, values, list, itemMerger(list)));
}

/** What the value becomes; undefined where it goes. */
function mergeValue(original: unknown, value: unknown, at: { schema: Schema; key: string }): unknown {
  if (isObject(original) && isObject(value)) {
    const { schema, strategy } = fieldOf(at.schema, at.key);
    return strategy === 'replace' ? value : mergeObject(original, value, schema);
  }
  if (Array.isArray(original) && Array.isArray(value))
    return mergeItems(original, value, listKindOf(at.schema, at.key));
  return bare(value);
}

function mergeItems(original: readonly unknown[], patch: readonly unknown[], list: ListKind): readonly unknown[] {
  if (list.strategy !== 'merge') return patch;
  return mergeList(original, patch, list, itemMerger(list));
}

const itemMerger = (list: ListKind) => (item: JsonObject, change: JsonObject) => mergeObject(item, change, list.items);

function setOrDrop(result: Record<string, unknown>, key: string, value: unknown): void {
  if (value === undefined) delete result[key];
  else setKey(result, key, value);
}

interface FieldFacts {
  readonly schema: Schema;
  readonly strategy: string;
  readonly mergeKey: string;
}

/** Throws PatchTypeError for a field that the type does not have. */
function fieldOf(schema: Schema, key: string): FieldFacts {
  if (schema.kind !== 'object' && schema.kind !== 'raw') {
    throw new PatchTypeError(`merging an object in json but data type is not struct, instead is: ${goKindOf(schema)}`);
  }
  const fields = schema.kind === 'object' ? schema.fields : new Map<string, never>();
  const field = fields.get(key) ?? [...fields.values()].find(({ name }) => name.toLowerCase() === key.toLowerCase());
  if (!field) {
    const struct = schema.kind === 'object' ? schema.name.slice(schema.name.lastIndexOf('.') + 1) : 'RawExtension';
    throw new PatchTypeError(`unable to find api field in struct ${struct} for the json field ${JSON.stringify(key)}`);
  }
  const strategy = field.patchStrategy.find((one) => one !== 'retainKeys') ?? '';
  return { schema: field.schema, strategy, mergeKey: field.patchMergeKey ?? '' };
}

function listKindOf(schema: Schema, key: string): ListKind {
  const { schema: list, strategy, mergeKey } = fieldOf(schema, key);
  if (list.kind !== 'list') throw new PatchTypeError('expected slice or array type, but got: struct');
  return { items: list.items, strategy, mergeKey };
}

/** What a patch puts where nothing was: without nulls, and without all that carries `$patch`; undefined for such a value. */
function bare(value: unknown): unknown {
  return withoutDirectives(withoutNulls(value));
}

function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined);
  if (!isObject(value)) return value;
  if (Object.hasOwn(value, patchDirective)) return undefined;
  const result: Record<string, unknown> = {};
  for (const key in value) {
    const inner = withoutDirectives(value[key]);
    if (inner !== undefined) setKey(result, key, inner);
  }
  return result;
}
