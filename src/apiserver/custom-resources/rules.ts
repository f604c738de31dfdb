// x-kubernetes-validations of a schema, compiled when an object is first written: the CEL library is loaded only then.
import { type JSONSchemaProps, walkSchema } from '../../api/apiextensions/schema/props.ts';
import { validateSpec } from '../../api/apiextensions/v1/custom-resource-definition/validation.ts';
import type { CustomResourceDefinition } from '../../api/apiextensions/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { invalid } from '../../apimachinery/status.ts';
import type { FieldError } from '../../apimachinery/validation/field-error.ts';
import type { RegistryHooks } from '../registry/hooks.ts';

export interface Rules {
  /** Before the first {@link check}. */
  load(): Promise<void>;
  check(object: Readonly<KubeObject>, old?: Readonly<KubeObject>): FieldError[];
}

/** Undefined where the schema has no rules. */
export function rulesOf(schema: JSONSchemaProps | undefined): Rules | undefined {
  if (!schema || !hasRules(schema)) return undefined;
  let check: Rules['check'] | undefined;
  return {
    async load() {
      if (check) return;
      const [{ compileRules }, { checkRules }] = await Promise.all([
        import('./rule-compiler.ts'),
        import('./rule-checker.ts'),
      ]);
      const { root } = compileRules(schema, '');
      check = (object, old) => (root ? checkRules(root, object, old) : []);
    },
    check(object, old) {
      if (!check) throw new Error('rules are checked before they are loaded');
      return check(object, old);
    },
  };
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
    if (validateSpec(definition.spec).length === 0) await refuseBrokenRules(definition);
    return { compare: [], operations: [] };
  };
  return { beginCreate: check, beginUpdate: check };
}

async function refuseBrokenRules({ metadata, spec }: CustomResourceDefinition): Promise<void> {
  const withRules = spec.versions.flatMap(({ schema }, i) => {
    const root = schema?.openAPIV3Schema;
    return root && hasRules(root) ? [{ root, path: `spec.versions[${i}].schema.openAPIV3Schema` }] : [];
  });
  if (withRules.length === 0) return;
  const { compileRules } = await import('./rule-compiler.ts');
  const errors = withRules.flatMap(({ root, path }) => compileRules(root, path).errors);
  const kind = { group: 'apiextensions.k8s.io', kind: 'CustomResourceDefinition' };
  if (errors.length > 0) throw invalid(kind, metadata.name, errors);
}
