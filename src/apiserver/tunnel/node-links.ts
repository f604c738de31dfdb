// The ways from the API server to nodes. An agent's tunnel comes first; a node without one whose Node names its kubelet's port
// has upstream's kubelet: it is asked there, and its pods are dialled as the machine's routes lead. Portico's agents name no port.
import type { Duplex } from 'node:stream';
import type { Node } from '../../api/core/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { badRequest } from '../../apimachinery/status.ts';
import { dialError } from '../../net/dial-error.ts';
import { isGlobalUnicast, joinHostPort, parseIP } from '../../net/ip.ts';
import type { ObjectView } from '../object-view.ts';
import { dialDirectly } from './dial.ts';
import { type KubeletAddress, KubeletPort, type KubeletPortOptions } from './kubelet-port.ts';
import { DialError, type TunnelRegistry, type TunnelRequest, type TunnelResponse } from './tunnel-registry.ts';

export interface NodeLinksOptions extends KubeletPortOptions {
  readonly view: ObjectView;
  readonly tunnels: TunnelRegistry;
}

/** Of a Node's addresses the first of the first of these, as kubeadm sets --kubelet-preferred-address-types. */
const preferredTypes = ['InternalIP', 'ExternalIP', 'Hostname'];

export class NodeLinks {
  readonly #view: ObjectView;
  readonly #tunnels: TunnelRegistry;
  readonly #port: KubeletPort;

  constructor({ view, tunnels, ...options }: NodeLinksOptions) {
    this.#view = view;
    this.#tunnels = tunnels;
    this.#port = new KubeletPort(options);
  }

  /** Whether an agent is connected, or there is a port to ask. */
  leadsTo(nodeName: string): boolean {
    return this.#isConnected(nodeName) || this.#addressOf(nodeName) !== undefined;
  }

  /** Where the node's kubelet listens; undefined for one that is, or will be, at the end of a tunnel. */
  portOf(nodeName: string): KubeletAddress | undefined {
    return this.#isConnected(nodeName) ? undefined : this.#addressOf(nodeName);
  }

  /** As {@link TunnelRegistry.request}. */
  request(nodeName: string, request: TunnelRequest): Promise<TunnelResponse> {
    const kubelet = this.portOf(nodeName);
    return kubelet ? this.#port.request(kubelet, request) : this.#tunnels.request(nodeName, request);
  }

  /** As {@link TunnelRegistry.dial}; throws 400 for addresses that mean this machine or its link to whoever dials them. */
  async dial(nodeName: string, host: string, port: number): Promise<Duplex> {
    if (!this.portOf(nodeName)) return this.#tunnels.dial(nodeName, host, port);
    checkProxyable(host);
    return dialDirectly({ host, port }).catch((error: NodeJS.ErrnoException) => {
      throw new DialError(dialError(error.code, joinHostPort(host, port)) ?? error.message, { cause: error });
    });
  }

  #isConnected(nodeName: string): boolean {
    return this.#tunnels.nodeNames.includes(nodeName);
  }

  #addressOf(nodeName: string): KubeletAddress | undefined {
    const node = this.#view.get<Node & KubeObject>({ group: '', resource: 'nodes' }, '', nodeName);
    const { addresses = [], daemonEndpoints } = node?.status ?? {};
    const port = daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
    if (port === 0) return undefined;
    for (const type of preferredTypes) {
      const found = addresses.find((one) => one.type === type);
      if (found) return { nodeName, host: found.address, port };
    }
    return undefined;
  }
}

/** Nodes write the addresses of their kubelet and pods themselves (upstream IsProxyableIP). Throws 400. */
export function checkProxyable(host: string): void {
  const ip = parseIP(host);
  if (ip && !isGlobalUnicast(ip)) throw badRequest('address not allowed');
}
