// JSON Merge Patch (RFC 7386), with what kube-apiserver's library adds to it: a list that is new loses the null fields of the
// objects in it; one that takes the place of an object keeps them.
import { isObject, setKey } from '../json/value.ts';
import { ownValue } from '../table.ts';

/** The patched document; neither argument is changed, unchanged parts are shared. */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isObject(document)) return withoutNulls(patch);
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = { ...document };
  for (const key in patch) {
    const value = patch[key];
    if (value === null) delete result[key];
    else setKey(result, key, applyMergePatch(ownValue(result, key), value));
  }
  return result;
}

/** The value without the null fields of the objects in it. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const result: Record<string, unknown> = {};
  for (const key in value) if (value[key] !== null) setKey(result, key, withoutNulls(value[key]));
  return result;
}
