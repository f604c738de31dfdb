// Refuses external IPs that are new to a Service. Off unless asked for.
import type { Service } from '../../api/core/v1/types.generated.ts';
import { forbidden } from '../../apimachinery/status.ts';
import type { AdmissionPlugin } from './admission.ts';
import { is } from './matches.ts';

export const denyServiceExternalIPs: AdmissionPlugin = {
  name: 'DenyServiceExternalIPs',
  resources: ['services'],
  validate(request) {
    if (!is(request, 'services', 'CREATE', 'UPDATE')) return;
    const { metadata, spec } = request.object as unknown as Service;
    const before = (request.old as unknown as Service | undefined)?.spec?.externalIPs ?? [];
    if ((spec?.externalIPs ?? []).every((ip) => before.includes(ip))) return;
    throw forbidden(request.definition, metadata.name, 'Use of external IPs is denied by admission control');
  },
};
