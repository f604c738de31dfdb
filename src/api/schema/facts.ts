// The tables of api-facts, cut into the rows of each type. Cutting is one pass; cells are read when a type is asked for.
import { table as fieldsTable } from '../facts/fields.generated.ts';
import { table as mergeKeysTable } from '../facts/merge-keys.generated.ts';

export interface FieldFacts {
  readonly name: string;
  /** `string`, `integer:int32`, `[]io.k8s.api.core.v1.ServicePort`, … */
  readonly type: string;
  readonly required: boolean;
}

export interface MergeFacts {
  /** `merge`, `merge,retainKeys`, `replace`, … or empty. */
  readonly patchStrategy: string;
  readonly patchMergeKey: string;
  /** `atomic`, `granular`, `set`, `map` or empty. */
  readonly listOrMapType: string;
  readonly listMapKeys: readonly string[];
}

export interface TypeFacts {
  readonly fields: readonly FieldFacts[];
  /** By field name; `(itself)` stands for the type. */
  readonly merge: ReadonlyMap<string, MergeFacts>;
  /** `apps/v1/Deployment`, `/v1/Service`; empty for types that are no kinds. */
  readonly groupVersionKind: string;
}

export interface Facts {
  /** Full names: `io.k8s.api.core.v1.Service`. */
  readonly typeNames: readonly string[];
  /** The full name of the type of a kind, by `group/version/Kind`. */
  readonly typesOfKinds: ReadonlyMap<string, string>;
  factsOf(type: string): TypeFacts | undefined;
}

/** Rows of a table by their first cell, in the table's order. */
function rowsByType(table: string): Map<string, string[]> {
  const rows = new Map<string, string[]>();
  let current = '';
  let list: string[] = [];
  for (const row of table.slice(table.indexOf('\n') + 1).split('\n')) {
    if (row === '') continue;
    const type = row.slice(0, row.indexOf('\t'));
    if (type !== current) {
      current = type;
      list = rows.get(type) ?? [];
      rows.set(type, list);
    }
    list.push(row);
  }
  return rows;
}

export function readFacts(): Facts {
  const fieldRows = rowsByType(fieldsTable);
  const mergeRows = rowsByType(mergeKeysTable);
  const typesOfKinds = new Map<string, string>();
  for (const [type, [first = '']] of fieldRows) {
    const kind = first.slice(first.lastIndexOf('\t') + 1);
    if (kind !== '') typesOfKinds.set(kind, type);
  }
  return {
    typeNames: [...fieldRows.keys()],
    typesOfKinds,
    factsOf(type) {
      const rows = fieldRows.get(type);
      if (!rows) return undefined;
      const fields = rows.map((row) => {
        const [, name = '', fieldType = '', required = ''] = row.split('\t');
        return { name, type: fieldType, required: required === 'required' };
      });
      const merge = new Map(
        (mergeRows.get(type) ?? []).map((row) => {
          const [, name = '', patchStrategy = '', patchMergeKey = '', listOrMapType = '', keys = ''] = row.split('\t');
          return [name, { patchStrategy, patchMergeKey, listOrMapType, listMapKeys: keys ? keys.split(',') : [] }];
        }),
      );
      const [first = ''] = rows;
      return { fields, merge, groupVersionKind: first.slice(first.lastIndexOf('\t') + 1) };
    },
  };
}
