// anyOf, oneOf, allOf and not. Their own errors name no field; those of the schema that came closest follow.
import { quoted } from '../../../apimachinery/json/go-text.ts';
import { fieldError } from '../../../apimachinery/validation/field-error.ts';
import type { JSONSchemaProps } from './props.ts';
import { check, type Findings, type Here, merge } from './validate-value.ts';

/** Whether there are any. */
export function validateCombinators(value: unknown, schema: JSONSchemaProps, { at, found }: Here): boolean {
  const { anyOf = [], oneOf = [], allOf = [], not } = schema;
  if (anyOf.length === 0 && oneOf.length === 0 && allOf.length === 0 && !not) return false;
  // What is unchanged inside of a combination still counts for it: nothing here is spared.
  const { path } = at;
  const say = (what: string) => found.errors.push(fieldError.invalid('<nil>', '', `${quoted(path)} ${what}`));
  const under = (one: JSONSchemaProps) => check(value, one, { path });
  if (anyOf.length > 0) {
    const results: Findings[] = [];
    for (const one of anyOf) {
      results.push(under(one));
      if (isValid(results.at(-1)!)) break;
    }
    const valid = results.find(isValid);
    if (!valid) say('must validate at least one schema (anyOf)');
    merge(found, valid ?? closest(results));
  }
  if (oneOf.length > 0) {
    const results = oneOf.map(under);
    const valid = results.filter(isValid);
    if (valid.length === 0) say('must validate one and only one schema (oneOf). Found none valid');
    if (valid.length > 1) {
      say(`must validate one and only one schema (oneOf). Found ${valid.length} valid alternatives`);
    } else merge(found, valid[0] ?? closest(results));
  }
  if (allOf.length > 0) {
    const results = allOf.map(under);
    const valid = results.filter(isValid).length;
    for (const result of results) merge(found, result);
    if (valid < allOf.length) {
      say(`must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`);
    }
  }
  if (not && isValid(under(not))) say('must not validate the schema (not)');
  return true;
}

function isValid({ errors }: Findings): boolean {
  return errors.length === 0;
}

function closest(results: readonly Findings[]): Findings {
  return results.reduce((best, one) => (one.matches > best.matches ? one : best));
}
