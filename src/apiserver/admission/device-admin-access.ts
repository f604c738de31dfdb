// Devices that others use are given, for administration, only in namespaces that are labelled for it (KEP-5018). Upstream has it in
// the strategies of both kinds.
import type { Namespace } from '../../api/core/v1/types.generated.ts';
import type { DeviceRequest } from '../../api/resource/v1/types.generated.ts';
import { invalid } from '../../apimachinery/status.ts';
import { fieldError } from '../../apimachinery/validation/field-error.ts';
import type { AdmissionPlugin } from './admission.ts';

const label = 'resource.kubernetes.io/admin-access';

interface ClaimSpec {
  readonly devices?: { readonly requests?: readonly DeviceRequest[] | null };
}

export const deviceAdminAccess: AdmissionPlugin = {
  name: 'DeviceAdminAccess',
  resources: ['resourceclaims.resource.k8s.io', 'resourceclaimtemplates.resource.k8s.io'],
  validate({ operation, subresource, definition, name, namespace, object }, view) {
    // What is asked for never changes.
    if (operation !== 'CREATE' || subresource !== '' || !object) return;
    const { spec } = object as { spec?: ClaimSpec & { readonly spec?: ClaimSpec } };
    const requests = (spec?.spec ?? spec)?.devices?.requests ?? [];
    const index = requests.findIndex(({ exactly }) => exactly?.adminAccess === true);
    if (index < 0) return;
    const { labels = {} } = view.find<Namespace>('namespaces', { name: namespace })?.metadata ?? {};
    if (labels[label] === 'true') return;
    const why = `admin access to devices requires the \`${label}: true\` label on the containing namespace`;
    throw invalid(definition, name, [fieldError.forbidden(`spec.devices.requests[${index}].adminAccess`, why)]);
  },
};
