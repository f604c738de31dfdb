// JSON Merge Patch (RFC 7386).

import { isObject, setKey } from '../json/value.ts';
import { ownValue } from '../table.ts';

/** The patched document; neither argument is changed, unchanged parts are shared. */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(document) ? { ...document } : {};
  for (const key in patch) {
    const value = patch[key];
    if (value === null) delete result[key];
    else setKey(result, key, applyMergePatch(ownValue(result, key), value));
  }
  return result;
}
