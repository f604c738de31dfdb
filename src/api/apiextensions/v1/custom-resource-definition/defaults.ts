import type { CustomResourceDefinition } from '../types.generated.ts';

/** upstream SetDefaults_CustomResourceDefinition. */
export function defaultDefinition({ spec, status }: CustomResourceDefinition): void {
  const storage = spec.versions?.find((version) => version.storage);
  if (status && storage && !status.storedVersions?.length) status.storedVersions = [storage.name];
  const { names } = spec;
  if (names) {
    if (!names.singular) names.singular = names.kind.toLowerCase();
    if (!names.listKind && names.kind) names.listKind = `${names.kind}List`;
  }
  spec.conversion ??= { strategy: 'None' };
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service) service.port ??= 443;
}
