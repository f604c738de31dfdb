// anyOf, oneOf, allOf and not. Their own errors name no field; those of the schema that came closest follow.
import { fieldError } from '../../../apimachinery/validation/field-error.ts';
import type { JSONSchemaProps } from './props.ts';
import { type Findings, find, type Here, merge } from './validate-value.ts';

export function validateCombinators(value: unknown, schema: JSONSchemaProps, { at, found }: Here): void {
  const { anyOf = [], oneOf = [], allOf = [], not } = schema;
  // What is unchanged inside of a combination still counts for it: nothing here is spared.
  const { path } = at;
  const say = (what: string) => found.errors.push(fieldError.invalid('<nil>', '', `${JSON.stringify(path)} ${what}`));
  const under = (one: JSONSchemaProps) => find(value, one, { path });
  if (anyOf.length > 0) {
    const results = anyOf.map(under);
    const valid = results.find(({ errors }) => errors.length === 0);
    if (!valid) say('must validate at least one schema (anyOf)');
    merge(found, valid ?? closest(results));
  }
  if (oneOf.length > 0) {
    const results = oneOf.map(under);
    const valid = results.filter(({ errors }) => errors.length === 0);
    if (valid.length === 0) {
      say('must validate one and only one schema (oneOf). Found none valid');
      merge(found, closest(results));
    } else if (valid.length > 1) {
      say(`must validate one and only one schema (oneOf). Found ${valid.length} valid alternatives`);
    }
  }
  if (allOf.length > 0) {
    const results = allOf.map(under);
    const valid = results.filter(({ errors }) => errors.length === 0).length;
    for (const result of results) merge(found, result);
    if (valid < allOf.length) {
      say(`must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`);
    }
  }
  if (not && under(not).errors.length === 0) say('must not validate the schema (not)');
}

function closest(results: readonly Findings[]): Findings {
  return results.reduce((best, one) => (one.matches > best.matches ? one : best));
}
