// Who manages which fields: the entries of metadata.managedFields, by manager.
import type { ManagedFieldsEntry } from '../meta/v1.generated.ts';
import {
  difference,
  emptySet,
  type FieldSet,
  intersection,
  isEmptySet,
  isFieldSet,
  setOf,
  union,
} from './field-set.ts';
import type { Comparison } from './typed.ts';

/** A manager is known by its name, the operation, the subresource, and for updates the version it wrote. */
export interface ManagerId {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** Empty for the object itself. */
  readonly subresource: string;
}

export interface Managed extends ManagerId {
  readonly fields: FieldSet;
  /** RFC 3339; absent for entries that never had one. */
  readonly time: string | undefined;
}

/** By `keyOf`. */
export type Managers = ReadonlyMap<string, Managed>;

/** An applier stays the same manager when it applies another version. */
export function keyOf({ manager, operation, apiVersion, subresource }: ManagerId): string {
  return JSON.stringify([manager, operation, operation === 'Apply' ? '' : apiVersion, subresource]);
}

/** Reads metadata.managedFields; undefined when it is no list of entries, or one of them is not FieldsV1 as it should be. */
export function decodeManagers(entries: unknown): Managers | undefined {
  const managers = new Map<string, Managed>();
  if (entries === undefined || entries === null) return managers;
  if (!Array.isArray(entries)) return undefined;
  for (const entry of entries as ManagedFieldsEntry[]) {
    if (entry.operation !== 'Apply' && entry.operation !== 'Update') return undefined;
    const { fieldsType, fieldsV1 = emptySet } = entry;
    if (fieldsType !== 'FieldsV1' || !isFieldSet(fieldsV1)) return undefined;
    const managed: Managed = {
      manager: entry.manager ?? '',
      operation: entry.operation,
      apiVersion: entry.apiVersion ?? '',
      subresource: entry.subresource ?? '',
      time: entry.time,
      fields: fieldsV1,
    };
    const key = keyOf(managed);
    const other = managers.get(key);
    managers.set(key, other ? { ...managed, fields: union(other.fields, managed.fields) } : managed);
  }
  return managers;
}

/** Writes metadata.managedFields: appliers first, then by time and name. Undefined when there are none. */
export function encodeManagers(managers: Managers): ManagedFieldsEntry[] | undefined {
  if (managers.size === 0) return undefined;
  return [...managers.values()].sort(inOrder).map((m) => ({
    ...(m.manager !== '' && { manager: m.manager }),
    operation: m.operation,
    ...(m.apiVersion !== '' && { apiVersion: m.apiVersion }),
    ...(m.time !== undefined && { time: m.time }),
    fieldsType: 'FieldsV1',
    fieldsV1: m.fields,
    ...(m.subresource !== '' && { subresource: m.subresource }),
  }));
}

function inOrder(a: Managed, b: Managed): number {
  return (
    compareText(a.operation, b.operation) ||
    compareText(a.time ?? '', b.time ?? '') ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Fields of `managers` (but not of `self`) that the change touches: what an apply would have to take by force. */
export function conflictsOf(managers: Managers, self: string, { added, modified }: Comparison): Map<string, FieldSet> {
  const conflicts = new Map<string, FieldSet>();
  const changed = union(modified, added);
  if (isEmptySet(changed)) return conflicts;
  for (const [key, managed] of managers) {
    if (key === self) continue;
    const both = intersection(managed.fields, changed);
    if (!isEmptySet(both)) conflicts.set(key, both);
  }
  return conflicts;
}

/** All managers but `self` lose what the change added, modified or removed; those left with nothing go. */
export function loseFields(
  managers: Managers,
  self: string,
  { added, modified, removed }: Comparison,
): Map<string, Managed> {
  if (managers.size === 0) return new Map();
  const lost = union(union(modified, added), removed);
  const result = new Map<string, Managed>();
  for (const [key, managed] of managers) {
    const fields = key === self ? managed.fields : difference(managed.fields, lost);
    if (!isEmptySet(fields)) result.set(key, fields === managed.fields ? managed : { ...managed, fields });
  }
  return result;
}

/** Fields of which nobody is the manager: identity and what the server itself writes. */
const unmanaged: FieldSet = setOf([
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...[
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'clusterName',
    'generation',
    'managedFields',
    'resourceVersion',
  ].map((name) => ['f:metadata', `f:${name}`]),
]);

export function withoutUnmanaged(fields: FieldSet): FieldSet {
  return difference(fields, unmanaged);
}

/** More entries of updates than this are folded into one, the oldest first. */
const mostUpdaters = 10;
const folded = 'ancient-changes';

/** Folds the oldest updates into the manager `ancient-changes` of their version when there are too many. */
export function capUpdaters(managers: Managers): Managers {
  if (managers.size <= mostUpdaters) return managers;
  const updaters = [...managers.values()].filter((m) => m.operation === 'Update').sort(inOrder);
  if (updaters.length <= mostUpdaters) return managers;
  const result = new Map(managers);
  let left = updaters.length;
  for (const old of updaters) {
    if (left <= mostUpdaters) break;
    const bucket: ManagerId = { manager: folded, operation: 'Update', apiVersion: old.apiVersion, subresource: '' };
    const key = keyOf(bucket);
    if (key === keyOf(old)) continue;
    const existing = result.get(key);
    if (existing) left--;
    const fields = existing ? union(existing.fields, old.fields) : old.fields;
    result.delete(keyOf(old));
    result.set(key, { ...bucket, fields, time: latest(existing?.time, old.time) });
  }
  return result;
}

function latest(a: string | undefined, b: string | undefined): string | undefined {
  return (a ?? '') > (b ?? '') ? a : b;
}
