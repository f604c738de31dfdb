import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';

const { required, duplicate } = fieldError;

/** Each condition of flow schemas and priority levels has a type, and no two have the same. */
export function validateStatusConditions({
  status,
}: {
  readonly status?: { readonly conditions?: readonly { readonly type?: string }[] };
}): FieldError[] {
  const seen = new Set<string>();
  return (status?.conditions ?? []).flatMap(({ type = '' }, i) => {
    const field = `status.conditions[${i}].type`;
    const errors = seen.has(type) ? [duplicate(field, type)] : [];
    seen.add(type);
    return type ? errors : [...errors, required(field)];
  });
}
