// x-kubernetes-validations of a schema, compiled when an object is first written: the CEL library is loaded only then.
import { type JSONSchemaProps, walkSchema } from '../../api/apiextensions/schema/props.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { FieldError } from '../../apimachinery/validation/field-error.ts';

type Check = (object: Readonly<KubeObject>, old?: Readonly<KubeObject>, warn?: (text: string) => void) => FieldError[];

/** The rules of one schema. */
export class Rules {
  readonly #schema: JSONSchemaProps;
  #exist: boolean | undefined;
  #check: Check | undefined;

  constructor(schema: JSONSchemaProps) {
    this.#schema = schema;
  }

  /** Whether there are any. */
  get exist(): boolean {
    this.#exist ??= hasRules(this.#schema);
    return this.#exist;
  }

  /** Before the first {@link check}. */
  async load(): Promise<void> {
    if (this.#check || !this.exist) return;
    const [{ compileRules }, { checkRules }] = await Promise.all([
      import('./rule-compiler.ts'),
      import('./rule-checker.ts'),
    ]);
    const { root } = compileRules(this.#schema, '');
    this.#check = (object, old, warn) => (root ? checkRules(root, object, old, warn) : []);
  }

  /** `old` and `warn` for updates: what they leave wrong is only told. */
  readonly check: Check = (object, old, warn) => {
    if (!this.exist) return [];
    if (!this.#check) throw new Error('rules are checked before they are loaded');
    return this.#check(object, old, warn);
  };
}

export function hasRules(schema: JSONSchemaProps): boolean {
  let found = false;
  walkSchema(schema, (one) => {
    if ((one['x-kubernetes-validations'] ?? []).length > 0) found = true;
  });
  return found;
}
