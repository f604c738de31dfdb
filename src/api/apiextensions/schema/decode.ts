// What a body becomes: metadata as every object has it, all else pruned and defaulted by the schema.
import { isObject, jsonCopy } from '../../../apimachinery/json/value.ts';
import { type Decoded, DecodeError, decodeObject } from '../../../apimachinery/schema/decode.ts';
import type { ObjectSchema } from '../../../apimachinery/schema/schema.ts';
import { applyDefaults, dropForbiddenNulls } from './defaults.ts';
import { coerceEmbedded } from './embedded.ts';
import type { JSONSchemaProps } from './props.ts';
import { prune } from './prune.ts';

export interface DecodeRules {
  /** Absent: everything is kept. */
  readonly schema: JSONSchemaProps | undefined;
  /** The type ObjectMeta. */
  readonly metadata: ObjectSchema;
  /** spec.preserveUnknownFields of old definitions: nothing is pruned. */
  readonly keepsUnknown: boolean;
  /** Nulls that the schema does not allow stay, for validation to refuse: so it is with what server-side apply makes. */
  readonly keepsNulls?: boolean | undefined;
}

/** Makes a fresh object; the value is not changed. Throws DecodeError where the metadata does not fit its type. */
export function decodeCustomResource(value: unknown, rules: DecodeRules): Decoded {
  const { schema, metadata, keepsUnknown } = rules;
  if (!isObject(value)) throw new DecodeError('json: cannot unmarshal into Go value of type map[string]interface {}');
  const { metadata: given, ...rest } = value;
  const decoded = decodeObject(given ?? {}, metadata);
  const unknownFields = decoded.unknownFields.map((path) => `metadata.${path}`).sort();
  const object = jsonCopy(rest) as Record<string, unknown>;
  if (!keepsUnknown && schema) {
    unknownFields.push(...prune(object, schema));
    if (!rules.keepsNulls) dropForbiddenNulls(object, schema);
  }
  if (schema) unknownFields.push(...coerceEmbedded(object, schema, metadata));
  applyDefaults(object, schema);
  const { apiVersion, kind, ...content } = object;
  return { object: { apiVersion, kind, metadata: decoded.object, ...content }, unknownFields };
}
