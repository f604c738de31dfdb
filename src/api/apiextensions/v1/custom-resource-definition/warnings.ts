// What is not wrong with a definition, and not right either.
import { formatOf } from '../../schema/formats.ts';
import { type JSONSchemaProps, walkSchema } from '../../schema/props.ts';
import type { CustomResourceDefinition } from '../types.generated.ts';
import { internalSpec } from './internal.ts';

/** Formats that mean nothing for their type; of an update, those that are new. */
export function definitionWarnings(definition: CustomResourceDefinition, old?: CustomResourceDefinition): string[] {
  const known = new Set(old ? unknownFormats(old) : []);
  return unknownFormats(definition)
    .filter((format) => !known.has(format))
    .map((format) => `unrecognized format ${JSON.stringify(format)}`);
}

function unknownFormats({ spec }: CustomResourceDefinition): string[] {
  const { common, versions } = internalSpec(spec);
  const formats: string[] = [];
  const note = (schema: JSONSchemaProps) => {
    if (schema.format && formatOf(schema) === '') formats.push(schema.format);
  };
  for (const { schema } of [common, ...versions]) if (schema?.openAPIV3Schema) walkSchema(schema.openAPIV3Schema, note);
  return formats;
}
