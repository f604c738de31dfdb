import type { CertificateSigningRequest } from '../../api/certificates/v1/types.generated.ts';
import { formatTime } from '../../apimachinery/time.ts';
import type { AdmissionStep } from './admission.ts';

/** When a certificate was approved, denied or failed is filled in where the client does not say so: both times of a condition. */
export const certificateTimes: AdmissionStep = ({ definition, operation, subresource, object, old }, { clock }) => {
  if (definition.group !== 'certificates.k8s.io' || definition.resource !== 'certificatesigningrequests') return;
  if (operation !== 'UPDATE' || (subresource !== 'status' && subresource !== 'approval') || !object) return;
  const request = object as CertificateSigningRequest;
  if (!request.status?.conditions) return;
  const before = (old as CertificateSigningRequest | undefined)?.status?.conditions ?? [];
  const now = formatTime(clock.now());
  const conditions = request.status.conditions.map((condition) => {
    const same = before.find(({ type, status }) => type === condition.type && status === condition.status);
    return {
      ...condition,
      lastTransitionTime: condition.lastTransitionTime ?? same?.lastTransitionTime ?? now,
      lastUpdateTime: condition.lastUpdateTime ?? now,
    };
  });
  request.status = { ...request.status, conditions };
};
