// The schema of a version, from its root.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import type { JSONSchemaProps } from '../../schema/props.ts';
import { validateDefaultValues } from './default-values.ts';
import type { Expressions } from './expressions.ts';
import { goFieldsSet, goSchema } from './internal.ts';
import type { Leniency } from './ratcheting.ts';
import { validateSchemaRules } from './schema-rules.ts';
import { structuralProblem, validateStructural } from './structural.ts';

const { forbidden, invalid } = fieldError;

/** Go's names of the fields that may stand at the root of a schema beside a status subresource. */
const allowedAtRoot =
  'Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations'.split(
    ' ',
  );

export interface RootOptions {
  readonly hasStatus: boolean;
  readonly mustBeStructural: boolean;
  readonly leniency: Leniency;
  readonly expressions: Expressions;
  /** A single rule may cost what it likes. */
  readonly costly: boolean;
}

export function validateRootSchema(schema: JSONSchemaProps, path: string, options: RootOptions): FieldError[] {
  const { hasStatus, mustBeStructural, leniency, expressions, costly } = options;
  const errors: FieldError[] = hasStatus ? besideStatus(schema, path) : [];
  if (schema.nullable) errors.push(forbidden(`${path}.nullable`, 'nullable cannot be true at the root'));
  const problem = mustBeStructural ? structuralProblem(schema) : undefined;
  const inStructure =
    mustBeStructural && problem === undefined ? structureErrors(schema, path, { leniency, expressions }) : [];
  const rules = validateSchemaRules(schema, path, leniency);
  errors.push(...inStructure, ...rules);
  if (mustBeStructural && problem === undefined && inStructure.length === 0) {
    const faulty = (at: string) => rules.some(({ field }) => isBelow(field, at));
    errors.push(...expressions.compile(schema, path, { faulty, costly }));
  }
  return errors.length === 0 && problem !== undefined ? [invalid(path, '', problem)] : errors;
}

function structureErrors(
  schema: JSONSchemaProps,
  path: string,
  options: Pick<RootOptions, 'leniency' | 'expressions'>,
): FieldError[] {
  const structural = validateStructural(schema, path);
  return structural.length > 0 ? structural : validateDefaultValues(schema, path, options);
}

function isBelow(field: string, path: string): boolean {
  return (
    field.startsWith(path) && (field.length === path.length || field[path.length] === '.' || field[path.length] === '[')
  );
}

/** Only the first mistake is told. */
function besideStatus(schema: JSONSchemaProps, path: string): FieldError[] {
  for (const field of goFieldsSet(schema)) {
    if (field === 'Type' && schema.type !== 'object') {
      const detail =
        'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
      return [invalid(`${path}.type`, schema.type, detail)];
    }
    if (!allowedAtRoot.includes(field)) {
      const detail = `only [${allowedAtRoot.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`;
      return [invalid(path, goSchema(schema), detail)];
    }
  }
  return [];
}
