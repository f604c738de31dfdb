// Turns one query packet into one reply packet. Questions of the cluster's zones are answered from the view, and their
// replies kept as bytes until something they came from changes; all else goes to the forwarder.
import type { Random } from '../system/random.ts';
import type { ForwardedReply } from './forward/forward-cache.ts';
import type { Forwarder } from './forward/forwarder.ts';
import type { LoopToken } from './forward/loop-token.ts';
import { type ForwardQuestion, isTransfer } from './forward/query.ts';
import { ReplyCache } from './reply-cache.ts';
import { namesToTry, type SearchPathOf } from './search-path.ts';
import { decodeMessage } from './wire/decode.ts';
import { encodeMessage, longestMessage } from './wire/encode.ts';
import { CLASS_IN, type Message, type Question, RCODE, type ResourceRecord, TYPE, typeCode } from './wire/message.ts';
import { FormatError } from './wire/name.ts';
import { type Answer, answer, type ZoneConfig, zoneOf } from './zone/answer.ts';
import type { ZoneView } from './zone/view.ts';

export type Transport = 'udp' | 'tcp';

/** Who asks, and how. */
export interface Client {
  readonly transport: Transport;
  readonly address: string;
}

/**
 * What a message over UDP may be at least (RFC 1035, 4.2.1) and at most, whatever the client offers: more would break into
 * fragments, and serve those who forge others' addresses (DNS flag day 2020).
 */
const plainUDPSize = 512;
const ownUDPSize = 1232;
const optSize = 11;
/** The serial is the first of the last five numbers of an SOA record (RFC 1035, 3.3.13). */
const serialFromEnd = 20;

/** How many different orders of a reply's addresses are kept, so that clients that take the first spread out. */
const mostOrders = 8;

export interface ResponderOptions {
  readonly view: ZoneView;
  readonly config: ZoneConfig;
  readonly forwarder: Forwarder;
  readonly loopToken: LoopToken;
  readonly random: Random;
  /** Whether the view is complete; before that the zone's questions get SERVFAIL. */
  readonly ready: () => boolean;
  /** Reverse names that this server answers itself even where it finds nothing; others it forwards. */
  readonly ownsAddress: (reverseName: string) => boolean;
  /** Absent where no client's search is answered for it. */
  readonly searchPathOf?: SearchPathOf | undefined;
}

interface Asked {
  readonly query: Message;
  readonly packet: Buffer;
  readonly client: Client;
}

export class Responder {
  readonly #options: ResponderOptions;
  readonly #cache = new ReplyCache();

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  /** Forgets the prepared replies that a change of these (Answer.dependencies) makes untrue. */
  invalidate(dependencies: Iterable<string>): void {
    this.#cache.invalidate(dependencies);
  }

  /**
   * The reply to a packet: at once where it is known, later where others are asked, undefined for what deserves no
   * reply (a reply itself, or fewer bytes than a header).
   */
  respond(packet: Buffer, client: Client): Buffer | Promise<Buffer> | undefined {
    if (packet.length < 12 || packet[2]! & 0x80) return undefined;
    const prepared = this.#cache.find(packet, client.transport);
    if (prepared) return prepared.next(packet.readUInt16BE(0), this.#options.view.serial);
    if ((packet[2]! & 0x78) !== 0) return headerOnly(packet, RCODE.NOTIMP);
    let query: Message;
    try {
      query = decodeMessage(packet);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return headerOnly(packet, RCODE.FORMERR);
    }
    return this.#answer(query, packet, client);
  }

  #answer(query: Message, packet: Buffer, client: Client): Buffer | Promise<Buffer> {
    const { question } = query;
    const { config, view, loopToken, forwarder, ownsAddress, ready } = this.#options;
    const limit = limitOf(query, client.transport);
    const failure = (rcode: number) => encode(query, { rcode }, limit);
    if (!question) return failure(RCODE.FORMERR);
    if (query.edns && query.edns.version !== 0) return failure(RCODE.BADVERS);
    if (question.class !== CLASS_IN || isTransfer(question.type)) return failure(RCODE.REFUSED);
    if (question.type === TYPE.OPT) return failure(RCODE.FORMERR);
    const loop = loopToken.answerTo(question);
    if (loop) return encode(query, { rcode: RCODE.NOERROR, answers: loop }, limit);
    const zone = zoneOf(question.name, config);
    const stub = forwarder.stubOf(question.name);
    if (zone === undefined || (stub !== undefined && stub.length > zone.length))
      return this.#forward(query, question, limit);
    if (!ready()) return failure(RCODE.SERVFAIL);
    const result = answer(view, question, config);
    if (result.rcode === RCODE.NXDOMAIN) {
      if (zone !== config.zone && !ownsAddress(question.name)) return this.#forward(query, question, limit);
      const names = this.#namesToTry(question, client);
      if (names.length > 0) return this.#search(query, result, names, limit);
    }
    if (result.follow !== undefined) return this.#follow(query, result, limit);
    const answers = this.#inSomeOrder(result.answers);
    const reply = encode(query, { ...result, answers, authoritative: true }, limit);
    // A name that one client's search leads on from is for every other client simply not there.
    const ofAllClients = result.rcode !== RCODE.NXDOMAIN || !this.#options.searchPathOf;
    if (ofAllClients) this.#keep(reply, result, { query, packet, client });
    return reply;
  }

  #keep(reply: Buffer, result: Answer, { query, packet, client }: Asked): void {
    const { answers, authority, dependencies } = result;
    const last = (authority.at(-1) ?? answers.at(-1))?.data.type;
    const serialAt = last === 'SOA' ? reply.length - (query.edns ? optSize : 0) - serialFromEnd : undefined;
    const orders = answers.length > 1 ? mostOrders : 1;
    const empty = answers.length === 0;
    this.#cache.keep(packet, client.transport, { packet: reply, orders, dependencies, empty, serialAt });
  }

  /** Another order each time, so that clients that take the first address spread out. */
  #inSomeOrder(records: readonly ResourceRecord[]): readonly ResourceRecord[] {
    return records.length > 1 ? shuffled(records, this.#options.random) : records;
  }

  async #forward(query: Message, question: Question, limit: number): Promise<Buffer> {
    const reply = await this.#options.forwarder.resolve(forwardQuestion(query, question));
    return encode(query, { ...reply, answers: this.#inSomeOrder(reply.answers), recursionAvailable: true }, limit);
  }

  /** A CNAME out of the zone goes with its target's records, or alone: it is true whatever is said of its target. */
  async #follow(query: Message, result: Answer, limit: number): Promise<Buffer> {
    const reply = await this.#outside(query, result.follow ?? '.');
    const answers = this.#inSomeOrder([...result.answers, ...reply.answers]);
    return encode(query, { rcode: RCODE.NOERROR, answers, authoritative: true }, limit);
  }

  #outside(query: Message, name: string): Promise<ForwardedReply> {
    const question = { name, type: query.question?.type ?? TYPE.A, class: CLASS_IN };
    return this.#options.forwarder.resolve(forwardQuestion(query, question));
  }

  #namesToTry({ name, type }: Question, { address }: Client): string[] {
    if (type !== TYPE.A && type !== TYPE.AAAA) return [];
    return namesToTry(name, this.#options.searchPathOf?.(address));
  }

  /** The first of the names that is there, behind a CNAME from the one that was asked; else that is not there. */
  async #search(query: Message, missing: Answer, names: readonly string[], limit: number): Promise<Buffer> {
    const { config } = this.#options;
    for (const name of names) {
      const reply = await this.#resolve(query, name);
      if (reply.rcode === RCODE.NXDOMAIN) continue;
      // A failure here is not the name's: the client goes on searching by itself.
      if (reply.rcode !== RCODE.NOERROR) break;
      const data = { type: 'CNAME', target: name } as const;
      const ttl = Math.min(config.ttl, ...reply.answers.map((record) => record.ttl));
      const answers = this.#inSomeOrder([{ name: query.question?.name ?? name, ttl, data }, ...reply.answers]);
      return encode(query, { ...reply, answers, authoritative: true, recursionAvailable: true }, limit);
    }
    return encode(query, { ...missing, authoritative: true }, limit);
  }

  async #resolve(query: Message, name: string): Promise<ForwardedReply> {
    const { config, view, forwarder } = this.#options;
    if (zoneOf(name, config) !== config.zone || forwarder.stubOf(name) !== undefined) return this.#outside(query, name);
    const result = answer(view, { name, type: query.question?.type ?? TYPE.A, class: CLASS_IN }, config);
    if (result.follow === undefined) return result;
    const reply = await this.#outside(query, result.follow);
    return { ...result, answers: [...result.answers, ...reply.answers] };
  }
}

/** What the client wants of DNSSEC goes on to the upstream. */
function forwardQuestion({ edns, checkingDisabled = false }: Message, question: Question): ForwardQuestion {
  return { ...question, dnssecOk: edns?.dnssecOk ?? false, checkingDisabled };
}

interface ReplyParts {
  readonly rcode: number;
  readonly answers?: readonly ResourceRecord[];
  readonly authority?: readonly ResourceRecord[];
  readonly additional?: readonly ResourceRecord[];
  readonly authoritative?: boolean;
  readonly recursionAvailable?: boolean;
  readonly authenticData?: boolean;
}

function encode(query: Message, parts: ReplyParts, limit: number): Buffer {
  const { authoritative = false, recursionAvailable = false, authenticData = false } = parts;
  const reply: Message = {
    id: query.id,
    response: true,
    opcode: query.opcode,
    authoritative,
    truncated: false,
    recursionDesired: query.recursionDesired,
    recursionAvailable,
    // RFC 6840, 5.7 and 5.8: AD only for those who ask about it.
    authenticData: authenticData && (query.authenticData === true || query.edns?.dnssecOk === true),
    checkingDisabled: query.checkingDisabled ?? false,
    rcode: parts.rcode,
    question: query.question,
    answers: parts.answers ?? [],
    authority: parts.authority ?? [],
    additional: parts.additional ?? [],
    edns: query.edns && { udpSize: ownUDPSize, version: 0, dnssecOk: query.edns.dnssecOk },
  };
  return encodeMessage(reply, limit);
}

function limitOf(query: Message, transport: Transport): number {
  if (transport === 'tcp') return longestMessage;
  return Math.min(ownUDPSize, Math.max(plainUDPSize, query.edns?.udpSize ?? 0));
}

/** The reply to a query that cannot be read, or is of a kind that is not served: its header, with the rcode. */
export function headerOnly(packet: Buffer, rcode: number): Buffer {
  const reply = Buffer.alloc(12);
  packet.copy(reply, 0, 0, 4);
  reply[2] = 0x80 | (packet[2]! & 0x79);
  reply[3] = rcode;
  return reply;
}

/** Aliases stay before what they lead to; the records after them change places (Fisher-Yates). */
function shuffled(records: readonly ResourceRecord[], random: Random): ResourceRecord[] {
  const fixed = records.filter(isAlias);
  const rest = records.filter((record) => !isAlias(record));
  for (let i = rest.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [rest[i], rest[j]] = [rest[j]!, rest[i]!];
  }
  return [...fixed, ...rest];
}

function isAlias({ data }: ResourceRecord): boolean {
  return data.type === 'CNAME' || typeCode(data) === TYPE.DNAME;
}
