import type { CustomResourceDefinition } from '../types.generated.ts';

/** upstream SetDefaults_CustomResourceDefinitionSpec. */
export function defaultDefinition({ spec }: CustomResourceDefinition): void {
  const { names } = spec;
  if (names) {
    if (!names.singular) names.singular = names.kind.toLowerCase();
    if (!names.listKind && names.kind) names.listKind = `${names.kind}List`;
  }
  spec.conversion ??= { strategy: 'None' };
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service) service.port ??= 443;
}
