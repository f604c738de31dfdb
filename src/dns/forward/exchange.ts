// One question to one upstream over the network: UDP first, TCP where that says too little, or TLS.
import { createSocket } from 'node:dgram';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { decodeMessage } from '../wire/decode.ts';
import { encodeMessage, uncompressedName } from '../wire/encode.ts';
import { type Message, RCODE } from '../wire/message.ts';
import { type ForwardQuestion, fitOf, isCutReply, mixedCase, queryMessage } from './query.ts';
import { StreamConnection } from './stream-connection.ts';
import { type Upstream, upstreamText } from './upstream.ts';

/** Asks one server and gives its reply; rejects when none comes in time. */
export type Ask = (upstream: Upstream, question: ForwardQuestion) => Promise<Message>;

/** Milliseconds that an upstream has for a reply. */
const timeoutMs = 2000;
/** Bytes before the question of a message. */
const headerLength = 12;
/** Packets that are not the reply, after which whoever sends them is no longer listened to. */
const mostNoise = 100;

export interface ExchangeOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** PEM certificates that sign TLS upstreams' certificates, in place of the machine's. */
  readonly ca?: string | undefined;
}

export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #connections = new Map<string, StreamConnection>();

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  readonly ask: Ask = async (upstream, question) => {
    const reply = await this.#ask(upstream, question);
    // Who knows no EDNS says so (RFC 6891, 7), and may know the answer.
    const knowsNoEdns = reply.rcode === RCODE.FORMERR && !reply.edns;
    return knowsNoEdns ? this.#ask(upstream, { ...question, withoutEdns: true }) : reply;
  };

  async #ask(upstream: Upstream, question: ForwardQuestion): Promise<Message> {
    if (upstream.protocol === 'tls') return this.#overStream(upstream, question);
    const { random } = this.#options;
    const reply = await this.#overUdp(upstream, question, mixedCase(question.name, random));
    // In another case than asked, or cut: only a stream, which nobody else can write to, gives the truth, or the rest.
    if (reply === 'other-case') {
      return this.#overStream(upstream, question).catch(() => this.#inLowerCase(upstream, question));
    }
    if (reply === 'noise' || reply.truncated) return this.#overStream(upstream, question);
    return reply;
  }

  /** Ends all connections; questions under way fail. */
  close(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  /** For servers that keep no case and speak no TCP: port and id are still to be guessed. */
  async #inLowerCase(upstream: Upstream, question: ForwardQuestion): Promise<Message> {
    const reply = await this.#overUdp(upstream, question, question.name.toLowerCase());
    if (typeof reply === 'string') throw new Error(`${upstreamText(upstream)} answers other questions`);
    return reply;
  }

  /**
   * Each question leaves from a port and with an id of its own, which a forged reply has to guess (RFC 5452), and with its name
   * spelled as told.
   */
  #overUdp(upstream: Upstream, question: ForwardQuestion, spelling: string): Promise<Message | 'other-case' | 'noise'> {
    const { clock, random } = this.#options;
    const { address, port } = upstream;
    const query = queryMessage(random.int(0x10000), { ...question, name: spelling });
    // A name that does not fit into a message is found here, not in a callback whose errors nobody catches.
    const packet = encodeMessage(query);
    return new Promise((resolve, reject) => {
      const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
      let noise = 0;
      const end = (finish: () => void) => {
        timer.cancel();
        socket.removeAllListeners().on('error', () => {});
        socket.close();
        finish();
      };
      const timer = clock.after(timeoutMs, () =>
        end(() => reject(new Error(`${upstreamText(upstream)} did not answer`))),
      );
      socket.on('error', (error) => end(() => reject(error)));
      socket.on('message', (data) => {
        const message = tryDecode(data);
        const fit = message ? fitOf(message, query) : 'noise';
        if (message && fit === 'reply') end(() => resolve(respelled(data, spelling, question.name) ?? message));
        else if (fit === 'other-case') end(() => resolve(fit));
        else if (++noise > mostNoise || (!message && isCutReply(data, query))) end(() => resolve('noise'));
      });
      // Connected, so that only this server's packets come, and its machine's refusals at once.
      socket.connect(port, address, (error?: Error) => {
        if (error) end(() => reject(error));
        else socket.send(packet);
      });
    });
  }

  #overStream(upstream: Upstream, question: ForwardQuestion): Promise<Message> {
    const key = `${upstreamText(upstream)}#${upstream.serverName ?? ''}`;
    let connection = this.#connections.get(key);
    if (!connection?.usable) {
      connection = new StreamConnection(upstream, this.#options);
      this.#connections.set(key, connection);
    }
    return connection.ask(question, timeoutMs);
  }
}

/**
 * The reply to a question that was spelled in another way than it is to be read in. Of the names in it many are written as the end of
 * the question's, so that they follow when that is written anew in its place.
 */
function respelled(data: Buffer, spelling: string, name: string): Message | undefined {
  if (spelling === name) return undefined;
  const [sent, wanted] = [uncompressedName(spelling), uncompressedName(name)];
  const place = data.subarray(headerLength, headerLength + sent.length);
  if (!place.equals(sent)) return undefined;
  place.set(wanted);
  return tryDecode(data);
}

function tryDecode(data: Buffer): Message | undefined {
  try {
    return decodeMessage(data);
  } catch {
    // Noise, or a forgery: the real reply may still come.
    return undefined;
  }
}
