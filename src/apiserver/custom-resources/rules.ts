// x-kubernetes-validations of a schema, compiled when an object is first written: the CEL library is loaded only then.
import { type JSONSchemaProps, walkSchema } from '../../api/apiextensions/schema/props.ts';
import { validateSpec } from '../../api/apiextensions/v1/custom-resource-definition/validation.ts';
import type { CustomResourceDefinition } from '../../api/apiextensions/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { invalid } from '../../apimachinery/status.ts';
import type { FieldError } from '../../apimachinery/validation/field-error.ts';
import type { RegistryHooks } from '../registry/hooks.ts';

/** The rules of one schema. */
export class Rules {
  readonly #schema: JSONSchemaProps;
  #exist: boolean | undefined;
  #check: ((object: Readonly<KubeObject>, old?: Readonly<KubeObject>) => FieldError[]) | undefined;

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
    this.#check = (object, old) => (root ? checkRules(root, object, old) : []);
  }

  /** `old` for updates. */
  check(object: Readonly<KubeObject>, old?: Readonly<KubeObject>): FieldError[] {
    if (!this.exist) return [];
    if (!this.#check) throw new Error('rules are checked before they are loaded');
    return this.#check(object, old);
  }
}

export function hasRules(schema: JSONSchemaProps): boolean {
  let found = false;
  walkSchema(schema, (one) => {
    if ((one['x-kubernetes-validations'] ?? []).length > 0) found = true;
  });
  return found;
}

/** Rules of a definition have to compile, once all else about it is right. */
export function definitionHooks(): RegistryHooks<KubeObject> {
  const check = async (object: KubeObject) => {
    const definition = object as unknown as CustomResourceDefinition;
    await refuseBrokenRules(definition);
    return { compare: [], operations: [] };
  };
  return { beginCreate: check, beginUpdate: check };
}

async function refuseBrokenRules({ metadata, spec }: CustomResourceDefinition): Promise<void> {
  const withRules = spec.versions.flatMap(({ schema }, i) => {
    const root = schema?.openAPIV3Schema;
    return root && hasRules(root) ? [{ root, path: `spec.versions[${i}].schema.openAPIV3Schema` }] : [];
  });
  // What else is wrong is told first, by validation.
  if (withRules.length === 0 || validateSpec(spec).length > 0) return;
  const { compileRules } = await import('./rule-compiler.ts');
  const errors = withRules.flatMap(({ root, path }) => compileRules(root, path).errors);
  const kind = { group: 'apiextensions.k8s.io', kind: 'CustomResourceDefinition' };
  if (errors.length > 0) throw invalid(kind, metadata.name, errors);
}
