// Counts and times what a responder does, and keeps what goes wrong in one query from all others.
import type { QueryMetrics } from './metrics/query-metrics.ts';
import { type Client, headerOnly, type Responder } from './respond.ts';
import { RCODE } from './wire/message.ts';

export interface MeteredResponderOptions {
  /** The one in force. */
  readonly responder: () => Responder;
  readonly metrics: QueryMetrics;
  readonly log: (message: string) => void;
}

export class MeteredResponder {
  readonly #options: MeteredResponderOptions;

  constructor(options: MeteredResponderOptions) {
    this.#options = options;
  }

  /** As {@link Responder.respond}; where that fails, the reply is SERVFAIL. */
  respond(packet: Buffer, client: Client): Buffer | Promise<Buffer> | undefined {
    const started = performance.now();
    const count = (reply: Buffer): Buffer => {
      this.#options.metrics.answered(packet, reply, client, (performance.now() - started) / 1000);
      return reply;
    };
    try {
      const reply = this.#options.responder().respond(packet, client);
      if (!reply) return undefined;
      if (Buffer.isBuffer(reply)) return count(reply);
      return reply.catch((error: unknown) => this.#failed(error, packet)).then(count);
    } catch (error) {
      return count(this.#failed(error, packet));
    }
  }

  #failed(error: unknown, packet: Buffer): Buffer {
    this.#options.metrics.panics.add();
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#options.log(`the query ${packet.toString('hex', 0, 200)} failed: ${what}`);
    return headerOnly(packet, RCODE.SERVFAIL);
  }
}
