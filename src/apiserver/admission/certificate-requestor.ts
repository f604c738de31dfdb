import type { CertificateSigningRequest } from '../../api/certificates/v1/types.generated.ts';
import type { AdmissionStep } from './admission.ts';

/** A request for a certificate says who made it: the server fills that in, whatever the client wrote. */
export const certificateRequestor: AdmissionStep = ({ operation, definition, subresource, object, user }) => {
  const isRequest = definition.group === 'certificates.k8s.io' && definition.resource === 'certificatesigningrequests';
  if (!isRequest || operation !== 'CREATE' || subresource !== '' || !object) return;
  const request = object as CertificateSigningRequest;
  const { uid: _uid, extra: _extra, ...spec } = request.spec;
  request.spec = {
    ...spec,
    username: user.name,
    groups: [...user.groups],
    ...(user.uid !== undefined && { uid: user.uid }),
    ...(user.extra && {
      extra: Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]])),
    }),
  };
};
