// A tunnel to every API server of the cluster, so that whichever a client asks reaches this node: the server that the agent
// was given, and those that the EndpointSlices of the Service `kubernetes` list.
import { serviceNameLabel } from '../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { onlyNews } from '../../client/report-once.ts';
import { endpointSlices } from '../../client/resources.ts';
import { runTunnel, type TunnelOptions } from '../../client/tunnel.ts';
import type { Informers } from '../../client/types.ts';

export interface TunnelsOptions extends Omit<TunnelOptions, 'onState'> {
  readonly informers: Pick<Informers, 'informer'>;
  readonly log: (message: string) => void;
}

interface Tunnel {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** Runs until the signal aborts. A server that is listed no more is left, but for the one that was given. */
export async function runTunnels({ informers, log, ...options }: TunnelsOptions, signal: AbortSignal): Promise<void> {
  const tunnels = new Map<string, Tunnel>();
  const given = new URL(options.server).origin;
  const say = onlyNews(log, options.clock);
  const open = (server: string) => {
    const stop = new AbortController();
    const onState = (lost: Error | undefined) =>
      say(server, lost ? `tunnel to ${server}: ${lost.message}` : `the tunnel to ${server} stands`);
    const done = runTunnel({ ...options, server, onState }, AbortSignal.any([signal, stop.signal]));
    tunnels.set(server, { stop, done });
  };
  const slices = informers.informer<EndpointSlice>(endpointSlices);
  const follow = () => {
    if (signal.aborted) return;
    const wanted = new Set([given, ...serverUrls(slices.lister.list('default'))]);
    for (const [server, { stop }] of tunnels) {
      if (wanted.has(server)) continue;
      stop.abort();
      tunnels.delete(server);
    }
    for (const server of wanted) if (!tunnels.has(server)) open(server);
  };
  follow();
  const changed = ({ metadata }: Readonly<EndpointSlice>) => {
    if (metadata.namespace === 'default' && metadata.labels?.[serviceNameLabel] === 'kubernetes') follow();
  };
  slices.addHandler({ added: changed, updated: changed, deleted: changed });
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await Promise.all([...tunnels.values()].map(({ done }) => done));
}

/** `https://ADDRESS:PORT` of each server that the slices of `default/kubernetes` list. */
export function serverUrls(slices: readonly Readonly<EndpointSlice>[]): string[] {
  const own = slices.filter(({ metadata }) => metadata.labels?.[serviceNameLabel] === 'kubernetes');
  return own.flatMap(({ addressType, endpoints, ports }) => {
    const port = ports?.find(({ name }) => name === 'https')?.port;
    if (port === undefined) return [];
    const addresses = (endpoints ?? []).flatMap(({ addresses: [address] = [] }) => address ?? []);
    return addresses.map((one) => new URL(`https://${addressType === 'IPv6' ? `[${one}]` : one}:${port}`).origin);
  });
}
