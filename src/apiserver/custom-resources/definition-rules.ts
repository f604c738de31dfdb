// x-kubernetes-validations of definitions that are written: they have to compile, be affordable, and hold for defaults. The CEL
// library is loaded when the first definition with rules comes.

import type { JSONSchemaProps } from '../../api/apiextensions/schema/props.ts';
import type { CompileOptions, Expressions } from '../../api/apiextensions/v1/custom-resource-definition/expressions.ts';
import { customResourceDefinition } from '../../api/apiextensions/v1/custom-resource-definition/index.ts';
import type { CustomResourceDefinition } from '../../api/apiextensions/v1/types.generated.ts';
import { anyKind, defineResource } from '../../api/define.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import type { RegistryHooks } from '../registry/hooks.ts';
import { hasRules } from './rules.ts';

const definitionsName = 'customresourcedefinitions.apiextensions.k8s.io';

interface Library {
  readonly compileRules: typeof import('./rule-compiler.ts').compileRules;
  readonly checkRules: typeof import('./rule-checker.ts').checkRules;
}

export class DefinitionRules implements Expressions {
  #library: Library | undefined;

  /** Definitions of resources, of which that of CustomResourceDefinitions looks at rules. */
  among(definitions: readonly ResourceDefinition[]): readonly ResourceDefinition[] {
    return definitions.map((one) =>
      `${one.resource}.${one.group}` === definitionsName
        ? defineResource(one, one.subresources, anyKind(customResourceDefinition(this)))
        : one,
    );
  }

  /** Load what the rules of a definition need before it is validated. */
  hooks(): Readonly<Record<string, RegistryHooks<KubeObject>>> {
    const load = async (object: KubeObject) => {
      await this.#load(object as unknown as CustomResourceDefinition);
      return { compare: [], operations: [] };
    };
    return { [definitionsName]: { beginCreate: load, beginUpdate: load } };
  }

  async #load({ spec }: CustomResourceDefinition): Promise<void> {
    const schemas = spec.versions?.flatMap(({ schema }) => (schema?.openAPIV3Schema ? [schema.openAPIV3Schema] : []));
    if (this.#library || !schemas?.some(hasRules)) return;
    const [{ compileRules }, { checkRules }] = await Promise.all([
      import('./rule-compiler.ts'),
      import('./rule-checker.ts'),
    ]);
    this.#library = { compileRules, checkRules };
  }

  compile(schema: JSONSchemaProps, path: string, options: CompileOptions): FieldError[] {
    return hasRules(schema) ? [...this.#loaded().compileRules(schema, path, options).errors] : [];
  }

  checkDefault(schema: JSONSchemaProps, path: string): FieldError[] {
    if (!hasRules(schema)) return [];
    const { compileRules, checkRules } = this.#loaded();
    const { root, errors: broken } = compileRules(schema, path);
    const own = (schema['x-kubernetes-validations'] ?? []).map((_, i) => `${path}.x-kubernetes-validations[${i}].rule`);
    const uncompiled = broken
      .filter(({ field, detail }) => own.includes(field) && /^(compilation failed|cel expression must)/.test(detail))
      .map(({ detail }) => fieldError.invalid(path, schema.type ?? '', `rule compile error: ${detail}`));
    if (!root || uncompiled.length > 0) return uncompiled;
    // As something that was so before, and as something new.
    const kept = checkRules(root, schema.default, schema.default);
    const errors = kept.length > 0 ? kept : checkRules(root, schema.default, undefined);
    return errors.map((error) => ({ ...error, field: error.field === '<nil>' ? path : `${path}.${error.field}` }));
  }

  #loaded(): Library {
    if (!this.#library) throw new Error('the rules of a definition are checked before they are loaded');
    return this.#library;
  }
}
