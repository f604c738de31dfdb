// Asks agents, through the API server, to watch for a packet in the kernels of their nodes.
import type { Client } from '../client/types.ts';
import { readText } from '../client/watch-stream.ts';
import { Failure } from '../cluster/failure.ts';
import type { NodeSeen } from '../explain/live/compare.ts';
import {
  type Passing,
  type RulesModel,
  type Seen,
  type Send,
  type SendResult,
  type WatchRequest,
  watchTableOf,
} from '../explain/live/watch.ts';
import { messageIn } from './message-in.ts';

/** A watch of one name on several nodes. All reject with a Failure that names a node which does not answer. */
export class NodeWatches {
  readonly #client: Client;
  readonly #id: string;

  constructor(client: Client, id: string) {
    this.#client = client;
    this.#id = id;
  }

  /** The nftables table that the agents watch with. */
  get table(): string {
    return watchTableOf(this.#id);
  }

  /** Resolves once the kernel is watched; the agent ends it when nobody asks for half a minute. */
  async start(node: string, request: WatchRequest): Promise<void> {
    await this.#ask(node, 'start', request);
  }

  async send(node: string, packet: Send): Promise<SendResult> {
    const { result } = await this.#ask<{ result: SendResult }>(node, 'send', packet);
    return result;
  }

  /** The packets that came by so far. */
  async packets(node: string): Promise<readonly Passing[]> {
    const { packets } = await this.#ask<{ packets: readonly Passing[] }>(node, 'packets', {});
    return packets;
  }

  async stop(node: string, model: RulesModel): Promise<NodeSeen> {
    return { node, ...(await this.#ask<Seen>(node, 'stop', model)) };
  }

  async #ask<T>(node: string, verb: string, body: unknown): Promise<T> {
    const path = `/api/v1/nodes/${node}/proxy/portico-watch/${this.#id}/${verb}`;
    const response = await this.#client.raw({ method: 'POST', path, body: JSON.stringify(body) });
    const text = await readText(response.body);
    const message = messageIn(text);
    if (response.status === 200 && message === undefined) return JSON.parse(text) as T;
    throw new Failure(
      `trace: --live: ${node}: ${message ?? text.trim()}: its kernel cannot be asked, and the model alone answers without --live`,
    );
  }
}
