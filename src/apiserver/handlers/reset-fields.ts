// What an endpoint does not let the client set, and so nobody comes to own by it (upstream the strategies' GetResetFields).
import type { ResourceDefinition } from '../../api/resource.ts';
import { emptySet, type FieldSet, setOf } from '../../apimachinery/managedfields/field-set.ts';
import { table } from '../../apimachinery/table.ts';

const status = setOf([['f:status']]);
const spec = setOf([['f:spec']]);
const specAndMetadata = setOf([['f:spec'], ['f:metadata']]);

/** Endpoints with more, or other, than `status` for the object and `spec` for its status. */
const others = table<FieldSet>({
  'deployments.apps/status': setOf([['f:spec'], ['f:metadata', 'f:labels']]),
  'pods/status': setOf([['f:spec'], ['f:metadata', 'f:deletionTimestamp'], ['f:metadata', 'f:ownerReferences']]),
  'certificatesigningrequests.certificates.k8s.io/status': setOf([['f:spec'], ['f:status', 'f:conditions']]),
  'certificatesigningrequests.certificates.k8s.io/approval': setOf([['f:spec'], ['f:status', 'f:certificate']]),
  'volumeattachments.storage.k8s.io/status': specAndMetadata,
});

export function resetFieldsOf(definition: ResourceDefinition, subresource: string): FieldSet {
  const { group, resource } = definition;
  if (subresource !== '') {
    const own = others[`${resource}${group && `.${group}`}/${subresource}`];
    if (own) return own;
    if (subresource !== 'status') return emptySet;
    return definition.inVersion ? specAndMetadata : spec;
  }
  return definition.subresources.some((one) => one.resource === `${resource}/status`) ? status : emptySet;
}
