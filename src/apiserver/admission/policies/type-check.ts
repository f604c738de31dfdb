// Expressions of a policy against the types of the resources that it names: what cannot work is told in its status, and
// changes nothing of how the policy acts.
import type {
  ExpressionWarning,
  ValidatingAdmissionPolicy,
} from '../../../api/admissionregistration/v1/types.generated.ts';
import type { ResourceDefinition } from '../../../api/resource.ts';
import type { Schemas } from '../../../api/schema.ts';
import { compilePolicy, type NamedExpression } from './compile.ts';
import { typeOfSchema } from './schema-type.ts';

/** As upstream: of more types, the rest is not looked at. */
const mostTypes = 10;

export interface TypeCheckOptions {
  readonly definitions: readonly ResourceDefinition[];
  readonly schemas: Schemas;
}

export function typeCheck(policy: ValidatingAdmissionPolicy, options: TypeCheckOptions): ExpressionWarning[] {
  const found = new Map<string, string[]>();
  for (const definition of typesToCheck(policy, options.definitions)) {
    const schema = definition.schema ?? options.schemas.schemaOf(definition);
    if (!schema) continue;
    const gvk = `${definition.group}/${definition.version}, Kind=${definition.kind}`;
    const { validations } = compilePolicy(policy, { objectType: typeOfSchema(schema) });
    const expressions: NamedExpression[] = validations.flatMap(({ condition, message }) =>
      message ? [condition, message] : [condition],
    );
    for (const { path, error } of expressions) {
      const issues = /^compilation failed: ([\s\S]*)$/.exec(error ?? '')?.[1];
      if (issues !== undefined) found.set(path, [...(found.get(path) ?? []), `${gvk}: ${issues}\n`]);
    }
  }
  return [...found].map(([fieldRef, texts]) => ({ fieldRef, warning: texts.join('\n') }));
}

/** Rules with wildcards, and subresources, are not looked at. */
function typesToCheck(
  { spec }: ValidatingAdmissionPolicy,
  definitions: readonly ResourceDefinition[],
): ResourceDefinition[] {
  const found = new Set<ResourceDefinition>();
  for (const { apiGroups = [], apiVersions = [], resources = [] } of spec.matchConstraints?.resourceRules ?? []) {
    if (apiGroups.includes('*') || apiVersions.includes('*')) continue;
    for (const one of definitions) {
      if (!apiGroups.includes(one.group) || !apiVersions.includes(one.version)) continue;
      if (resources.includes(one.resource)) found.add(one);
    }
  }
  const key = ({ group, version, kind }: ResourceDefinition) => `${group}/${version}/${kind}`;
  return [...found].sort((a, b) => (key(a) < key(b) ? -1 : 1)).slice(0, mostTypes);
}
