// Who manages the number of replicas, between an object and its scale subresource, which shows that one field of it in a type
// of its own (upstream apimachinery's ScaleHandler).
import type { ManagedFieldsEntry } from '../meta/v1.generated.ts';
import { difference, type FieldPath, type FieldSet, hasPath, isEmptySet, setOf } from './field-set.ts';
import { encodeManagers, type Managed, storedManagers } from './managers.ts';

/** Where a version of the object has the number of replicas; `none`: it has no scale; undefined: there is no such version. */
export type ReplicasPath = (apiVersion: string) => FieldPath | 'none' | undefined;

const pathInScale: FieldPath = ['f:spec', 'f:replicas'];
const scaleVersion = 'autoscaling/v1';
const replicasInScale: FieldSet = setOf([pathInScale]);

/** The managedFields of the Scale of an object: who manages the number of replicas. */
export function managersOfScale(entries: unknown, replicasPath: ReplicasPath): ManagedFieldsEntry[] | undefined {
  const managers = new Map<string, Managed>();
  for (const [key, managed] of storedManagers(entries)) {
    const path = replicasPath(managed.apiVersion);
    if (path === undefined || path === 'none' || !hasPath(managed.fields, path)) continue;
    managers.set(key, { ...managed, apiVersion: scaleVersion, fields: replicasInScale });
  }
  return encodeManagers(managers);
}

/**
 * The managedFields of the object once its Scale was written. An update is a manager by the version that it wrote, and the
 * Scale is of another: so who is named there comes into the object as somebody new, at no time.
 */
export function managersOfParent(
  { entries, scaleEntries }: { readonly entries: unknown; readonly scaleEntries: unknown },
  { apiVersion, replicasPath }: { readonly apiVersion: string; readonly replicasPath: ReplicasPath },
): ManagedFieldsEntry[] | undefined {
  const parents = storedManagers(entries);
  const scales = new Map(storedManagers(scaleEntries));
  const managers = new Map<string, Managed>();
  for (const [key, managed] of parents) {
    const path = replicasPath(managed.apiVersion);
    if (path === undefined) continue;
    if (path === 'none' || !hasPath(managed.fields, path) || scales.delete(key)) {
      managers.set(key, managed);
      continue;
    }
    const fields = difference(managed.fields, setOf([path]));
    if (!isEmptySet(fields)) managers.set(key, { ...managed, fields });
  }
  const path = replicasPath(apiVersion);
  if (path === undefined || path === 'none') return encodeManagers(managers);
  for (const [key, managed] of scales) {
    if (!hasPath(managed.fields, pathInScale)) continue;
    managers.set(key, { ...managed, apiVersion, fields: setOf([path]), time: parents.get(key)?.time });
  }
  return encodeManagers(managers);
}
