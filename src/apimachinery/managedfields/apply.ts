// Server-side apply: the applied object is merged into the live one, the manager takes what it applies, gives up what it no
// longer says (and what nobody else owns goes), and is refused what others own unless it forces.
import { isObject, jsonEqual, setKey } from '../json/value.ts';
import type { ManagedFieldsEntry, StatusCause } from '../meta/v1.generated.ts';
import { printKind } from '../object.ts';
import { zeroObject } from '../schema/decode.ts';
import { badRequest, StatusError } from '../status.ts';
import { checkApplied, printObject } from './check-applied.ts';
import { difference, type FieldSet, intersection, isEmptySet, pathsOf, printPath, union } from './field-set.ts';
import { allowedFromLastApplied, renewLastApplied } from './last-applied.ts';
import {
  conflictsOf,
  encodeManagers,
  keyOf,
  loseFields,
  type Managed,
  type ManagerId,
  type Managers,
  storedManagers,
  withoutUnmanaged,
} from './managers.ts';
import { mergeTyped, removePaths, withNamedFields } from './merge.ts';
import { managedFieldsOf, trackUpdate, type Writer, withoutManagedFields } from './record-update.ts';
import { fieldSetOf, fieldSetOfDecoded } from './typed.ts';
import { ConversionError, changesOf, reconcileManagers, type Versions, type VersionView } from './versions.ts';

export interface ApplyRequest extends Writer {
  readonly kind: string;
  /** The stored object; undefined when the apply creates it. */
  readonly live: unknown;
  /** The applied object as the client sent it: not defaulted, not filled in. */
  readonly applied: Readonly<Record<string, unknown>>;
  /** Take what others own. */
  readonly force: boolean;
}

export interface Applied {
  /** The merged object, without managedFields; to be decoded, defaulted and validated like an update. */
  readonly object: Record<string, unknown>;
  readonly managedFields: ManagedFieldsEntry[] | undefined;
}

/** Throws StatusError: 400 for a malformed applied object, 500 where it does not fit the type, 409 with one cause per conflict. */
export function apply(request: ApplyRequest): Applied {
  const { applied, live, versions } = request;
  checkKind(applied, request);
  const view = versions.view(request.apiVersion)!;
  try {
    const managers = storedManagers(managedFieldsOf(live));
    // What nobody owns yet is looked at for its first owners, before anything else.
    if (managers.size === 0) checkLive(request, managers);
    const given = managedFieldsOf(applied);
    if (given !== undefined && given !== null) throw badRequest('metadata.managedFields must be nil');
    const config = withoutManagedFields(applied);
    checkApplied(config, view.schema, request.kind);
    if (managers.size > 0) checkLive(request, managers);
    const before = withoutManagedFields(live ?? zeroObject(view.schema));
    const situation: Situation = { request, config, view, live: before, managers };
    situation.managers =
      managers.size === 0 && live !== undefined
        ? beforeFirstApply(situation)
        : reconcileManagers(managers, before, versions);
    return request.manager === 'kubectl' ? applyForKubectl(situation) : applyOnce(situation, request.force);
  } catch (error) {
    if (error instanceof ConversionError) throw new StatusError({ code: 500, message: error.message });
    throw error;
  }
}

function checkKind({ apiVersion = '', kind = '' }: Readonly<Record<string, unknown>>, request: ApplyRequest): void {
  if (apiVersion === request.apiVersion && kind === request.kind) return;
  throw badRequest(`invalid object type: ${printKind(String(apiVersion), String(kind))}`);
}

/** What was stored under another schema may not fit today's. */
function checkLive({ live, versions, apiVersion, kind }: ApplyRequest, managers: Managers): void {
  const why = live === undefined ? undefined : versions.misfit?.(live);
  if (why === undefined) return;
  const what = printObject(live, apiVersion, kind);
  throw new ConversionError(
    managers.size === 0
      ? `failed to create manager for existing fields: failed to convert new object (${what}) to smd typed: ${why}`
      : `failed to create typed live object (${what}): ${why}`,
  );
}

interface Situation {
  readonly request: ApplyRequest;
  readonly config: unknown;
  readonly view: VersionView;
  readonly live: unknown;
  managers: Managers;
}

/** Fields of an object that was never tracked belong to a manager of their own, so that an apply does not silently take them. */
function beforeFirstApply({ request, view, live, managers }: Situation): Managers {
  const id: ManagerId = { ...idOf(request), manager: 'before-first-apply', operation: 'Update' };
  return trackUpdate(managers, id, { before: zeroObject(view.schema), after: live, writer: request });
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
  const { request, live, view } = situation;
  const outcome = tryApply(situation, request.force);
  if (!('conflicts' in outcome)) return renewed(outcome, situation);
  const allowed = allowedFromLastApplied(live, { ...view, apiVersion: request.apiVersion, kind: request.kind });
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
  const { schema, own } = situation.view;
  const id = idOf(request);
  const self = keyOf(id);
  const last = managers.get(self);
  const all = fieldSetOf(config, schema);
  const stated = own ? own(all) : all;
  // The name is nobody's, but it is stated: that keeps metadata when the last label goes.
  const withSelf = new Map(managers).set(self, { ...id, fields: stated, time: last?.time });
  const merged = mergeTyped(live, config, schema);
  const object = last ? prune(merged, { last, managers: withSelf, request }) : merged;
  const changeIn = changesOf(live, object, request.versions);
  const conflicts = conflictsOf(withSelf, self, changeIn);
  if (conflicts.size > 0 && !force) return { conflicts };
  const after = loseFields(withSelf, self, changeIn);
  const fields = withoutUnmanaged(stated);
  // Who applies what is there already becomes its manager, but has changed nothing at any time.
  const time = jsonEqual(live, object) ? last?.time : request.time;
  if (isEmptySet(fields)) after.delete(self);
  else after.set(self, { ...id, fields, time });
  return { object: asObject(object), managedFields: encodeManagers(after) };
}

function asObject(value: unknown): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  if (isObject(value)) for (const key in value) setKey(object, key, value[key]);
  return object;
}

/** Takes out what the manager applied last time and does not now, unless somebody else owns it. */
function prune(
  merged: unknown,
  given: { readonly last: Managed; readonly managers: Managers; readonly request: ApplyRequest },
): unknown {
  const { last, request } = given;
  const { versions } = request;
  const view = versions.view(last.apiVersion);
  if (isEmptySet(last.fields) || view === undefined) return merged;
  const { schema } = view;
  const named = (set: FieldSet) => withNamedFields(set, schema);
  const full = inLastVersion(merged, last, versions);
  const bare = removePaths(full, named(last.fields), schema);
  const kept = versions.convert(withOwned(full, bare, given), last.apiVersion);
  // What only came back because an item around it did is still the manager's to take away.
  const gone = difference(named(fieldSetOfDecoded(full, schema)), named(fieldSetOfDecoded(kept, schema)));
  const pruned = removePaths(full, intersection(gone, named(last.fields)), schema);
  return versions.convert(pruned, request.apiVersion);
}

function inLastVersion(merged: unknown, last: Managed, versions: Versions): unknown {
  try {
    return versions.convert(merged, last.apiVersion);
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error;
    const why = 'failed to prune fields: failed to convert merged object to last applied version';
    throw new ConversionError(`${why}: ${error.message}`, { cause: error });
  }
}

/** The pruned object with all in it again that somebody owns, asked of the owners of each version in their version. */
function withOwned(
  merged: unknown,
  bare: unknown,
  {
    last,
    managers,
    request: { versions },
  }: { readonly last: Managed; readonly managers: Managers; readonly request: ApplyRequest },
): unknown {
  const owned = new Map<string, FieldSet>([[last.apiVersion, {}]]);
  for (const { apiVersion, fields } of managers.values()) {
    owned.set(apiVersion, union(owned.get(apiVersion) ?? {}, fields));
  }
  let [full, pruned] = [merged, bare];
  for (const [apiVersion, fields] of owned) {
    const schema = versions.view(apiVersion)?.schema;
    if (schema === undefined) continue;
    const named = (set: FieldSet) => withNamedFields(set, schema);
    full = versions.convert(full, apiVersion);
    pruned = versions.convert(pruned, apiVersion);
    const kept = union(named(fieldSetOfDecoded(pruned, schema)), named(fields));
    pruned = removePaths(full, difference(named(fieldSetOfDecoded(full, schema)), kept), schema);
  }
  return pruned;
}

function conflictError(conflicts: ReadonlyMap<string, FieldSet>, { managers }: Situation): StatusError {
  const all = [...conflicts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, fields]) => ({ manager: printManager(managers.get(key)!), paths: pathsOf(fields).map(printPath) }));
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
