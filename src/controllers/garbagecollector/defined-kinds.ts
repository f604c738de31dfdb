import type { CustomResourceDefinitionSpec } from '../../api/apiextensions/v1/types.generated.ts';
import type { APIServiceSpec } from '../../api/apiregistration/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';

/** A CustomResourceDefinition or an APIService. */
export type KindDefinition = KubeObject & {
  readonly spec: Partial<CustomResourceDefinitionSpec> & Partial<APIServiceSpec>;
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
};

/**
 * What a definition makes served, as `GROUP/RESOURCE VERSION`; of the kinds behind an APIService no more is known than
 * `GROUP/ VERSION`. Nothing before it is in force, nor for an APIService of what this server itself has.
 */
export function definedKinds({ spec, status }: Readonly<KindDefinition>): string[] {
  const { group = '', names, versions, service, version } = spec;
  const isTrue = (type: string) => status?.conditions?.some((one) => one.type === type && one.status === 'True');
  if (service) return isTrue('Available') ? [`${group}/ ${version}`] : [];
  if (!names || !isTrue('Established')) return [];
  return (versions ?? []).filter(({ served }) => served).map(({ name }) => `${group}/${names.plural} ${name}`);
}
