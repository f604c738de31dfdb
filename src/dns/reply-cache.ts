// Replies of the zone as bytes, found by the bytes of the question. Each falls when something that it came from changes
// (Answer.dependencies), and only then: the zone's serial is written into them as they go out.
import { MultiMap } from './multi-map.ts';
import type { Transport } from './respond.ts';

/** Bytes that replies with records, and those without, may take in all. */
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_EMPTY_BYTES = 1 * 1024 * 1024;
/** Of so many new replies one takes the place of the oldest: what is asked for often gets in, what is not throws nothing out. */
const ADMITTED_OF = 16;
/** What a reply costs besides its packets: its key, its places in the indexes. */
const OVERHEAD = 500;
/** A question with its EDNS record is never longer than this where it is worth keeping. */
const LONGEST_KEY = 300;

export interface PreparedReplyOptions {
  /** One packet for each order of the records; they go out in turn. */
  readonly packets: readonly Buffer[];
  readonly dependencies: readonly string[];
  /** Without records: kept apart, so that questions for nonsense do not push out those for Services. */
  readonly empty: boolean;
  /** Where in the packet the serial of an SOA record stands. */
  readonly serialAt: number | undefined;
}

export class PreparedReply {
  readonly dependencies: readonly string[];
  readonly empty: boolean;
  readonly bytes: number;
  /** As texts of a byte per character: small buffers share blocks of memory, and would keep whole ones alive. */
  readonly #packets: readonly string[];
  readonly #serialAt: number | undefined;
  #turn = 0;

  constructor({ packets, dependencies, empty, serialAt }: PreparedReplyOptions) {
    this.#packets = packets.map((packet) => packet.toString('latin1'));
    this.dependencies = dependencies;
    this.empty = empty;
    this.#serialAt = serialAt;
    this.bytes = packets.reduce((sum, { length }) => sum + length, OVERHEAD);
  }

  /** The next of its orders, under a query's id and with the zone's serial of now. The buffer is the caller's. */
  next(id: number, serial: number): Buffer {
    const packet = this.#packets[this.#turn]!;
    this.#turn = (this.#turn + 1) % this.#packets.length;
    const copy = Buffer.allocUnsafe(packet.length);
    copy.write(packet, 0, 'latin1');
    copy.writeUInt16BE(id, 0);
    if (this.#serialAt !== undefined) copy.writeUInt32BE(serial >>> 0, this.#serialAt);
    return copy;
  }
}

/** Replies up to a number of bytes. */
class Shelf {
  readonly #replies = new Map<string, PreparedReply>();
  readonly #mostBytes: number;
  #bytes = 0;
  #refused = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get(key: string): PreparedReply | undefined {
    return this.#replies.get(key);
  }

  /** Whether the next reply is to be taken in. */
  admits(): boolean {
    const full = this.#bytes + OVERHEAD > this.#mostBytes;
    return !full || ++this.#refused % ADMITTED_OF === 0;
  }

  /** Returns what had to leave. */
  put(key: string, reply: PreparedReply): [string, PreparedReply][] {
    this.take(key);
    this.#replies.set(key, reply);
    this.#bytes += reply.bytes;
    const left: [string, PreparedReply][] = [];
    for (const [oldest, old] of this.#replies) {
      if (this.#bytes <= this.#mostBytes) break;
      this.take(oldest);
      left.push([oldest, old]);
    }
    return left;
  }

  take(key: string): PreparedReply | undefined {
    const reply = this.#replies.get(key);
    if (!reply) return undefined;
    this.#bytes -= reply.bytes;
    this.#replies.delete(key);
    return reply;
  }
}

export class ReplyCache {
  readonly #replies = new Shelf(MOST_BYTES);
  readonly #empty = new Shelf(MOST_EMPTY_BYTES);
  readonly #keysOfDependency = new MultiMap();

  find(packet: Buffer, transport: Transport): PreparedReply | undefined {
    if (packet.length > LONGEST_KEY) return undefined;
    const key = keyOf(packet, transport);
    return this.#replies.get(key) ?? this.#empty.get(key);
  }

  /** Whether a reply to the packet is worth preparing. Each time it says so, one is kept. */
  admits(packet: Buffer, { empty }: Pick<PreparedReply, 'empty'>): boolean {
    return packet.length <= LONGEST_KEY && (empty ? this.#empty : this.#replies).admits();
  }

  keep(packet: Buffer, transport: Transport, reply: PreparedReply): void {
    const key = keyOf(packet, transport);
    const left = (reply.empty ? this.#empty : this.#replies).put(key, reply);
    for (const [old, { dependencies }] of left) {
      for (const dependency of dependencies) this.#keysOfDependency.remove(dependency, old);
    }
    for (const dependency of reply.dependencies) this.#keysOfDependency.add(dependency, key);
  }

  /** Forgets the replies that came from any of these. */
  invalidate(dependencies: Iterable<string>): void {
    for (const dependency of dependencies) {
      for (const key of [...this.#keysOfDependency.get(dependency)]) {
        const reply = this.#replies.take(key) ?? this.#empty.take(key);
        for (const other of reply?.dependencies ?? []) this.#keysOfDependency.remove(other, key);
      }
    }
  }
}

/** All of the query but its id: flags, question and EDNS record, since all of these shape the reply. */
function keyOf(packet: Buffer, transport: Transport): string {
  return packet.toString('latin1', 2) + (transport === 'udp' ? 'u' : 't');
}
