// Where the Service of a remote API is dialled, and what is wrong with it before anyone tries.
import type { APIService, APIServiceCondition } from '../../api/apiregistration/v1/types.generated.ts';
import type { Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import type { Random } from '../../system/random.ts';

export interface DialTarget {
  readonly host: string;
  readonly port: number;
  /** The node whose pod it is: dialled over that node's tunnel. Undefined: dialled from here. */
  readonly nodeName?: string;
}

export type Verdict = Pick<APIServiceCondition, 'status' | 'reason' | 'message'>;

function refused(reason: string, message: string): Verdict {
  return { status: 'False', reason, message };
}

/** Why a remote API cannot be available, in upstream's words; undefined: it has to be asked. */
export function knownTrouble(
  apiService: Readonly<APIService>,
  service: Readonly<Service> | undefined,
  slices: readonly Readonly<EndpointSlice>[],
): Verdict | undefined {
  const { namespace = '', name = '', port = 443 } = apiService.spec.service ?? {};
  const who = `service/${name} in ${JSON.stringify(namespace)}`;
  if (!service) return refused('ServiceNotFound', `${who} is not present`);
  if ((service.spec?.type ?? 'ClusterIP') !== 'ClusterIP') return undefined;
  const servicePort = service.spec?.ports?.find((one) => one.port === port);
  if (!servicePort) return refused('ServicePortError', `${who} is not listening on port ${port}`);
  if (slices.length === 0) return refused('EndpointsNotFound', `cannot find endpointslices for ${who}`);
  const portName = servicePort.name ?? '';
  const isReady = (slice: Readonly<EndpointSlice>) =>
    (slice.endpoints ?? []).some(({ conditions }) => conditions?.ready !== false) &&
    (slice.ports ?? []).some((one) => (one.name ?? '') === portName && one.port !== undefined);
  if (slices.some(isReady)) return undefined;
  const message = `endpointslices for ${who} have no addresses with port name ${JSON.stringify(portName)}`;
  return refused('MissingEndpoints', message);
}

/** A ready endpoint by lot, or the name that an ExternalName Service stands for; undefined: there is none. */
export function dialTarget(
  reference: { readonly port?: number },
  service: Readonly<Service>,
  { slices, random }: { readonly slices: readonly Readonly<EndpointSlice>[]; readonly random: Random },
): DialTarget | undefined {
  const found = dialTargets(reference, service, slices);
  return found.length === 0 ? undefined : found[random.int(found.length)];
}

/** All that {@link dialTarget} draws from. */
export function dialTargets(
  { port = 443 }: { readonly port?: number },
  service: Readonly<Service>,
  slices: readonly Readonly<EndpointSlice>[],
): DialTarget[] {
  const { spec } = service;
  if (spec?.type === 'ExternalName') return spec.externalName ? [{ host: spec.externalName, port }] : [];
  const servicePort = spec?.ports?.find((one) => one.port === port);
  if (!servicePort) return [];
  const found: DialTarget[] = [];
  for (const { ports, endpoints } of slices) {
    const number = ports?.find((one) => (one.name ?? '') === (servicePort.name ?? ''))?.port;
    if (number === undefined) continue;
    for (const { addresses, conditions, nodeName } of endpoints ?? []) {
      const [host] = addresses;
      if (host && conditions?.ready !== false) found.push({ host, port: number, ...(nodeName && { nodeName }) });
    }
  }
  return found;
}
