// Who manages which fields: the entries of metadata.managedFields, by manager.
import type { ManagedFieldsEntry } from '../meta/v1.generated.ts';
import { type Comparison, noChange as nothing } from './compare.ts';
import {
  difference,
  emptySet,
  type FieldSet,
  intersection,
  isEmptySet,
  readFieldSet,
  setOf,
  union,
} from './field-set.ts';

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

/** An applier stays the same manager when it applies another version. Keys are in the order in which managers are told of. */
export function keyOf({ manager, operation, apiVersion, subresource }: ManagerId): string {
  return JSON.stringify({
    ...(manager !== '' && { manager }),
    operation,
    ...(operation === 'Update' && { apiVersion }),
    ...(subresource !== '' && { subresource }),
  });
}

/** Reads metadata.managedFields as a client sent it. Of two entries of one manager the later counts. */
export function decodeManagers(entries: unknown): Managers | { readonly error: string } {
  const managers = new Map<string, Managed>();
  if (!Array.isArray(entries)) return managers;
  for (const [i, entry] of (entries as ManagedFieldsEntry[]).entries()) {
    const { operation, apiVersion = '', fieldsType = '' } = entry;
    if (operation !== 'Apply' && operation !== 'Update') return { error: 'operation must be `Apply` or `Update`' };
    if (apiVersion === '') return { error: 'apiVersion must not be empty' };
    if (fieldsType === '') return { error: `missing fieldsType in managed fields entry ${i}` };
    if (fieldsType !== 'FieldsV1') {
      return { error: `invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${i}` };
    }
    const fields = readFieldSet(entry.fieldsV1 ?? emptySet);
    if (fields === undefined) return { error: `error decoding versioned set from managed fields entry ${i}` };
    const managed = { ...idOf(entry), time: entry.time, fields };
    managers.set(keyOf(managed), managed);
  }
  return managers;
}

const none: Managers = new Map();

/** The managers of a stored object: what was written there was checked then. */
export function storedManagers(entries: unknown): Managers {
  if (!Array.isArray(entries)) return none;
  const managers = new Map<string, Managed>();
  for (const entry of entries as ManagedFieldsEntry[]) {
    const managed = { ...idOf(entry), time: entry.time, fields: (entry.fieldsV1 ?? emptySet) as FieldSet };
    managers.set(keyOf(managed), managed);
  }
  return managers;
}

function idOf({ manager = '', operation, apiVersion = '', subresource = '' }: ManagedFieldsEntry): ManagerId {
  return { manager, operation: operation === 'Apply' ? 'Apply' : 'Update', apiVersion, subresource };
}

/** Writes metadata.managedFields: appliers first, then by time and name. Undefined when there are none. */
export function encodeManagers(managers: Managers): ManagedFieldsEntry[] | undefined {
  if (managers.size === 0) return undefined;
  return [...managers.values()].sort(inOrder).map(encodeManaged);
}

export function encodeManaged(managed: Managed): ManagedFieldsEntry {
  const { manager, operation, apiVersion, time, fields, subresource } = managed;
  // In upstream's order, and without parts that are spread: every write makes one.
  const entry: ManagedFieldsEntry = {};
  if (manager !== '') entry.manager = manager;
  entry.operation = operation;
  if (apiVersion !== '') entry.apiVersion = apiVersion;
  if (time !== undefined) entry.time = time;
  entry.fieldsType = 'FieldsV1';
  entry.fieldsV1 = fields;
  if (subresource !== '') entry.subresource = subresource;
  return entry;
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

/** What a change is in the version that a manager wrote; undefined: there is no such version any more. */
export type ChangeIn = (apiVersion: string) => Comparison | undefined;

/** Fields of `managers` (but not of `self`) that the change touches: what an apply would have to take by force. */
export function conflictsOf(managers: Managers, self: string, changeIn: ChangeIn): Map<string, FieldSet> {
  const conflicts = new Map<string, FieldSet>();
  for (const [key, managed] of managers) {
    if (key === self) continue;
    const change = changeIn(managed.apiVersion);
    if (change === undefined) continue;
    const both = intersection(managed.fields, union(change.modified, change.added));
    if (!isEmptySet(both)) conflicts.set(key, both);
  }
  return conflicts;
}

/**
 * All managers but `self` lose what the change added, modified or removed; those left with nothing go, and so do those of
 * versions that are no more.
 */
export function loseFields(managers: Managers, self: string, changeIn: ChangeIn): Map<string, Managed> {
  const result = new Map<string, Managed>();
  for (const [key, managed] of managers) {
    const change = key === self ? nothing : changeIn(managed.apiVersion);
    if (change === undefined) continue;
    const lost = union(union(change.modified, change.added), change.removed);
    const fields = difference(managed.fields, lost);
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
  const updaters = [...managers].filter(([, { operation }]) => operation === 'Update').sort(byAge);
  const result = new Map(managers);
  const firsts = new Map<string, string>();
  let left = updaters.length;
  for (const [key, old] of updaters) {
    if (left <= mostUpdaters) break;
    const { apiVersion } = old;
    const first = firsts.get(apiVersion);
    if (first === undefined) {
      // Alone of its version it keeps its name.
      firsts.set(apiVersion, key);
      continue;
    }
    const id: ManagerId = { manager: folded, operation: 'Update', apiVersion, subresource: '' };
    const bucket = result.get(keyOf(id)) ?? result.get(first)!;
    if (!result.has(keyOf(id))) result.delete(first);
    // The younger one tells when.
    result.set(keyOf(id), { ...id, fields: union(old.fields, bucket.fields), time: old.time });
    if (key !== keyOf(id)) result.delete(key);
    left--;
  }
  return result;
}

function byAge([key, a]: [string, Managed], [otherKey, b]: [string, Managed]): number {
  return compareText(a.time ?? '', b.time ?? '') || compareText(key, otherKey);
}
