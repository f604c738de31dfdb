// Field sets written under another schema than today's: what has become atomic since is owned as a whole (upstream
// structured-merge-diff, ReconcileFieldSetWithSchema). The way back needs nothing: who owned the whole owns just that.
import type { Schema } from '../schema/schema.ts';
import { emptySet, type FieldSet, isEmptySet } from './field-set.ts';
import { schemaBelow } from './merge.ts';
import { isAtomic } from './typed.ts';

/** The set under the schema: itself where nothing has changed. */
export function reconciled(set: FieldSet, schema: Schema): FieldSet {
  let changed: Record<string, FieldSet> | undefined;
  for (const element in set) {
    const below = set[element]!;
    if (element === '.' || isEmptySet(below)) continue;
    const type = schemaBelow(schema, element);
    if (type === undefined) continue;
    const isContainer = type.kind === 'list' || type.kind === 'map' || type.kind === 'object';
    const now = isContainer && isAtomic(type) ? emptySet : reconciled(below, type);
    if (now === below) continue;
    changed ??= { ...set };
    changed[element] = now;
  }
  return changed ?? set;
}
