// Finds upstreams that lead back here: a name that only this server asks for and only this server answers.
import type { Random } from '../../system/random.ts';
import { CLASS_IN, type Message, type Question, type ResourceRecord, TYPE } from '../wire/message.ts';
import type { ForwardQuestion } from './query.ts';

/** Nobody serves names below .invalid (RFC 6761, 6.4), so elsewhere the question ends at once. */
const domain = 'loop-check.portico.invalid.';

export class LoopToken {
  readonly #token: string;
  readonly #random: Random;

  /** Processes that serve the same address share the `token`. */
  constructor(random: Random, token = hex(random.bytes(8))) {
    this.#random = random;
    this.#token = token;
  }

  /** A question that was never asked before, so that no cache on its way answers it. */
  question(): ForwardQuestion {
    return { name: `${hex(this.#random.bytes(8))}.${this.#token}.${domain}`, type: TYPE.HINFO, class: CLASS_IN };
  }

  /** The answer to a question that comes from here; undefined for any other. */
  answerTo({ name, type }: Question): ResourceRecord[] | undefined {
    if (type !== TYPE.HINFO || !name.toLowerCase().endsWith(`.${this.#token}.${domain}`)) return undefined;
    return [
      { name, ttl: 0, data: { type: 'opaque', code: TYPE.HINFO, bytes: Buffer.from('\x04loop\x04loop', 'latin1') } },
    ];
  }

  /** Whether a reply is the one that {@link answerTo} gives. */
  isOurs({ answers }: Message): boolean {
    return answers.some(({ data }) => data.type === 'opaque' && data.code === TYPE.HINFO);
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
