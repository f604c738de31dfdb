// One requirement of a label selector, and what makes it valid.
import { aggregate } from '../aggregate.ts';
import { labelValueRule, qualifiedName } from '../validation/names.ts';

export type LabelOperator = 'in' | 'notin' | '=' | '==' | '!=' | 'exists' | '!' | '>' | '<';

export interface Requirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** Sorted, without duplicates; one for `= == != > <`, none for `exists` and `!`. */
  readonly values: readonly string[];
}

/** The requirement, or what is wrong with it (upstream labels.NewRequirement). */
export function requirement(key: string, operator: LabelOperator, values: readonly string[]): Requirement | string {
  const errors: string[] = [];
  const keyErrors = qualifiedName(key);
  if (keyErrors.length > 0) errors.push(`key: Invalid value: ${JSON.stringify(key)}: ${keyErrors.join('; ')}`);
  const list = JSON.stringify(values);
  const unique = [...new Set(values)].sort();
  switch (operator) {
    case 'in':
    case 'notin':
      if (values.length === 0) {
        errors.push(`values: Invalid value: ${list}: for 'in', 'notin' operators, values set can't be empty`);
      }
      break;
    case '=':
    case '==':
    case '!=':
      if (unique.length !== 1) {
        errors.push(`values: Invalid value: ${list}: exact-match compatibility requires one single value`);
      }
      break;
    case 'exists':
    case '!':
      if (values.length > 0) {
        errors.push(`values: Invalid value: ${list}: values set must be empty for exists and does not exist`);
      }
      break;
    case '>':
    case '<':
      if (unique.length !== 1) {
        errors.push(`values: Invalid value: ${list}: for 'Gt', 'Lt' operators, exactly one value is required`);
      }
      for (const [i, value] of unique.entries()) {
        if (integerOf(value) === undefined) {
          errors.push(
            `values[${i}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
          );
        }
      }
  }
  for (const [i, value] of values.entries()) {
    const wrong = labelValueRule(value);
    if (wrong.length > 0) {
      errors.push(`values[${i}][${key}]: Invalid value: ${JSON.stringify(value)}: ${wrong.join('; ')}`);
    }
  }
  if (errors.length === 0) return { key, operator, values: unique };
  return aggregate(errors);
}

/** A whole number of 64 bits, as strconv.ParseInt reads it. */
export function integerOf(text: string): bigint | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const value = BigInt(text.replace('+', ''));
  return BigInt.asIntN(64, value) === value ? value : undefined;
}
