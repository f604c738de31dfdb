// Paths that lead to fields of a schema: selectableFields, and fieldPath of rules (upstream cel.ValidFieldPath).
import { ownValue } from '../../../../apimachinery/table.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { additionalSchema, type JSONSchemaProps } from '../../schema/props.ts';
import type { SelectableField } from '../types.generated.ts';

export const mostSelectableFields = 8;

export interface FoundPath {
  /** What is wrong with the path; then nothing else is set. */
  readonly problem?: string;
  readonly schema?: JSONSchemaProps;
  /** Field names on the way. */
  readonly names: readonly string[];
}

export function pathProblem(
  path: string,
  schema: JSONSchemaProps,
  { allowsBrackets }: { readonly allowsBrackets: boolean },
): FoundPath {
  const tokens = path.match(/'(?:[^'\\]|\\.)*'|[.[\]]|[^.[\]']+/g) ?? [];
  const names: string[] = [];
  let current = schema;
  const fail = (problem: string): FoundPath => ({ problem, names });
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token !== '.' && token !== '[') return fail(`expected [ or . but got: ${token}`);
    if (token === '[' && !allowsBrackets) return fail('array notation is not allowed');
    let name = tokens[++i];
    if (name === undefined) return fail('unexpected end of JSON path');
    if (token === '[') {
      if (!/^'.*'$/s.test(name)) return fail(`expected single quoted string but got ${name}`);
      name = name.slice(1, -1).replace(/\\(.)/g, '$1');
    }
    const named = Object.keys(current.properties ?? {}).length > 0 ? current.properties : undefined;
    const below = named ? ownValue(named, name) : additionalSchema(current);
    if (!below) return fail('does not refer to a valid field');
    names.push(name);
    current = below;
    if (token !== '[') continue;
    const close = tokens[++i];
    if (close === undefined) return fail('unexpected end of JSON path');
    if (close !== ']') return fail(`expected ] but got ${close}`);
  }
  return { schema: current, names };
}

export function validateSelectableFields(
  fields: readonly SelectableField[],
  schema: JSONSchemaProps,
  { path, maySurpass }: { readonly path: string; readonly maySurpass: boolean },
): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, { jsonPath = '' }] of fields.entries()) {
    const at = `${path}[${i}].jsonPath`;
    if (jsonPath === '') {
      errors.push(fieldError.required(at));
      continue;
    }
    const found = pathProblem(jsonPath, schema, { allowsBrackets: false });
    if (found.problem) {
      errors.push(fieldError.invalid(at, jsonPath, `is an invalid path: ${found.problem}`));
      continue;
    }
    if (found.names[0] === 'metadata') {
      errors.push(fieldError.invalid(at, jsonPath, 'must not point to fields in metadata'));
    }
    if (!['string', 'boolean', 'integer'].includes(found.schema?.type ?? '')) {
      const detail =
        'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
      errors.push(fieldError.invalid(at, jsonPath, detail));
    }
    const name = found.names.join('.');
    if (seen.has(name)) errors.push(fieldError.duplicate(at, jsonPath));
    seen.add(name);
  }
  if (seen.size > mostSelectableFields && !maySurpass) {
    errors.push(fieldError.tooMany(path, seen.size, mostSelectableFields));
  }
  return errors;
}
