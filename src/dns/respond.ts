// Turns one query packet into one reply packet. Questions of the cluster's zones are answered from the view, and their
// replies kept as bytes until a Service in them changes; all else goes to the forwarder.
import type { Random } from '../system/random.ts';
import type { Forwarder } from './forward/forwarder.ts';
import { PreparedReply, ReplyCache } from './reply-cache.ts';
import { decodeMessage } from './wire/decode.ts';
import { encodeMessage, MAX_MESSAGE } from './wire/encode.ts';
import { CLASS_IN, type Message, type Question, RCODE, type ResourceRecord, TYPE } from './wire/message.ts';
import { FormatError } from './wire/name.ts';
import { type Answer, answer, type ZoneConfig, zoneOf } from './zone/answer.ts';
import type { ZoneView } from './zone/view.ts';

export type Transport = 'udp' | 'tcp';

/** What a message over UDP may be at least, and at most where the client offers more (RFC 1035; DNS flag day 2020 size for what we advertise). */
const PLAIN_UDP_SIZE = 512;
const OWN_UDP_SIZE = 1232;

/** How many different orders of a reply's addresses are kept, so that clients that take the first spread out. */
const ORDERS = 8;

export interface ResponderOptions {
  readonly view: ZoneView;
  readonly config: ZoneConfig;
  readonly forwarder: Forwarder;
  readonly random: Random;
  /** Whether the view is complete; before that the zone's questions get SERVFAIL. */
  readonly ready: () => boolean;
  /** Reverse names that this server answers itself even where it finds nothing; others it forwards. */
  readonly ownsAddress: (reverseName: string) => boolean;
}

export class Responder {
  readonly #options: ResponderOptions;
  readonly #cache = new ReplyCache();

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  /** Forgets the prepared replies that a change of these Services (`namespace/name`) makes untrue. */
  invalidate(services: Iterable<string>): void {
    this.#cache.invalidate(services);
  }

  /**
   * The reply to a packet: at once where it is known, later where others are asked, undefined for what deserves no
   * reply (a reply itself, or fewer bytes than a header).
   */
  respond(packet: Buffer, transport: Transport): Buffer | Promise<Buffer> | undefined {
    if (packet.length < 12 || packet[2]! & 0x80) return undefined;
    const prepared = this.#cache.find(packet, transport);
    if (prepared) return prepared;
    let query: Message;
    try {
      query = decodeMessage(packet);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return formatError(packet);
    }
    return this.#answer(query, packet, transport);
  }

  #answer(query: Message, packet: Buffer, transport: Transport): Buffer | Promise<Buffer> {
    const { question } = query;
    const limit = limitOf(query, transport);
    if (query.opcode !== 0) return encode(query, { rcode: RCODE.NOTIMP }, limit);
    if (!question) return encode(query, { rcode: RCODE.FORMERR }, limit);
    if (query.edns && query.edns.version !== 0) return encode(query, { rcode: RCODE.BADVERS }, limit);
    if (question.class !== CLASS_IN) return encode(query, { rcode: RCODE.REFUSED }, limit);
    if (!zoneOf(question.name, this.#options.config)) return this.#forward(query, question, limit);
    if (!this.#options.ready()) return encode(query, { rcode: RCODE.SERVFAIL }, limit);
    const result = answer(this.#options.view, question, this.#options.config);
    const { zone } = this.#options.config;
    const foreign = !question.name.toLowerCase().endsWith(zone) && !this.#options.ownsAddress(question.name);
    if (foreign && result.rcode === RCODE.NXDOMAIN) return this.#forward(query, question, limit);
    if (result.follow !== undefined) return this.#follow(query, result, limit);
    const reply = this.#prepare(query, result, limit);
    this.#cache.keep(packet, transport, reply);
    return reply.next(query.id);
  }

  #prepare(query: Message, result: Answer, limit: number): PreparedReply {
    const shuffles = result.answers.length > 1 ? ORDERS : 1;
    const packets = Array.from({ length: shuffles }, () => {
      const answers = shuffles > 1 ? shuffled(result.answers, this.#options.random) : result.answers;
      return encode(query, { ...result, answers, authoritative: true }, limit);
    });
    return new PreparedReply(packets, result);
  }

  async #forward(query: Message, question: Question, limit: number): Promise<Buffer> {
    const reply = await this.#options.forwarder.resolve(question);
    return encode(query, { ...reply, recursionAvailable: true }, limit);
  }

  /** A CNAME out of the zone goes with its target's records; where they cannot be had, the answer is empty. */
  async #follow(query: Message, result: Answer, limit: number): Promise<Buffer> {
    const target = { name: result.follow ?? '', type: query.question?.type ?? TYPE.A, class: CLASS_IN };
    const reply = await this.#options.forwarder.resolve(target);
    const answers = reply.rcode === RCODE.NOERROR ? [...result.answers, ...reply.answers] : [];
    return encode(query, { rcode: RCODE.NOERROR, answers, authoritative: true }, limit);
  }
}

interface ReplyParts {
  readonly rcode: number;
  readonly answers?: readonly ResourceRecord[];
  readonly authority?: readonly ResourceRecord[];
  readonly additional?: readonly ResourceRecord[];
  readonly authoritative?: boolean;
  readonly recursionAvailable?: boolean;
}

function encode(query: Message, parts: ReplyParts, limit: number): Buffer {
  const reply: Message = {
    id: query.id,
    response: true,
    opcode: query.opcode,
    authoritative: parts.authoritative ?? false,
    truncated: false,
    recursionDesired: query.recursionDesired,
    recursionAvailable: parts.recursionAvailable ?? false,
    rcode: parts.rcode,
    question: query.question,
    answers: parts.answers ?? [],
    authority: parts.authority ?? [],
    additional: parts.additional ?? [],
    edns: query.edns && { udpSize: OWN_UDP_SIZE, version: 0, dnssecOk: query.edns.dnssecOk },
  };
  return encodeMessage(reply, limit);
}

function limitOf(query: Message, transport: Transport): number {
  if (transport === 'tcp') return MAX_MESSAGE;
  return Math.max(PLAIN_UDP_SIZE, query.edns?.udpSize ?? 0);
}

/** The header of a query that cannot be read, turned into its reply. */
function formatError(packet: Buffer): Buffer {
  const reply = Buffer.alloc(12);
  packet.copy(reply, 0, 0, 4);
  reply[2] = 0x80 | (packet[2]! & 0x79);
  reply[3] = RCODE.FORMERR;
  return reply;
}

/** CNAMEs stay before what they lead to; the addresses after them change places (Fisher-Yates). */
function shuffled(records: readonly ResourceRecord[], random: Random): ResourceRecord[] {
  const fixed = records.filter(({ data }) => data.type === 'CNAME');
  const rest = records.filter(({ data }) => data.type !== 'CNAME');
  for (let i = rest.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [rest[i], rest[j]] = [rest[j]!, rest[i]!];
  }
  return [...fixed, ...rest];
}
