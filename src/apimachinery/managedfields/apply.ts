// Server-side apply: the applied object is merged into the live one, its manager comes to own what it says, loses what
// it no longer says (and what nobody else owns goes), and is refused what others own unless it forces.
import { isObject, setKey } from '../json/value.ts';
import type { ManagedFieldsEntry, StatusCause } from '../meta/v1.generated.ts';
import { zeroObject } from '../schema/decode.ts';
import type { ObjectSchema } from '../schema/schema.ts';
import { badRequest, StatusError } from '../status.ts';
import { checkApplied } from './check-applied.ts';
import {
  difference,
  emptySet,
  equalSets,
  type FieldSet,
  intersection,
  isEmptySet,
  pathsOf,
  printPath,
  recursiveDifference,
  union,
} from './field-set.ts';
import { allowedFromLastApplied, renewLastApplied } from './last-applied.ts';
import {
  capUpdaters,
  conflictsOf,
  decodeManagers,
  encodeManagers,
  keyOf,
  loseFields,
  type Managed,
  type ManagerId,
  type Managers,
  withoutUnmanaged,
} from './managers.ts';
import { mergeTyped, removePaths, withNamedFields } from './merge.ts';
import { filtered, managedFieldsOf, trackUpdate, type Writer, withoutManagedFields } from './record-update.ts';
import { compareTyped, fieldSetOf } from './typed.ts';

export interface ApplyRequest extends Writer {
  readonly schema: ObjectSchema;
  readonly kind: string;
  /** The stored object; undefined when the apply creates it. */
  readonly live: unknown;
  /** The applied object as the client sent it: not defaulted, not filled in. */
  readonly applied: unknown;
  /** Take what others own. */
  readonly force: boolean;
  /** How a conflict is told to who sees the object as another: its one field, in the version of the other. */
  readonly seenAs?: SeenAs;
}

export interface SeenAs {
  readonly apiVersion: string;
  /** As people read it: `.spec.replicas`. */
  readonly field: string;
}

export interface Applied {
  /** The merged object, without managedFields; to be decoded, defaulted and validated like an update. */
  readonly object: Record<string, unknown>;
  readonly managedFields: ManagedFieldsEntry[] | undefined;
  /** Whether the object differs from the live one (managedFields aside). */
  readonly changed: boolean;
}

/** Throws StatusError: 400 for a malformed applied object, 500 where it does not fit the type, 409 with one cause per conflict. */
export function apply(request: ApplyRequest): Applied {
  const { applied, schema, live } = request;
  if (!isObject(applied)) throw badRequest('the applied configuration must be an object');
  if (managedFieldsOf(applied) !== undefined && managedFieldsOf(applied) !== null) {
    throw badRequest('metadata.managedFields must be nil');
  }
  if (applied.apiVersion !== request.apiVersion) {
    throw badRequest(
      `Incorrect version specified in apply patch. Specified patch version: ${String(applied.apiVersion ?? '')}, expected: ${request.apiVersion}`,
    );
  }
  const config = withoutManagedFields(applied);
  checkApplied(config, schema, request.kind);
  const managers = decodeManagers(managedFieldsOf(live)) ?? new Map<string, Managed>();
  const situation: Situation = { request, config, live: withoutManagedFields(live ?? zeroObject(schema)), managers };
  if (managers.size === 0 && live !== undefined) situation.managers = beforeFirstApply(situation);
  return request.manager === 'kubectl' && request.subresource === ''
    ? applyForKubectl(situation)
    : applyOnce(situation, request.force);
}

interface Situation {
  readonly request: ApplyRequest;
  readonly config: unknown;
  readonly live: unknown;
  managers: Managers;
}

/** Fields of an object that was never tracked belong to a manager of their own, so that an apply does not silently take them. */
function beforeFirstApply({ request, live, managers }: Situation): Managers {
  const id: ManagerId = { ...idOf(request), manager: 'before-first-apply', operation: 'Update' };
  return trackUpdate(managers, id, { before: zeroObject(request.schema), after: live, request });
}

function idOf({ manager, apiVersion, subresource }: ApplyRequest): ManagerId {
  return { manager: manager === '' ? 'unknown' : manager, operation: 'Apply', apiVersion, subresource };
}

function applyOnce(situation: Situation, force: boolean): Applied {
  const outcome = tryApply(situation, force);
  if ('conflicts' in outcome) throw conflictError(outcome.conflicts, situation);
  return outcome;
}

/** kubectl may take what its own client-side apply wrote before, as its annotation tells. */
function applyForKubectl(situation: Situation): Applied {
  const { request, live } = situation;
  const outcome = tryApply(situation, request.force);
  if (!('conflicts' in outcome)) return renewed(outcome, situation);
  const allowed = allowedFromLastApplied(live, request.schema);
  const left = new Map<string, FieldSet>();
  for (const [key, fields] of outcome.conflicts) {
    const rest = difference(fields, allowed);
    if (!isEmptySet(rest)) left.set(key, rest);
  }
  if (left.size > 0) throw conflictError(left, situation);
  return renewed(applyOnce(situation, true), situation);
}

function renewed(applied: Applied, { config }: Situation): Applied {
  return { ...applied, object: renewLastApplied(applied.object, config) };
}

function tryApply(
  situation: Situation,
  force: boolean,
): Applied | { readonly conflicts: ReadonlyMap<string, FieldSet> } {
  const { request, config, live, managers } = situation;
  const { schema } = request;
  const reset = request.resetFields;
  const id = idOf(request);
  const self = keyOf(id);
  const last = managers.get(self);
  const stated = recursiveDifference(fieldSetOf(config, schema), reset);
  const fields = withoutUnmanaged(stated);
  const withSelf = new Map(managers).set(self, { ...id, fields, time: last?.time });
  const merged = mergeTyped(live, config, schema);
  // The name is nobody's, but it is stated: that keeps metadata when the last label goes.
  const owners = last && [stated, ...[...withSelf.values()].map((managed) => managed.fields)];
  const object = owners ? prune(merged, { owners, last: last.fields, schema }) : merged;
  const comparison = filtered(compareTyped(live, object, schema), reset);
  const conflicts = conflictsOf(withSelf, self, comparison);
  if (conflicts.size > 0 && !force) return { conflicts };
  const after = loseFields(withSelf, self, comparison);
  const changed = ![comparison.added, comparison.modified, comparison.removed].every(isEmptySet);
  const mine = after.get(self);
  const renewedTime = changed || last?.time === undefined || !equalSets(last.fields, fields);
  if (mine && renewedTime) after.set(self, { ...mine, time: request.time });
  return { object: asObject(object), managedFields: encodeManagers(capUpdaters(after)), changed };
}

function asObject(value: unknown): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  if (isObject(value)) for (const key in value) setKey(object, key, value[key]);
  return object;
}

/** Takes out what the manager applied last time and does not now, unless somebody else owns it. */
function prune(
  merged: unknown,
  {
    owners,
    last,
    schema,
  }: { readonly owners: readonly FieldSet[]; readonly last: FieldSet; readonly schema: ObjectSchema },
): unknown {
  const named = (set: FieldSet) => withNamedFields(set, schema);
  const mergedSet = named(fieldSetOf(merged, schema));
  const pruned = removePaths(merged, named(last), schema);
  const prunedSet = named(fieldSetOf(pruned, schema));
  const owned = owners.reduce(union, emptySet);
  const withOwned = removePaths(merged, difference(mergedSet, union(prunedSet, named(owned))), schema);
  // What only came back because an item around it did is still the manager's to take away.
  const backSet = named(fieldSetOf(withOwned, schema));
  return removePaths(merged, intersection(difference(mergedSet, backSet), named(last)), schema);
}

function conflictError(conflicts: ReadonlyMap<string, FieldSet>, { managers, request }: Situation): StatusError {
  const { seenAs } = request;
  const told = (id: ManagerId) => printManager(seenAs ? { ...id, apiVersion: seenAs.apiVersion } : id);
  const all = [...conflicts]
    .map(([key, fields]) => ({
      manager: told(managers.get(key)!),
      paths: seenAs ? [seenAs.field] : pathsOf(fields).map(printPath),
    }))
    .sort((a, b) => (a.manager < b.manager ? -1 : 1));
  const causes: StatusCause[] = all.flatMap(({ manager, paths }) =>
    paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field })),
  );
  const [first] = causes;
  const message =
    causes.length === 1
      ? `Apply failed with 1 conflict: ${first!.message}: ${first!.field}`
      : `Apply failed with ${causes.length} conflicts: ${all
          .map(({ manager, paths }) => `conflicts with ${manager}:\n${paths.map((path) => `- ${path}`).join('\n')}`)
          .join('\n')}`;
  return new StatusError({ code: 409, reason: 'Conflict', message, details: { causes } });
}

function printManager({ manager, operation, apiVersion, subresource }: ManagerId): string {
  const name = JSON.stringify(manager) + (subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`);
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}
