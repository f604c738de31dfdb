// What only whoever has the CEL library can say of a definition. This folder is pure and small; the library is neither.
import type { FieldError } from '../../../../apimachinery/validation/field-error.ts';
import type { JSONSchemaProps } from '../../schema/props.ts';

export interface Expressions {
  /**
   * What is wrong with the x-kubernetes-validations of a structural schema that stands at `path`. Places that are `faulty`
   * otherwise are left out.
   */
  compile(schema: JSONSchemaProps, path: string, options: CompileOptions): FieldError[];
  /** What the x-kubernetes-validations of a schema find wrong with its default. */
  checkDefault(schema: JSONSchemaProps, path: string): FieldError[];
}

export interface CompileOptions {
  readonly faulty: (path: string) => boolean;
  /** Whether a single rule may cost what it likes. */
  readonly costly: boolean;
}

/** Of definitions whose rules nobody looks at. */
export const noExpressions: Expressions = { compile: () => [], checkDefault: () => [] };
