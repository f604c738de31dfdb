import type { ServicePort } from './service-port.ts';

/** What tells apart the ports of all Services of a family. */
export function ownerOf(servicePort: ServicePort): string {
  return `${servicePort.name}/${servicePort.protocol}`;
}
