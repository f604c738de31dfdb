// A TCP connection to an endpoint of a Service: over its node's tunnel where there is one, since pods need not be reachable
// from here; else directly.
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { DialTarget } from '../aggregation/service-target.ts';
import type { TunnelRegistry } from './tunnel-registry.ts';

const timeout = 5_000;

export function dialEndpoint(
  tunnels: Pick<TunnelRegistry, 'nodeNames' | 'dial'>,
  { host, port, nodeName }: DialTarget,
): Promise<Duplex> {
  if (nodeName !== undefined && tunnels.nodeNames.includes(nodeName)) return tunnels.dial(nodeName, host, port);
  return dialDirectly({ host, port });
}

export function dialDirectly({ host, port }: DialTarget): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout });
    socket.once('timeout', () => socket.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
