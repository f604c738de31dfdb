// Pruning: fields that the schema does not have are taken out, unless it says to keep them
// (x-kubernetes-preserve-unknown-fields).

import { isObject } from '../../../apimachinery/json/value.ts';
import { ownValue } from '../../../apimachinery/table.ts';
import { additionalOf, childPath, isEmbedded, itemsOf, type JSONSchemaProps, preservesUnknown } from './props.ts';

const resourceFields = new Set(['apiVersion', 'kind', 'metadata']);

/**
 * Changes the value in place and returns the paths of what was taken out (`spec.list[0].colour`), in order. The root is a
 * resource: its apiVersion, kind and metadata stay, whatever they hold.
 */
export function prune(root: Record<string, unknown>, schema: JSONSchemaProps): string[] {
  const pruned: string[] = [];
  pruneObject(root, schema, { path: '', isResource: true, pruned });
  return pruned.sort();
}

interface Place {
  readonly path: string;
  readonly isResource: boolean;
  readonly pruned: string[];
}

function pruneValue(value: unknown, schema: JSONSchemaProps | undefined, place: Place): void {
  if (Array.isArray(value)) {
    const isKept = schema !== undefined && preservesUnknown(schema);
    const items = schema && itemsOf(schema);
    // A list without a schema of its items under a schema that preserves: everything in it stays.
    if (isKept && !items) return;
    // What preserves does so for the fields of its items as well, if not for what these hold.
    const below = isKept ? { ...items, 'x-kubernetes-preserve-unknown-fields': true } : items;
    const isResource = items !== undefined && isEmbedded(items);
    for (const [i, item] of value.entries()) {
      pruneValue(item, below, { ...place, path: `${place.path}[${i}]`, isResource });
    }
  } else if (isObject(value)) pruneObject(value as Record<string, unknown>, schema, place);
}

function pruneObject(value: Record<string, unknown>, schema: JSONSchemaProps | undefined, place: Place): void {
  const keeps = schema !== undefined && preservesUnknown(schema);
  const additional = schema ? additionalOf(schema) : undefined;
  for (const key of Object.keys(value)) {
    if (place.isResource && resourceFields.has(key)) continue;
    const path = childPath(place.path, key);
    const property = ownValue(schema?.properties, key);
    if (property || additional) {
      // `additionalProperties: true` lets any value in, and says nothing of what is in it.
      const below = property ?? (typeof additional === 'object' ? additional : undefined);
      const isResource = below !== undefined && isEmbedded(below);
      pruneValue(value[key], below, { path, isResource, pruned: place.pruned });
    } else if (!keeps) {
      delete value[key];
      place.pruned.push(path);
    }
  }
}
